package import Foundation
package import Generation
import Tensors

/// Which model, over it which adapters, and how both are kept in memory: the one way in which weights are loaded to answer, to be
/// measured and to be trained.
package struct ModelSettings: Sendable {
    /// A directory, or a decoder's GGUF file (``ModelFiles``).
    package var directory: URL
    /// A projector's GGUF file.
    package var projector: URL?
    /// The name that clients see; nil takes the directory's.
    package var name: String?
    package var precision = ModelPrecision.auto
    /// Whether `precision` may round weights that are quantised already.
    package var requantizes = false
    /// Threads of the arithmetic; nil takes every core.
    package var threads: Int?
    /// Adapters loaded at the start, by name.
    package var adapters: [(name: String, directory: URL)] = []
    package var engine = EngineLimits()

    package init(directory: URL) {
        self.directory = directory
        // Ten seconds of sound: nobody's first token waits for all the clips of a training step.
        engine.encoderFrames = 1000
    }

    /// Bounds the threads of the arithmetic; for start-up, before anything is computed.
    package func claimThreads() { if let threads { Threads.use(threads) } }

    /// Loads the model without its adapters. Takes seconds; blocks.
    package func loadModel() throws -> LoadedModel {
        claimThreads()
        let files = try ModelFiles(directory, projector: projector)
        // A decoder's file is called after its model; so is a directory, whatever lies in it.
        return try LoadedModel(files, name: name ?? directory.modelName, precision: precision, requantizes: requantizes)
    }

    /// Loads the model and its adapters. Takes seconds; blocks.
    ///
    /// - Parameter answered: told how long each question took that was answered.
    package func load(
        limits: AnswerLimits = AnswerLimits(), answered: @escaping @Sendable (AnswerTimes) -> Void = { _ in }
    ) throws -> Runtime {
        let runtime = Runtime(Engine(try loadModel(), limits: engine), limits: limits, answered: answered)
        for (name, directory) in adapters { try runtime.loadAdapter(directory, name: name) }
        return runtime
    }
}

extension URL {
    /// The last part, without what GGUF files have after a model's name.
    fileprivate var modelName: String {
        lastPathComponent.replacing(/\.gguf$/, with: "").replacing(/-\d{5}-of-\d{5}$/, with: "")
    }
}

/// What one question may take.
package struct AnswerLimits: Sendable {
    /// Decoded seconds of one clip, beside what the model hears at most.
    package var clipSeconds = 3600.0
    package var clips = 32
    /// Decoded seconds of a recording to be transcribed.
    package var recordingSeconds = 3600.0
    /// Tokens of one prompt; nil leaves it to the model's context.
    package var promptTokens: Int?
    /// From the request's arrival to the last token.
    package var time = Duration.seconds(300)
    /// Hosts from which `audio_url` may fetch; empty allows `data:` URLs only.
    package var audioHosts: Set<String> = []
    /// Bytes of one fetched clip, and the time for fetching it.
    package var fetchBytes = 32 << 20
    package var fetchTime = Duration.seconds(15)

    package init() {}
}
