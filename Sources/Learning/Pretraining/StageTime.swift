package import Foundation
import Training

/// How long a stage's steps took, by its log: the sum over all runs of it, where some were stopped.
package struct StageTime: Sendable, Equatable {
    package let stage: String
    package let steps: Int
    package let seconds: Double

    private struct Line: Decodable {
        /// Of a stage of the ``Recipe``.
        let seconds: Double?
        /// Of the ``Closing``; none where no pair of the batch could be used.
        let timings: StepTimings?
    }

    /// The stages that an output folder has logs of, in their order.
    package static func all(in output: URL) -> [StageTime] {
        let logs = ["text", "hearing", "listening", "joining"].map { ($0, "\($0)/log.jsonl") } + [("cord", "cord/metrics.jsonl")]
        return logs.compactMap { stage, path in
            guard let lines = try? StepLog.lines(Line.self, of: output.appendingPathComponent(path)) else { return nil }
            return StageTime(
                stage: stage, steps: lines.count, seconds: lines.reduce(0) { $0 + ($1.seconds ?? $1.timings?.total ?? 0) })
        }
    }
}
