package import Foundation
package import HTTP
package import Workshop

/// The operator's settings: where to listen, who may ask, the limits, and the model.
package struct ServerConfiguration: Sendable {
    package var host = "127.0.0.1"
    /// 0 chooses a free port.
    package var port = 8080
    /// Without keys, the server only listens on this machine's own addresses.
    package var keys: [AccessKey] = []
    /// Returns the current keys; called again at SIGHUP.
    package var currentKeys: @Sendable () throws -> [AccessKey] = { [] }
    package var tls: Daemon.TLSFiles?
    /// Origins of web pages that may call from a browser, besides the server's own.
    package var origins: Set<String> = []
    /// Host names that a server without keys answers to, besides its address and this machine's own names; `*` allows all.
    package var allowedHosts: Set<String> = []

    package var model: ModelSettings
    /// The only folder from which clients may load adapters; nil allows none.
    package var adapterFolder: URL?
    /// The folder of jobs, versions, files and reports. If nil, nothing is stored and nothing can be trained.
    package var dataFolder: URL?
    package var work = WorkshopSettings()
    /// The maximum size of an upload.
    package var uploadBytes = 512 << 20
    /// The console's files; nil serves none.
    package var publicFolder: URL?
    /// The folder in which the distribution keeps the console's libraries.
    package var libraryFolder = URL(fileURLWithPath: "/usr/share", isDirectory: true)

    package var limits = AnswerLimits()
    package var http = Limits()
    /// The time that answers in flight get to finish after SIGTERM.
    package var drainTime = Duration.seconds(60)

    package init(_ model: ModelSettings) { self.model = model }

    /// The folders whose location no error reveals.
    var folders: OperatorFolders {
        let named = [model.directory, model.projector, adapterFolder, dataFolder, work.audioFolder, publicFolder]
        return OperatorFolders(named.compactMap(\.self) + model.adapters.map(\.directory))
    }
}
