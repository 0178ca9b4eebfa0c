import Audio
import FakeModel
import Foundation
import Generation
import Models
import Objectives
import Tensors
import TestSupport
import Testing
import Training

/// The trainer over a family that this package does not serve.
@Suite(.ownThread) struct FakeFamilyTests {
    private func engine() throws -> Engine { Engine(try FakeFamily.model()) }

    /// Questions that the model reads and hears alike, with an answer that it does not give by itself.
    private var pairs: [TrainingPair] {
        (0..<4).map { index in
            var random = SplitMix(seed: UInt64(index))
            let sound = AudioClip(samples: (0..<8000).map { _ in Float.random(in: -0.3...0.3, using: &random) })
            return TrainingPair(id: "\(index)", sound: .clip(sound), text: "3", answer: "xyz")
        }
    }

    @Test func anAnswerIsTaught() async throws {
        let engine = try engine()
        var options = StepFixture.options(.supervised, learningRate: 0.02)
        options.seed = 1
        let trainer = try Trainer(engine: engine, plan: .lowRank(rank: 8), options: options, judge: StepFixture.matching)
        var losses: [Double] = []
        for _ in 0..<30 { losses.append(try await trainer.step(pairs).metrics.loss) }
        #expect(losses[29] < losses[0] / 4, "\(losses)")
        let clip = try #require(try pairs[0].sound?.clip(limits: AudioLimits(maxSeconds: 1)))
        let prompt = try engine.model.prompt([HeardMessage(role: "user", parts: [.audio(clip)])])
        let taught = await trainer.snapshot(id: "taught")
        #expect(try await engine.complete(GenerationRequest(prompt: prompt, options: .greedy)).answers[0].text == "456789")
        #expect(try await engine.complete(GenerationRequest(prompt: prompt, options: .greedy, version: taught)).answers[0].text == "xyz")
    }

    @Test func aStepOfCORDLearnsFromRollouts() async throws {
        let trainer = try Trainer(
            engine: engine(), plan: .lowRank(rank: 8), options: StepFixture.options(), judge: StepFixture.matching)
        let before = await trainer.snapshot(id: "before")
        let report = try await trainer.step(pairs)
        #expect(report.dropped == nil && report.pairs.allSatisfy { $0.isApplied })
        #expect(report.pairs.allSatisfy { $0.teacherAnswer == "456789" })
        #expect(try #require(report.metrics.klMean) > 0)
        #expect(await trainer.snapshot(id: "after").tensors.map(\.values) != before.tensors.map(\.values))
    }
}
