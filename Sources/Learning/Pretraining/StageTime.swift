package import Foundation
import Training

/// The time of a stage's steps, by its log: the sum over all of its runs if it was interrupted.
package struct StageTime: Sendable, Equatable {
    package let stage: String
    package let steps: Int
    package let seconds: Double

    private struct Line: Decodable {
        /// The seconds of a step of a ``Recipe``'s stage.
        let seconds: Double?
        /// The timings of a step of ``Closing``; nil if no pair of the batch could be used.
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
