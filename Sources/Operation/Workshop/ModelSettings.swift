package import Foundation
package import Generation
import Tensors

/// A model, its adapters and their precision. This is the only way in which weights are loaded, to answer, to measure and to train.
package struct ModelSettings: Sendable {
    /// A directory, or the GGUF file of a decoder (``ModelFiles``).
    package var directory: URL
    /// The GGUF file of a projector.
    package var projector: URL?
    /// The name that clients see; nil uses the directory's name.
    package var name: String?
    package var precision = ModelPrecision.auto
    /// Whether `precision` may quantise weights that are already quantised.
    package var requantizes = false
    /// The number of threads for arithmetic; nil uses every core.
    package var threads: Int?
    /// Adapters loaded at the start, by name.
    package var adapters: [(name: String, directory: URL)] = []
    package var engine = EngineLimits()

    package init(directory: URL) {
        self.directory = directory
        // Ten seconds of sound, so that no first token waits for all the clips of a training step.
        engine.encoderFrames = 1000
    }

    /// Limits the threads for arithmetic. Call it at start-up, before anything is computed.
    package func claimThreads() { if let threads { Threads.use(threads) } }

    /// Loads the model without its adapters. Takes seconds; blocks.
    package func loadModel() throws -> LoadedModel {
        claimThreads()
        let files = try ModelFiles(directory, projector: projector)
        // A GGUF file and a directory are both named after their model.
        return try LoadedModel(files, name: name ?? directory.modelName, precision: precision, requantizes: requantizes)
    }

    /// Loads the model and its adapters. Takes seconds; blocks.
    ///
    /// - Parameter answered: Called with the timings of each answered question.
    package func load(
        limits: AnswerLimits = AnswerLimits(), answered: @escaping @Sendable (AnswerTimes) -> Void = { _ in }
    ) throws -> Runtime {
        let runtime = Runtime(Engine(try loadModel(), limits: engine), limits: limits, answered: answered)
        for (name, directory) in adapters { try runtime.loadAdapter(directory, name: name) }
        return runtime
    }
}

extension URL {
    /// The last path component, without the suffixes of GGUF files.
    fileprivate var modelName: String {
        lastPathComponent.replacing(/\.gguf$/, with: "").replacing(/-\d{5}-of-\d{5}$/, with: "")
    }
}

/// Limits on one question.
package struct AnswerLimits: Sendable {
    /// Decoded seconds of one clip, beside what the model hears at most.
    package var clipSeconds = 3600.0
    package var clips = 32
    /// Decoded seconds of one recording for transcription.
    package var recordingSeconds = 3600.0
    /// Tokens of one prompt; nil uses the model's context.
    package var promptTokens: Int?
    /// From the request's arrival to the last token.
    package var time = Duration.seconds(300)
    /// Hosts from which `audio_url` may fetch. If empty, only `data:` URLs are allowed.
    package var audioHosts: Set<String> = []
    /// The maximum size of a fetched clip in bytes, and the time for fetching it.
    package var fetchBytes = 32 << 20
    package var fetchTime = Duration.seconds(15)

    package init() {}
}
