package import Foundation
import Generation
import Judging
import Models
import Objectives
import Questions
package import Speech
import Tensors
package import Training

/// CORD on the joined model, the last stage: no label is used, only the model's own typed answers.
///
///     output/pairs/       other questions of the training split, each spoken by two of anyone's voices, near and far
///     output/cord/        metrics and checkpoints
///     output/adapter/     the result: a PEFT directory over output/model
package struct Closing: Sendable {
    /// Two a question.
    package var pairs = 20_000
    package var batchSize = 16
    package var learningRate = 6e-4
    package var rank = 32
    package let seed: UInt64

    package init(seed: UInt64 = 1) { self.seed = seed }

    /// Runs what is not there yet and returns the adapter's directory.
    package func run(
        model directory: URL, name: String, in output: URL, synthesizer: any Synthesizer,
        speaking: @escaping @Sendable (_ done: Int, _ total: Int) -> Void,
        progress: @Sendable (TrainingRun.Progress) async throws -> Void
    ) async throws -> URL {
        let result = output.appendingPathComponent("adapter")
        let files = FileManager.default
        if files.fileExists(atPath: result.path) { return result }
        let folder = output.appendingPathComponent("pairs")
        let manifest = folder.appendingPathComponent("manifest.jsonl")
        if !files.fileExists(atPath: manifest.path) {
            let texts = try QuestionGenerator.distinct(pairs / 2, seed: seed &+ 1, split: .training).map(SpokenText.init)
            let set = SpokenSet(
                texts: texts, voices: Voice.anyone, voicesPerText: 2,
                augmentation: Augmentation(noise: 10...40, speed: 0.9...1.12, gain: -24...3, silence: 0...1.5), seed: seed &+ 1)
            let speaker = Speaker(
                synthesizer: synthesizer, cache: try SpeechCache(folder: output.appendingPathComponent("cache")), workers: 3)
            try await set.write(to: folder, speaker: speaker, progress: speaking)
        }
        let model = try LoadedModel(directory: directory, name: name, precision: .float32)
        var settings = TrainingRun.Settings()
        settings.batchSize = batchSize
        var options = TrainingOptions(Objective(.cord))
        let pairs = try await PairManifest(manifest, for: .pairs(options.objective)).checked(by: model, width: Threads.count).pairs
        let run = try TrainingRun(pairs: pairs, settings: settings, directory: output.appendingPathComponent("cord"))
        options.optimizer.learningRate = learningRate
        options.schedule = Schedule(.linear, warmupSteps: 20, totalSteps: run.totalSteps)
        options.maxGradientNorm = 1
        options.seed = seed
        let trainer = try Trainer(
            engine: Engine(model), plan: .lowRank(AdapterPlan.Part.allCases, rank: rank), options: options,
            judge: AnswerMatch.judge)
        try await run.run(trainer, progress: progress)
        try TensorExport.writeAdapter(
            await trainer.snapshot(id: "cord"), of: model.model, baseModel: name,
            metadata: ["method": "cord", "pairs": String(run.pairs.count)], to: result)
        return result
    }
}
