package import Foundation
package import Generation
import Models
import Questions
package import Speech

/// cord-nano from nothing: text, speech, hearing and joining, each a folder of the output that an interrupted run goes on from.
///
///     output/fresh/      random weights
///     output/text/       the decoder reads and reasons          (``TextStage``)
///     output/speech/     questions of the training split, each spoken by two of the training voices
///     output/hearing/    the encoder spells what it hears       (``HearingStage``)
///     output/joining/    the decoder answers what is spoken     (``JoiningStage``)
///     output/practice/   the same with more speech, from a high learning rate again
///     output/model/      the result, in bfloat16
package struct Recipe: Sendable {
    package var questions = 12_000
    package var text: StageSettings
    package var hearing: StageSettings
    package var joining: StageSettings
    package var practice: StageSettings
    /// Steps between checkpoints.
    package var checkpointEvery = 50
    package let seed: UInt64

    package init(seed: UInt64 = 1) {
        self.seed = seed
        text = StageSettings(steps: 1100, batchSize: 128, learningRate: 2.5e-3, seed: seed)
        hearing = StageSettings(steps: 900, batchSize: 48, learningRate: 2e-3, seed: seed)
        joining = StageSettings(steps: 300, batchSize: 64, learningRate: 5e-4, seed: seed)
        practice = StageSettings(steps: 400, batchSize: 64, learningRate: 6e-4, seed: seed &+ 1)
    }

    /// Runs what is not there yet and returns the model's directory.
    package func run(
        like template: LoadedModel, in output: URL, synthesizer: any Synthesizer,
        speaking: @escaping @Sendable (_ done: Int, _ total: Int) -> Void, progress: @Sendable (StageProgress) throws -> Void
    ) async throws -> URL {
        let fresh = output.appendingPathComponent("fresh")
        if !isComplete(fresh) { try FreshModel.write(like: template, to: fresh, seed: seed) }

        let read = try stage("text", after: fresh, in: output, progress) { TextStage(settings: text, model: $0) }
        let speech = output.appendingPathComponent("speech")
        if !exists(speech.appendingPathComponent("manifest.jsonl")) {
            let texts = try QuestionGenerator.distinct(questions, seed: seed, split: .training).map(SpokenText.init)
            let set = SpokenSet(texts: texts, voices: Voice.training, voicesPerText: 2, seed: seed)
            let speaker = Speaker(
                synthesizer: synthesizer, cache: try SpeechCache(folder: output.appendingPathComponent("cache")), workers: 3)
            try await set.write(to: speech, speaker: speaker, progress: speaking)
        }
        // Read once, and only where a stage is still to be run.
        var loaded: SpokenQuestions?
        func spoken(_ model: LoadedModel) throws -> SpokenQuestions {
            if let loaded { return loaded }
            let questions = try SpokenQuestions(speech, windowSeconds: model.windowSeconds)
            loaded = questions
            return questions
        }
        let heard = try stage("hearing", after: read, in: output, progress) {
            HearingStage(settings: hearing, model: $0, questions: try spoken($0))
        }
        let joined = try stage("joining", after: heard, in: output, progress) {
            JoiningStage(name: "joining", settings: joining, model: $0, questions: try spoken($0), typedShare: 0.5)
        }
        let practised = try stage("practice", after: joined, in: output, progress) {
            JoiningStage(name: "practice", settings: practice, model: $0, questions: try spoken($0), typedShare: 0.25)
        }
        let result = output.appendingPathComponent("model")
        let model = try LoadedModel(directory: practised, precision: .float32)
        try FreshModel.write(WeightVersion(id: "model"), of: model, narrow: true, to: result)
        return result
    }

    /// Runs a stage that begins with the model in `directory`, unless its own result is there; returns that.
    private func stage(
        _ name: String, after directory: URL, in output: URL, _ progress: (StageProgress) throws -> Void,
        _ make: (LoadedModel) throws -> some Stage
    ) throws -> URL {
        let folder = output.appendingPathComponent(name)
        let result = folder.appendingPathComponent("model")
        if isComplete(result) { return result }
        let model = try LoadedModel(directory: directory, precision: .float32)
        let version = try StageRun(model: model, directory: folder, checkpointEvery: checkpointEvery)
            .run(try make(model), progress: progress)
        try FreshModel.write(version, of: model, to: result)
        return result
    }

    private func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

    /// The weights are written last.
    private func isComplete(_ model: URL) -> Bool { exists(model.appendingPathComponent("model.safetensors")) }
}
