import Foundation

/// The metrics of a run, a JSON line a step, and as TensorBoard events where asked for.
struct MetricsLog {
    private struct Line: Encodable {
        struct Skipped: Encodable {
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

    private let log: StepLog
    private var events: EventFile?

    /// Continues `metrics.jsonl` of a directory after `step`.
    init(directory: URL, after step: Int, writesEvents: Bool) throws {
        log = try StepLog(directory.appendingPathComponent("metrics.jsonl"), after: step)
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
                ("logprob_difference_max", metrics.logProbabilityDifferenceMax),
            ].compactMap { name, value in value.map { (name, $0) } })
    }
}
