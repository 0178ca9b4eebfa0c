package import Foundation
package import Generation
package import HTTP

/// What the operator decides: where to listen, who may ask, how much of everything, and which model.
package struct ServerConfiguration: Sendable {
    package var host = "127.0.0.1"
    /// 0 takes a free one.
    package var port = 8080
    /// Without any, only this machine may be listened on.
    package var keys: [AccessKey] = []
    package var tls: Daemon.TLSFiles?
    /// Origins of web pages that may call from a browser, beside the server's own.
    package var origins: Set<String> = []
    /// Names that the server answers to beside its address and this machine's own names, where it has no keys; `*` allows all.
    package var allowedHosts: Set<String> = []

    package var modelDirectory: URL
    /// The name that clients see; nil takes the directory's.
    package var modelName: String?
    package var precision = ModelPrecision.auto
    /// Threads of the arithmetic; nil takes every core.
    package var threads: Int?
    /// Adapters loaded at the start, by name.
    package var adapters: [(name: String, directory: URL)] = []
    /// The one folder from which clients may load adapters; nil allows none.
    package var adapterFolder: URL?
    /// Where jobs, versions, files and reports are kept; nil keeps nothing and trains nothing.
    package var dataFolder: URL?
    /// Whether the folder's database is wanted as it is, though the contents beside it belong to another.
    package var acceptsStore = false
    /// The one folder from which requests may name clips by path; nil allows none.
    package var audioFolder: URL?
    /// Endpoints of judging models that requests may name, and the key that they are asked with.
    package var judgeEndpoints: [String] = []
    package var judgeKey: String?
    /// The largest upload.
    package var uploadBytes = 512 << 20
    /// Steps that wait for their turn; more get 429. Likewise jobs.
    package var stepQueue = 16
    package var jobQueue = 64
    /// The console's files; nil serves none.
    package var publicFolder: URL?
    /// Hosts from which `audio_url` may fetch; empty allows `data:` URLs only.
    package var audioHosts: Set<String> = []

    package var limits = AnswerLimits()
    package var http = Limits()
    package var engine = EngineLimits()
    /// Time that answers in flight get to finish after SIGTERM.
    package var drainTime = Duration.seconds(60)

    package init(modelDirectory: URL) {
        self.modelDirectory = modelDirectory
        // Ten seconds of sound: nobody's first token waits for all the clips of a training step.
        engine.encoderFrames = 1000
    }
}

/// What one question may take.
package struct AnswerLimits: Sendable {
    /// Decoded seconds of one clip. The model's own window may be shorter.
    package var clipSeconds = 120.0
    package var clips = 32
    /// Tokens of one prompt; nil leaves it to the model's context.
    package var promptTokens: Int?
    /// From the request's arrival to the last token.
    package var time = Duration.seconds(300)
    /// Bytes of one fetched clip, and the time for fetching it.
    package var fetchBytes = 32 << 20
    package var fetchTime = Duration.seconds(15)

    package init() {}
}
