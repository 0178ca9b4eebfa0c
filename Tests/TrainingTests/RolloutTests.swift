import Foundation
import Generation
import Models
import Objectives
import Tensors
import TestSupport
import Testing
import Training

/// Rollouts as they were: sampled by the engine, or supplied.
@Suite(.ownThread) struct RolloutTests {
    private let pair = StepFixture.pairs(1)[0]

    private func options(_ change: (inout Objective) -> Void = { _ in }) -> TrainingOptions {
        var options = StepFixture.options(.grpo)
        change(&options.objective)
        return options
    }

    private func step(_ rollouts: [TrainingPair.Rollout], _ options: TrainingOptions? = nil) async throws -> StepReport {
        let supplied = TrainingPair(id: "mine", sound: pair.sound, text: pair.text, rollouts: rollouts)
        return try await StepFixture.trainer(options ?? self.options()).step([supplied])
    }

    private func tokens(_ text: String) throws -> [Int32] { try StepFixture.model.get().tokens(text) }

    @Test func suppliedTokensAreTakenAsTheyAre() async throws {
        let model = try StepFixture.model.get()
        let answer = try tokens("The answer is 14.")
        for (rollout, expected, isCut) in [
            (TrainingPair.Rollout(text: nil, tokens: answer, finishReason: .length, advantage: 1), answer, true),
            (.init(text: nil, tokens: answer, advantage: 1), answer, true),
            (.init(text: nil, tokens: answer, finishReason: .stop, advantage: 1), answer + [model.turnEnd], false),
            (.init(text: nil, tokens: answer + [model.turnEnd], advantage: 1), answer + [model.turnEnd], false),
            (.init(text: "The answer is 14.", finishReason: .length, advantage: 1), answer, true),
            (.init(text: "The answer is 14.", advantage: 1), answer + [model.turnEnd], false),
        ] {
            let report = try await step([rollout, .init(text: "no", advantage: -1)])
            let found = report.pairs[0].rollouts[0]
            #expect(found.tokens.map(\.token) == expected && found.isCut == isCut && found.tokenCount == answer.count)
            #expect(found.text == "The answer is 14." && report.dropped == nil)
        }
    }

    @Test func rolloutsThatContradictThemselvesLeaveTheirPairOut() async throws {
        let model = try StepFixture.model.get()
        let answer = try tokens("14")
        for (rollout, words) in [
            (TrainingPair.Rollout(text: nil, tokens: answer, logProbabilities: [], advantage: 1), "log-probabilities"),
            (.init(text: nil, tokens: [Int32.max], advantage: 1), "vocabulary ends at"),
            (.init(text: nil, tokens: Array(repeating: answer[0], count: 5000), advantage: 1), "the model's context"),
            (.init(text: nil, tokens: answer + [model.turnEnd], finishReason: .length, advantage: 1), "was cut and yet ends"),
        ] {
            let error = await #expect(throws: TrainingError.self) { try await step([rollout]) }
            #expect("\(error!)".contains(words))
        }
    }

    @Test func theTeacherIsNotAskedWhereEveryAdvantageIsSupplied() async throws {
        let both = try await step([.init(text: "14", advantage: 1), .init(text: "15", advantage: -1)])
        #expect(both.pairs[0].teacherAnswer == nil)
        let one = try await step([.init(text: "14", advantage: 1), .init(text: "15")])
        #expect(one.pairs[0].teacherAnswer?.isEmpty == false)
    }

