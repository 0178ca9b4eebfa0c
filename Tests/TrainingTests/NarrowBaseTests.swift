import Audio
import CordNano
import Foundation
import Generation
import Models
import Objectives
import Tensors
import TestSupport
import Testing
import Training
import Weights

/// Adapters in float32 over bases in 8 and 4 bits.
@Suite(.ownThread) struct NarrowBaseTests {
    private let folder = fixtures.appending(path: "gguf/quantized")

    /// Of each factor over weights in Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1, against PyTorch on what these widen to.
    @Test func gradientsAgreeWithPyTorchOnWidenedWeights() throws {
        let files = ModelFiles.gguf(decoder: folder.appending(path: "decoder.gguf"), projector: folder.appending(path: "mmproj.gguf"))
        let loaded = try LoadedModel(files, precision: .float32), model = loaded.model
        let reference = try ReferenceCases("gguf/quantized"), goldens = try Safetensors(reference.goldens)
        let adapter = try #require(reference.adapter), item = try #require(reference.named(adapter.case))
        let version = try loaded.version(fromPEFT: folder.appending(path: "lora"), id: "python")
        let bases = Set(version.adapters.keys.map { model.parameters[$0].stored.format.name })
        #expect(bases.isSuperset(of: ["Q8_0", "Q4_0", "Q5_0"]), "\(bases)")
        let weights = try TrainableWeights(.lowRank(Parameter.Part.allCases, rank: 2, alpha: 4), model: model, parent: version)
        let clips = try item.clips.map { AudioClip(samples: try #require(reference.clips[$0]?.synthetic)) }
        let prompt = try loaded.expand(item.promptIDs, clips)
        let pass = GradientPass(
            model: model, arithmetic: loaded.arithmetic, objective: Objective(.supervised), weights: weights, frozenTeacher: nil,
            counts: BatchCounts(pairs: 1, sequenceTokens: 0))
        let tape = Tape()
        weights.watch(on: tape)
        let pair = PreparedPair(prompt: prompt, teacherPrompt: prompt, answers: [.init(source: .gold, tokens: adapter.answer)])
        let loss = pass([pair], on: tape).joined().reduce(0) { $0 + $1.coefficients.loss }
        #expect(abs(loss - adapter.loss) <= 1e-4 * adapter.loss, "\(loss), PyTorch \(adapter.loss)")
        var compared = 0
        for entry in weights.entries {
            guard let golden = goldens.tensors["gradient/base_model.model.\(model.names.newest(entry.name)).weight"] else { continue }
            let found = try #require(tape.gradient(of: entry.tensor)).values
            #expect(largestRelativeDifference(found, try golden.floats()) <= 1e-4, "\(entry.name)")
            compared += 1
        }
        #expect(compared == 2 * version.adapters.count && compared > 10)
    }

    /// CORD steps over a narrow base: the sampler's log-probabilities are the trainer's, as near as over float32; the adapter moves.
    @Test(arguments: [ModelPrecision.float32, .int8, .int4])
    func samplerAndTrainerComputeTheSame(precision: ModelPrecision) async throws {
        let model = try LoadedModel(directory: CordNano.directory, precision: precision)
        let trainer = try Trainer(
            engine: Engine(model), plan: .lowRank(rank: 8), options: StepFixture.options(), judge: StepFixture.matching)
        for _ in 0..<2 {
            let report = try await trainer.step(StepFixture.pairs()).metrics
            let difference = try #require(report.logProbabilityDifferenceMax)
            #expect(difference < 1e-4, "\(precision): \(difference)")
            #expect(report.gradNorm.isFinite && report.gradNorm > 0 && report.trainTokens > 0)
        }
    }
}
