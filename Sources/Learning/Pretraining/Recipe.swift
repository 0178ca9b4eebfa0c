package import Foundation
package import Generation
import Models
import Questions
package import Speech
import Training

/// cord-nano from nothing: text, speech, hearing, listening and joining, each a folder of the output that an interrupted run goes on
/// from.
///
///     output/fresh/      random weights
///     output/text/       the decoder reads and reasons          (``TextStage``)
///     output/speech/     questions of the training split, each spoken by two of the training voices
///     output/hearing/    the encoder spells what it hears       (``HearingStage``)
///     output/speakers/   the same questions, each spoken by two of anyone's voices
///     output/listening/  the encoder spells what anyone says    (``HearingStage``)
///     output/joining/    the decoder answers and writes down what is spoken  (``JoiningStage``)
///     output/model/      the result, in bfloat16
package struct Recipe: Sendable {
    package var questions = 12_000
    /// Of these, the questions whose spoken answers are learnt; the others are only written down. What is lacking then, the model's own
    /// typed answers teach, without labels (``Closing``).
    package var labelled = 8_000
    /// A model that has learnt text and hearing already. These two stages are skipped, and listening begins with it.
    package var start: URL?
    package var text: StageSettings
    package var hearing: StageSettings
    package var listening: StageSettings
    package var joining: StageSettings
    /// Steps between checkpoints.
    package var checkpointEvery = 50
    package let seed: UInt64

    package init(seed: UInt64 = 1) {
        self.seed = seed
        text = StageSettings(steps: 1100, batchSize: 128, learningRate: 2.5e-3, seed: seed)
        hearing = StageSettings(steps: 900, batchSize: 48, learningRate: 2e-3, seed: seed)
        listening = StageSettings(steps: 1200, batchSize: 48, learningRate: 1.5e-3, seed: seed &+ 2)
        joining = StageSettings(steps: 1300, batchSize: 64, learningRate: 1e-3, seed: seed)
    }

    /// Runs what is not there yet and returns the model's directory.
    package func run(
        like template: LoadedModel, in output: URL, synthesizer: any Synthesizer,
        speaking: @escaping @Sendable (_ done: Int, _ total: Int) -> Void, progress: @Sendable (StageProgress) throws -> Void
    ) async throws -> URL {
        let speaker = Speaker(
            synthesizer: synthesizer, cache: try SpeechCache(folder: output.appendingPathComponent("cache")), workers: 3)
        /// The questions' folder, spoken where it is not there yet.
        func speech(_ name: String, _ count: Int, by voices: [Voice]) async throws -> URL {
            let folder = output.appendingPathComponent(name)
            if exists(folder.appendingPathComponent("manifest.jsonl")) { return folder }
            let texts = try QuestionGenerator.distinct(count, seed: seed, split: .training).map(SpokenText.init)
            try await SpokenSet(texts: texts, voices: voices, voicesPerText: 2, seed: seed)
                .write(to: folder, speaker: speaker, progress: speaking)
            return folder
        }
        // Read once, and only where a stage is still to be run.
        var loaded: (folder: URL, questions: SpokenQuestions)?
        func spoken(_ folder: URL, _ model: LoadedModel) throws -> SpokenQuestions {
            if let loaded, loaded.folder == folder { return loaded.questions }
            let questions = try SpokenQuestions(folder, windowSeconds: model.windowSeconds)
            loaded = (folder, questions)
            return questions
        }
        /// The model after the stage hearing.
        func heard() async throws -> URL {
            if let start { return start }
            let fresh = output.appendingPathComponent("fresh")
            if !isComplete(fresh) { try FreshModel.write(like: template, to: fresh, seed: seed) }
            let read = try stage("text", after: fresh, in: output, progress) { TextStage(settings: text, model: $0) }
            let few = try await speech("speech", questions, by: Voice.training)
            return try stage("hearing", after: read, in: output, progress) {
                HearingStage(name: "hearing", settings: hearing, model: $0, questions: try spoken(few, $0))
            }
        }
        let begun = try await heard()
        let many = try await speech("speakers", questions, by: Voice.anyone)
        let listened = try stage("listening", after: begun, in: output, progress) {
            HearingStage(name: "listening", settings: listening, model: $0, questions: try spoken(many, $0))
        }
        let joined = try stage("joining", after: listened, in: output, progress) {
            let speakers = try spoken(many, $0)
            return JoiningStage(settings: joining, model: $0, labelled: speakers.first(labelled), speakers: speakers)
        }
        let result = output.appendingPathComponent("model")
        let model = try LoadedModel(directory: joined, precision: .float32)
        try TensorExport.writeModel(WeightVersion(id: "model"), of: model, narrow: true, to: result)
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
        try TensorExport.writeModel(version, of: model, to: result)
        return result
    }

    private func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

    /// The weights are written last.
    private func isComplete(_ model: URL) -> Bool { exists(model.appendingPathComponent("model.safetensors")) }
}