    @Test func aSampledRolloutThatWasCutHasNoEnd() async throws {
        let model = try StepFixture.model.get()
        let cut = try await StepFixture.trainer(options { ($0.maxRolloutTokens, $0.entropyCoefficient) = (3, 0.1) }).step([pair])
        #expect(cut.pairs[0].rollouts.count == 4)
        for rollout in cut.pairs[0].rollouts where rollout.isCut {
            #expect(rollout.tokens.count == 3 && rollout.tokenCount == 3)
        }
        #expect(cut.pairs[0].rollouts.count { $0.isCut } > 0)
        let whole = try await StepFixture.trainer(options { ($0.maxRolloutTokens, $0.entropyCoefficient) = (200, 0.1) }).step([pair])
        let ended = whole.pairs[0].rollouts.filter { !$0.isCut }
        #expect(!ended.isEmpty)
        for rollout in ended {
            #expect(model.endTokens.contains(rollout.tokens.last!.token) && rollout.tokens.count == rollout.tokenCount + 1)
        }
    }

    /// What a rollout was drawn from is what the client says: a weight beyond the bound is the bound, one below it is itself.
    @Test func suppliedLogProbabilitiesAreWhatWeightsAreTakenAgainst() async throws {
        let answer = try tokens("The answer is 14.")
        func loss(_ estimator: PolicyGradient.Estimator, _ each: Double?) async throws -> Double {
            let options = options { ($0.estimator, $0.importanceBound) = (estimator, 1) }
            let values = each.map { Array(repeating: $0, count: answer.count) }
            let rollouts = [TrainingPair.Rollout(text: nil, tokens: answer, logProbabilities: values, finishReason: .length, advantage: 1)]
            return try #require(try await step(rollouts, options).metrics.sequenceLoss)
        }
        let plain = try await loss(.unitTemperature, nil)
        #expect(abs(try await loss(.importance, -60) - plain) <= 1e-6 * abs(plain))
        #expect(abs(try await loss(.importance, 0)) < 0.9 * abs(plain))
        #expect(try await loss(.samplingTemperature, nil) != plain)
    }

    @Test func laterUpdatesAreClippedAgainstTheFirst() async throws {
        func run(_ updates: Int) async throws -> (StepMetrics, updates: Int, [[Float]]) {
            var options = options { ($0.clipRatio, $0.updatesPerRollout) = (0.01, updates) }
            options.optimizer.learningRate = 5e-3
            let trainer = try StepFixture.trainer(options)
            let rollouts = [TrainingPair.Rollout(text: "The answer is 14.", advantage: 1), .init(text: "The answer is 4.", advantage: -1)]
            let report = try await trainer.step([TrainingPair(id: "mine", sound: pair.sound, text: pair.text, rollouts: rollouts)])
            let values = await trainer.snapshot(id: "x").tensors.map { Array($0.values) }
            return (report.metrics, await trainer.updates, values)
        }
        let (once, twice) = (try await run(1), try await run(2))
        #expect(once.updates == 1 && twice.updates == 2 && once.2 != twice.2)
        // The step is told as its first update saw it.
        #expect(once.0.loss == twice.0.loss && once.0.gradNorm == twice.0.gradNorm)
        #expect(once.0.clipFraction == 0 && twice.0.clipFraction! > 0)
    }

    @Test func theLogSaysHowLongRolloutsAreAndHowManyPositionsWeighMore() async throws {
        let whole = try await StepFixture.trainer(StepFixture.options(.opdTopK)).step([pair]).metrics
        var options = StepFixture.options(.opdTopK)
        options.objective.topKShare = 0.25
        let share = try await StepFixture.trainer(options).step([pair]).metrics
        let length = try #require(whole.rolloutLengthMean)
        #expect(length == share.rolloutLengthMean && length > 1)
        #expect(whole.topKShare == min(1, 20 / length))
        #expect(share.topKShare == (0.25 * length).rounded(.up) / length)
        let grpo = try await StepFixture.trainer(self.options { $0.referenceCoefficient = 0.1 }).step([pair]).metrics
        #expect(grpo.topKShare == nil && grpo.rolloutLengthMean == nil)
        // The first weights are the reference.
        #expect(abs(grpo.referenceKLMean ?? .nan) < 1e-6 && grpo.entropyMean! > 0)
    }
}
