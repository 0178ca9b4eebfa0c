import Foundation

/// The metrics of a run, a JSON line a step, and as TensorBoard events where asked for.
struct MetricsLog {
    private struct Line: Codable {
        struct Skipped: Codable {
            let id: String
            let reason: String
        }

        let step: Int
        let epoch: Int
        let metrics: StepMetrics?
        let timings: StepTimings?
        let skipped: [Skipped]?
        let problem: String?
    }

    private let file: FileHandle
    private var events: EventFile?
    private let encoder = JSONEncoder()

    /// Continues `metrics.jsonl` of a directory; lines of steps after `step`, which will be taken again, are dropped.
    init(directory: URL, after step: Int, writesEvents: Bool) throws {
        let url = directory.appendingPathComponent("metrics.jsonl")
        let old = (try? Data(contentsOf: url)) ?? Data()
        let kept = old.split(separator: UInt8(ascii: "\n")).filter { line in
            ((try? JSONDecoder().decode(Step.self, from: line))?.step ?? .max) <= step
        }
        try Data(kept.map { $0 + [UInt8(ascii: "\n")] }.joined()).write(to: url, options: .atomic)
        file = try FileHandle(forWritingTo: url)
        try file.seekToEnd()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        events = writesEvents ? try EventFile(directory: directory) : nil
    }

    private struct Step: Decodable { let step: Int }

    mutating func append(step: Int, epoch: Int, _ report: StepReport?, problem: String?) throws {
        let skipped = report?.pairs.compactMap { pair in pair.reason.map { Line.Skipped(id: pair.id, reason: $0) } } ?? []
        let line = Line(
            step: step, epoch: epoch, metrics: report?.metrics, timings: report?.timings,
            skipped: skipped.isEmpty ? nil : skipped, problem: problem)
        try file.write(contentsOf: try encoder.encode(line) + [UInt8(ascii: "\n")])
        guard let metrics = report?.metrics else { return }
        try events?.append(
            step: step,
            [
                ("loss", metrics.loss), ("token_loss", metrics.tokenLoss), ("sequence_loss", metrics.sequenceLoss),
                ("kl_mean", metrics.klMean), ("reward_mean", metrics.rewardMean),
                ("teacher_agreement", metrics.teacherAgreement), ("grad_norm", metrics.gradNorm),
                ("learning_rate", metrics.learningRate),
                ("logprob_difference_max", metrics.logProbabilityDifferenceMax),
            ].compactMap { name, value in value.map { (name, $0) } })
    }
}
