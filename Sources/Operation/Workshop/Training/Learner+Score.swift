package import API
package import Foundation
import Jobs
import Training
import Workers

extension Learner {
    /// What a step on the same request would learn from: rollouts, measures, coefficients, loss and gradient norm. Nothing changes, and the next
    /// step draws the same rollouts.
    ///
    /// - Returns: The JSON of a `CordScore`.
    package func score(_ wanted: CordStepRequest) async throws -> Data {
        try await inTurn { queued in
            let start = ContinuousClock.now
            let parent = try versions.record(wanted.model)
            let recipe = try TrainingRecipe(wanted.objective, wanted.optimizer, seed: wanted.seed, system: wanted.system)
            let (trainer, _) = try await trainer(at: parent, recipe, wanted)
            let (pairs, unusable) = try sort(wanted.pairs)
            guard !pairs.isEmpty else {
                throw TrainingError.noUsablePair(unusable.map { "\($0.index): \($0.reason ?? "")" })
            }
            let report = try await trainer.score(pairs.map(\.pair), replaying: try replayed(wanted))
            if let dropped = report.dropped { throw WorkshopError(.notFinite, "A step would not be taken: \(dropped).") }
            let include = wanted.include.isEmpty ? Set(CordStepRequest.Detail.allCases) : Set(wanted.include)
            var score = CordScore(
                createdAt: Int(Date().timeIntervalSince1970), model: versions.baseName, weightVersion: parent?.id,
                metrics: CordMetrics(report.metrics),
                pairs: outcomes(report, of: wanted, pairs.map(\.index), unusable, include: include, measured: true),
                timings: CordTimings(
                    queue: queued, rollouts: report.timings.rollouts, scoring: report.timings.scoring, backward: report.timings.backward,
                    optimizer: 0, publish: 0, total: queued + start.secondsUntilNow))
            score.replays = replays(report, of: wanted, include: include, measured: true)
            return try WireEncoder.encode(score)
        }
    }
}
