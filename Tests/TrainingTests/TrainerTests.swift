import Audio
import Foundation
import Generation
import Judging
import Models
import Objectives
import Tensors
import TestSupport
import Testing
import Training

@Suite(.ownThread) struct TrainerTests {
    /// Rollouts are drawn by a pair's id: neither its place in the batch nor its neighbours change them.
    @Test func rolloutsAreIndependentOfTheBatch() async throws {
        let trainer = try StepFixture.trainer()
        let pairs = StepFixture.pairs()
        func drawn(_ pairs: [TrainingPair]) async throws -> [String: [[Int32]]] {
            let report = try await trainer.score(pairs)
            return Dictionary(uniqueKeysWithValues: report.pairs.map { ($0.id, $0.rollouts.map { $0.tokens.map(\.token) }) })
        }
        let together = try await drawn(pairs)
        #expect(together.count == 4 && together.values.allSatisfy { !$0.isEmpty && $0[0].count > 1 })
        #expect(try await drawn(pairs.reversed()) == together)
        #expect(try await drawn([pairs[2]]) == together.filter { $0.key == pairs[2].id })
    }

    @Test func cordStepReportsItsTermsAndMovesTheWeights() async throws {
        let trainer = try StepFixture.trainer()
        let before = await trainer.snapshot(id: "before")
        let report = try await trainer.step(StepFixture.pairs())
        let after = await trainer.snapshot(id: "after")
        #expect(report.step == 1 && report.dropped == nil)
        #expect(report.pairs.map(\.id) == ["apples", "days", "largest", "plus"])
        #expect(report.pairs.allSatisfy { $0.isApplied })
        let metrics = report.metrics
        #expect(abs(metrics.loss - (metrics.tokenLoss! + metrics.sequenceLoss!)) < 1e-9)
        #expect(metrics.klMean! > 0 && metrics.gradNorm > 0)
        #expect((0...1).contains(metrics.rewardMean!) && (0...1).contains(metrics.teacherAgreement!))
        #expect(metrics.logProbabilityDifferenceMax! < 1e-3)
        for pair in report.pairs {
            #expect(pair.rollouts.map(\.source) == [.student, .group, .group, .group, .group])
            #expect(pair.teacherAnswer!.contains("answer is"))
            let token = pair.rollouts[0]
            #expect(!token.tokens.isEmpty && token.tokens.allSatisfy { $0.divergence! >= -1e-5 && (1...4).contains($0.weight!) })
        }
        #expect(before.tensors.map(\.values) != after.tensors.map(\.values))
    }

    @Test func stepsReduceTheDivergence() async throws {
        var options = StepFixture.options(.opd, learningRate: 1e-4)
        options.objective.maxRolloutTokens = 32
        let trainer = try StepFixture.trainer(options)
        let pairs = StepFixture.pairs()
        var divergences: [Double] = []
        for _ in 0..<12 { divergences.append(try await trainer.step(pairs).metrics.klMean!) }
        let first = divergences.prefix(3).reduce(0, +)
        let last = divergences.suffix(3).reduce(0, +)
        #expect(last < first, "\(divergences)")
    }

    @Test(arguments: Objective.Method.allCases)
    func everyMethodTakesAStepByConfigurationAlone(method: Objective.Method) async throws {
        let trainer = try StepFixture.trainer(StepFixture.options(method))
        let report = try await trainer.step(StepFixture.pairs(2))
        #expect(report.dropped == nil && report.pairs.allSatisfy { $0.isApplied })
        let objective = Objective(method)
        #expect((report.metrics.tokenLoss != nil) == objective.reads(.student))
        #expect((report.metrics.sequenceLoss != nil) == objective.reads(.group))
        #expect((report.metrics.klMean != nil) == (objective.reads(.student) || method == .forwardKL))
    }

    @Test func sameSeedGivesTheSameStep() async throws {
        let reports = [
            try await StepFixture.trainer().step(StepFixture.pairs()),
            try await StepFixture.trainer().step(StepFixture.pairs()),
        ]
        #expect(reports[0].metrics == reports[1].metrics)
    }

    /// Rollouts drafted by the teacher's answer are those that come without.
    @Test func draftedStepHasTheSameBits() async throws {
        var steps: [(metrics: StepMetrics, weights: [[Float]])] = []
        for drafting in [Drafting.off, .ngram] {
            var limits = EngineLimits()
            limits.drafting = drafting
            let engine = Engine(try StepFixture.model.get(), limits: limits)
            let trainer = try Trainer(
                engine: engine, plan: .lowRank(rank: 8), options: StepFixture.options(), judge: StepFixture.matching)
            let metrics = try await trainer.step(StepFixture.pairs()).metrics
            steps.append((metrics, await trainer.snapshot(id: "after").tensors.map(\.values)))
            #expect((engine.statistics.acceptedTokens > 20) == (drafting == .ngram))
        }
        #expect(steps[0].metrics == steps[1].metrics && steps[0].weights == steps[1].weights)
    }

    /// A gradient far below AdamW's ε moves the weights by rate · norm / ε, whatever its direction.
    @Test func gradientsAreClippedToTheirNorm() async throws {
        var options = StepFixture.options(.opd)
        options.optimizer.weightDecay = 0
        options.maxGradientNorm = 1e-10
        let trainer = try StepFixture.trainer(options)
        let before = await trainer.snapshot(id: "before").tensors.flatMap(\.values)
        let report = try await trainer.step(StepFixture.pairs(1))
        let after = await trainer.snapshot(id: "after").tensors.flatMap(\.values)
        let moved = zip(after, before).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
        #expect(report.metrics.gradNorm > 1e-3)
        #expect(largestRelativeDifference([moved], [options.optimizer.learningRate * 1e-10 / options.optimizer.epsilon]) < 0.05)
    }

