/// The requests of the gap routes.

/// A way of asking a question.
package enum GapArm: String, Codable, CaseIterable, Sendable {
    case text, audio
    /// The audio prompt without its audio: measures what can be guessed.
    case noAudio = "no_audio"
    /// The prompt with another question's audio.
    case shuffledAudio = "shuffled_audio"
    case transcript
    /// The clip together with the typed words.
    case audioText = "audio_text"
}

/// How answers are extracted. `strict` names a failure and counts it as wrong; `voicebench_compatible` follows VoiceBench's rules, with their
/// random letter.
package enum GapExtraction: String, Codable, CaseIterable, Sendable {
    case strict
    case voiceBench = "voicebench_compatible"
}

/// `POST /v1/gap/runs`.
package struct GapRunRequest: WireObject, Encodable, Equatable, Sendable {
    package var model: String
    package var benchmark: String
    /// The number of items, from the start of the seeded order; all if absent.
    package var limit: Int?
    package var seed = 0
    package var arms = [GapArm.text, .audio]
    package var decoding = SamplingFields(temperature: 0)
    package var judge: JudgeOptions?
    /// The number of spoken answers along which D_t is measured, if both arms are asked.
    package var divergence = 32
    /// `strict` if absent.
    package var extraction: GapExtraction?
    /// Further sets, asked in one arm each, that a training might harm.
    package var retain: [String]?

    package init(model: String, benchmark: String, limit: Int? = nil) { (self.model, self.benchmark, self.limit) = (model, benchmark, limit) }

    package init(_ fields: Fields) throws {
        model = try fields.name("model")
        benchmark = try fields.name("benchmark")
        limit = try fields.integer("limit", in: 1...Int.max)
        seed = try fields.integer("seed", in: 0...Int.max) ?? seed
        arms = try fields.choiceList("arms") ?? arms
        guard !arms.isEmpty, Set(arms).count == arms.count else {
            throw fields.invalid("arms", expected: "at least one arm, each once")
        }
        decoding = try fields.optional("decoding", "an object") ?? decoding
        judge = try fields.optional("judge", "an object")
        divergence = try fields.integer("divergence", in: 0...10_000) ?? divergence
        extraction = try fields.choice("extraction")
        retain = try fields.sets("retain")
    }
}

extension Fields {
    /// Reads the names of at most eight distinct question sets.
    func sets(_ name: String) throws -> [String]? {
        guard let sets: [String] = try optional(name, "an array of names of question sets") else { return nil }
        guard sets.count <= 8, Set(sets).count == sets.count, sets.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 512 }) else {
            throw invalid(name, expected: "at most 8 names of question sets, each once and of 1 to 512 bytes")
        }
        return sets
    }
}

/// The judge of free-form answers.
package struct JudgeOptions: WireObject, Encodable, Equatable, Sendable {
    package enum Kind: String, Codable, CaseIterable, Sendable {
        /// Compares the extracted answers.
        case match
        /// The served model itself.
        case model
        /// A model behind an endpoint that the operator allows.
        case remote
    }

    package var kind: Kind
    /// The name of the judging model.
    package var model: String?
    package var endpoint: String?

    package init(_ fields: Fields) throws {
        kind = try fields.requiredChoice("kind")
        model = try fields.model()
        endpoint = try fields.text("endpoint", maxLength: 2048)
        if kind != .remote, endpoint != nil {
            throw fields.invalid("endpoint", expected: "nothing where `kind` is not \"remote\"")
        }
    }
}

/// `GET /v1/gap/reports/compare?base=…&candidate=…`.
package struct CompareQuery: WireObject, Equatable, Sendable {
    package var base: String
    package var candidate: String
    package var format: ReportFormat?

    package init(_ fields: Fields) throws {
        base = try fields.name("base", maxLength: 128)
        candidate = try fields.name("candidate", maxLength: 128)
        format = try fields.choice("format")
    }
}

package enum ReportFormat: String, Codable, CaseIterable, Sendable { case json, html, csv, md }

/// `GET /v1/gap/reports/{id}?format=…`.
package struct ReportQuery: WireObject, Equatable, Sendable {
    package var format: ReportFormat?

    package init(_ fields: Fields) throws {
        format = try fields.choice("format")
    }
}

/// `POST /v1/benchmarks`: a question set from an uploaded file.
package struct BenchmarkRequest: WireObject, Encodable, Equatable, Sendable {
    package enum Format: String, Codable, CaseIterable, Sendable {
        case manifest, audiofolder, voicebench
        case bigBenchAudio = "big_bench_audio"
        case kimiEvalkit = "kimi_evalkit"
        case msSwift = "ms_swift"
        case speechMath = "speech_math"
        case vera
    }

    package var name: String
    package var fileId: String
    /// Detected from the file if absent.
    package var format: Format?

    package init(name: String, fileId: String, format: Format? = nil) { (self.name, self.fileId, self.format) = (name, fileId, format) }

    package init(_ fields: Fields) throws {
        name = try fields.name("name", maxLength: 128)
        fileId = try fields.name("file_id", maxLength: 128)
        format = try fields.choice("format")
    }
}
