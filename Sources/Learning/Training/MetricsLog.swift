import Foundation

/// The metrics of a run and its validations, a JSON line each, and as TensorBoard events where asked for.
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

    private struct ValidationLine: Codable {
        let step: Int
        let validation: Validation
    }

    private let log: StepLog
    private let validations: StepLog?
    private var events: EventFile?

    private static func metrics(_ directory: URL) -> URL { directory.appendingPathComponent("metrics.jsonl") }
    private static func validations(_ directory: URL) -> URL { directory.appendingPathComponent("validation.jsonl") }

    /// Continues the files of a directory after `step`.
    init(directory: URL, after step: Int, validates: Bool, writesEvents: Bool) throws {
        log = try StepLog(Self.metrics(directory), after: step)
        validations = validates ? try StepLog(Self.validations(directory), after: step) : nil
        events = writesEvents ? try EventFile(directory: directory) : nil
    }

    mutating func append(step: Int, epoch: Int, _ report: StepReport?, problem: String?) throws {
        let skipped = report?.pairs.compactMap { pair in pair.reason.map { Line.Skipped(id: pair.id, reason: $0) } } ?? []
        let line = Line(
            step: step, epoch: epoch, metrics: report?.metrics, timings: report?.timings,
            skipped: skipped.isEmpty ? nil : skipped, problem: problem)
        try log.append(line)
        guard let metrics = report?.metrics else { return }
        try events?.append(
            step: step,
            [
                ("loss", metrics.loss), ("token_loss", metrics.tokenLoss), ("sequence_loss", metrics.sequenceLoss),
                ("kl_mean", metrics.klMean), ("reward_mean", metrics.rewardMean),
                ("teacher_agreement", metrics.teacherAgreement), ("grad_norm", metrics.gradNorm),
                ("learning_rate", metrics.learningRate),
                ("logprob_difference_max", metrics.logProbabilityDifferenceMax), ("rollout_length_mean", metrics.rolloutLengthMean),
                ("top_k_share", metrics.topKShare), ("clip_fraction", metrics.clipFraction),
                ("reference_kl_mean", metrics.referenceKLMean), ("entropy_mean", metrics.entropyMean),
            ].compactMap { name, value in value.map { (name, $0) } })
    }

    mutating func append(step: Int, _ validation: Validation) throws {
        try validations?.append(ValidationLine(step: step, validation: validation))
        try events?.append(step: step, validation.values.map { ("validation/" + $0.name, $0.value) })
    }

    /// The pairs that steps of a run left out, by id.
    static func leftOut(_ directory: URL) throws -> [RunResult.LeftOut] {
        var found: [String: RunResult.LeftOut] = [:]
        for skipped in try StepLog.lines(Line.self, of: metrics(directory)).flatMap({ $0.skipped ?? [] }) {
            let times = (found[skipped.id]?.times ?? 0) + 1
            found[skipped.id] = RunResult.LeftOut(id: skipped.id, reason: skipped.reason, times: times)
        }
        return found.values.sorted { $0.id < $1.id }
    }

    /// The validation of a run after a step; nil where there was none.
    static func validation(_ directory: URL, at step: Int) throws -> Validation? {
        let file = validations(directory)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return try StepLog.lines(ValidationLine.self, of: file).last { $0.step == step }?.validation
    }
}