    @Test func passesOfFewRowsGiveTheSameGradient() async throws {
        var options = StepFixture.options(.opd)
        let whole = try await StepFixture.trainer(options).step(StepFixture.pairs()).metrics
        options.passRows = 1
        let pieces = try await StepFixture.trainer(options).step(StepFixture.pairs()).metrics
        #expect(whole.trainTokens == pieces.trainTokens)
        #expect(largestRelativeDifference([pieces.loss], [whole.loss]) <= 1e-5)
        #expect(largestRelativeDifference([pieces.gradNorm], [whole.gradNorm]) <= 1e-4)
    }

    @Test func pairsThatCannotBeUsedAreReportedAndTheOthersApplied() async throws {
        let trainer = try StepFixture.trainer()
        let good = StepFixture.pairs(1)[0]
        let report = try await trainer.step([
            TrainingPair(id: "noise", sound: .bytes(Data([1, 2, 3])), text: "What is 8 plus 5?"),
            TrainingPair(id: "silent", sound: good.sound, text: "  "), good,
            TrainingPair(id: "gone", sound: .file(URL(fileURLWithPath: "/nowhere.wav")), text: "What is 8 plus 5?"),
        ])
        #expect(report.pairs.map(\.isApplied) == [false, false, true, false])
        #expect(report.pairs[1].reason == "the text is empty")
        #expect(report.dropped == nil)
    }

    @Test func batchWithoutUsablePairIsRefused() async throws {
        let trainer = try StepFixture.trainer(StepFixture.options(.supervised))
        let pair = StepFixture.pairs(1)[0]
        await #expect(throws: TrainingError.self) {
            try await trainer.step([TrainingPair(id: "x", sound: pair.sound, text: pair.text)])
        }
        let steps = await trainer.steps
        #expect(steps == 0)
    }

    @Test func judgeThatFailsLeavesItsPairOut() async throws {
        struct Timeout: Error {}
        let trainer = try StepFixture.trainer(judge: { question, response, reference in
            if question.contains("Monday") { throw Timeout() }
            return try await StepFixture.matching(question, response, reference)
        })
        let report = try await trainer.step(StepFixture.pairs())
        #expect(report.pairs.map(\.isApplied) == [true, false, true, true])
    }

    @Test func gradientThatIsNotFiniteDropsTheStep() async throws {
        let trainer = try StepFixture.trainer()
        let before = await trainer.snapshot(id: "before")
        let pair = StepFixture.pairs(1)[0]
        let boundless = TrainingPair(
            id: "boundless", sound: pair.sound, text: pair.text,
            rollouts: [.init(text: "The answer is 14.", advantage: .infinity), .init(text: "The answer is 4.", advantage: -1)])
        let report = try await trainer.step([boundless])
        let after = await trainer.snapshot(id: "after")
        #expect(report.dropped?.contains("not finite") == true)
        let updates = await trainer.updates
        #expect(updates == 0)
        #expect(before.tensors.map(\.values) == after.tensors.map(\.values))
    }

    @Test func suppliedRolloutsAreUsedWithTheirAdvantages() async throws {
        let trainer = try StepFixture.trainer()
        let pair = StepFixture.pairs(1)[0]
        let supplied = TrainingPair(
            id: "mine", sound: pair.sound, text: pair.text,
            rollouts: [.init(text: "The answer is 14.", advantage: 0.5), .init(text: "The answer is 4.", advantage: -0.5)])
        let report = try await trainer.step([supplied])
        #expect(report.metrics.rolloutTokens == 0)
        #expect(report.pairs[0].rollouts.map(\.text) == ["The answer is 14.", "The answer is 14.", "The answer is 4."])
        #expect(report.pairs[0].rollouts.map(\.advantage) == [nil, 0.5, -0.5])
    }

    @Test func clippingScalesTheGradientToTheLimit() async throws {
        var options = StepFixture.options(.opd)
        let free = try await StepFixture.trainer(options).step(StepFixture.pairs(1)).metrics
        options.maxGradientNorm = free.gradNorm / 10
        let clipped = try await StepFixture.trainer(options).step(StepFixture.pairs(1)).metrics
        #expect(clipped.gradNorm == free.gradNorm)
    }

    /// Versions that hear alike share audio embeddings in the engine.
    @Test func onlyTrainedHearingMakesAVersionHearForItself() async throws {
        let decoder = await (try StepFixture.trainer()).snapshot(id: "mine")
        #expect(decoder.hearing == "")
        let projector = await (try StepFixture.trainer(plan: .lowRank([.projector]))).snapshot(id: "mine")
        #expect(projector.hearing == "mine")
    }

    @Test func optionsCanChangeBetweenSteps() async throws {
        let trainer = try StepFixture.trainer(StepFixture.options(.opd))
        let first = try await trainer.step(StepFixture.pairs(1))
        await trainer.configure(StepFixture.options(.grpo, learningRate: 1e-5))
        let second = try await trainer.step(StepFixture.pairs(1))
        #expect(first.metrics.tokenLoss != nil && second.metrics.tokenLoss == nil)
        #expect(second.step == 2 && second.metrics.learningRate == 1e-5)
    }

    @Test func typedPairsTrainWithoutSound() async throws {
        let trainer = try StepFixture.trainer(StepFixture.options(.supervised), plan: .full([.decoder]))
        let pairs = StepFixture.questions.map {
            TrainingPair(id: $0.clip, sound: nil, text: $0.text, answer: $0.answer)
        }
        let first = try await trainer.step(pairs).metrics.loss
        for _ in 0..<3 { _ = try await trainer.step(pairs) }
        let last = try await trainer.step(pairs).metrics.loss
        #expect(last < first)
    }
}
