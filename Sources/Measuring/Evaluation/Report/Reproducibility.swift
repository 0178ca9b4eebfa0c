/// The settings with which another machine repeats the evaluation and gets the same answers.
package struct Reproducibility: Codable, Sendable, Equatable {
    package var model: String
    package var modelHash: String
    package var weightVersion: String
    package var weightVersionHash: String
    package var promptTemplateHash: String
    /// Temperature, top_p, max_tokens and the rest, as strings, which are compared as written.
    package var decoding: [String: String]
    package var seed: UInt64
    package var judge: String
    /// `strict`, or `voicebench_compatible`.
    package var extraction: ExtractionMode
    package var benchmark: String
    package var benchmarkHash: String
    package var softwareVersion: String
    package var machine: String
    package var arms: [Arm]
    /// The number of items asked, from the start of the seeded order; nil for all.
    package var limit: Int?
    /// The number of answers along which D_t was measured.
    package var divergence: Int
    /// Second sets asked in addition to the benchmark.
    package var retained: [RetainedFacts]?

    package init(
        model: String, modelHash: String, weightVersion: String, weightVersionHash: String, promptTemplateHash: String,
        decoding: [String: String], seed: UInt64, judge: String, extraction: ExtractionMode = .strict, benchmark: String,
        benchmarkHash: String, softwareVersion: String, machine: String, arms: [Arm] = [.text, .audio], limit: Int? = nil,
        divergence: Int = 0, retained: [RetainedFacts]? = nil
    ) {
        self.model = model
        self.modelHash = modelHash
        self.weightVersion = weightVersion
        self.weightVersionHash = weightVersionHash
        self.promptTemplateHash = promptTemplateHash
        self.decoding = decoding
        self.seed = seed
        self.judge = judge
        self.extraction = extraction
        self.benchmark = benchmark
        self.benchmarkHash = benchmarkHash
        self.softwareVersion = softwareVersion
        self.machine = machine
        self.arms = arms
        self.limit = limit
        self.divergence = divergence
        self.retained = retained
    }

    /// The model and its weights, for titles.
    package var measured: String { "\(model), weights \(weightVersion)" }

    enum CodingKeys: String, CodingKey {
        case model, decoding, seed, judge, extraction, benchmark, machine, arms, limit, divergence, retained
        case modelHash = "model_hash"
        case weightVersion = "weight_version"
        case weightVersionHash = "weight_version_hash"
        case promptTemplateHash = "prompt_template_hash"
        case benchmarkHash = "benchmark_hash"
        case softwareVersion = "software_version"
    }

    /// Name and value of every entry, in a fixed order, for the renderers.
    package var entries: [(name: String, value: String)] {
        var entries = [
            ("model", model), ("model hash", modelHash), ("weight version", weightVersion),
            ("weight version hash", weightVersionHash), ("prompt template hash", promptTemplateHash),
            ("decoding", decoding.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")),
            ("seed", String(seed)), ("judge", judge), ("extraction", extraction.rawValue), ("benchmark", benchmark),
            ("benchmark hash", benchmarkHash), ("software version", softwareVersion), ("machine", machine),
            ("arms", arms.map(\.rawValue).joined(separator: ", ")), ("limit", limit.map(String.init) ?? "all"),
            ("divergence", String(divergence)),
        ]
        for set in retained ?? [] { entries.append(("retained set", "\(set.benchmark), \(Format.name(set.arm)), hash \(set.benchmarkHash)")) }
        return entries
    }
}
