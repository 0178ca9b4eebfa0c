import Foundation
import Judging
import Models
import Objectives
import Tensors
import TestSupport
import Testing
import Training

/// Steps whose rewards are the caller's own.
@Suite(.ownThread) struct RewardTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func reward(_ script: String) throws -> Reward {
        let file = folder.url.appending(path: "\(UUID().uuidString).sh")
        try Data(script.utf8).write(to: file)
        return try Reward("sh '\(file.path)'", name: "rule")
    }

    private func trainer(_ reward: Reward?) throws -> Trainer {
        try Trainer(
            engine: StepFixture.engine(), plan: .lowRank(rank: 8), options: StepFixture.options(.grpo), judge: StepFixture.matching, reward: reward)
    }

    private func values(_ trainer: Trainer) async -> [[UInt32]] {
        await trainer.snapshot(id: "x").tensors.map { $0.values.map(\.bitPattern) }
    }

    @Test func aStepLearnsFromTheCallersNumbers() async throws {
        let trainer = try trainer(try reward(#"while read -r line; do echo '{"rewards": [0.5, 2, -1, 0.5]}'; done"#))
        let report = try await trainer.step(StepFixture.pairs(1))
        #expect(report.pairs[0].rollouts.map(\.reward) == [0.5, 2, -1, 0.5])
        #expect(report.pairs[0].rollouts.map(\.advantage) == [0, 1.5, -1.5, 0])
        #expect(report.metrics.rewardMean == 0.5 && report.dropped == nil)
    }

    @Test func aRuleThatFailsEndsTheStepAndChangesNothing() async throws {
        let trainer = try trainer(try reward(#"while read -r line; do echo '{"rewards": [1, NaN, 0, 0]}'; done"#))
        let before = await values(trainer)
        let error = await #expect(throws: RewardError.self) { try await trainer.step(StepFixture.pairs(2)) }
        #expect("\(error!)".contains("the reward rule, of the rollouts of ") && "\(error!)".contains("NaN"))
        #expect(await values(trainer) == before)
        #expect(await trainer.steps == 0)
    }

    /// The rule gives other numbers whenever it is started; what it gave stands in the run's folder.
    @Test func aRunWhoseRuleFailedGoesOnToTheSameBits() async throws {
        let mark = folder.url.appending(path: "mended").path
        let script = """
            n=0
            while read -r line; do
                n=$((n+1))
                if [ $n -gt 4 ] && [ ! -e '\(mark)' ]; then echo 'out of memory'; else echo "{\\"rewards\\": [0, 1, 0, 1]}"; fi
            done
            """
        func trained(_ directory: URL, _ reward: Reward) async throws -> [[UInt32]] {
            var settings = TrainingRun.Settings()
            (settings.batchSize, settings.steps, settings.checkpointEvery) = (2, 4, 1)
            let run = try TrainingRun(pairs: StepFixture.pairs(), settings: settings, directory: directory)
            let trainer = try trainer(try reward.remembering(in: TrainingRun.rewards(of: directory)))
            try await run.run(trainer)
            return await values(trainer)
        }
        let parts = folder.url.appending(path: "parts")
        let rule = try reward(script)
        let error = await #expect(throws: RewardError.self) { try await trained(parts, rule) }
        #expect("\(error!)".contains("out of memory"))
        #expect(try TrainingRun.checkpoints(of: parts).count == 2)
        try Data().write(to: URL(fileURLWithPath: mark))
        let whole = try await trained(folder.url.appending(path: "whole"), try reward(script))
        let resumed = try await trained(parts, try reward(script))
        #expect(resumed == whole)
    }
}
