package import Foundation
package import HTTP
package import Workshop

/// What the operator decides: where to listen, who may ask, how much of everything, and which model.
package struct ServerConfiguration: Sendable {
    package var host = "127.0.0.1"
    /// 0 takes a free one.
    package var port = 8080
    /// Without any, only this machine may be listened on.
    package var keys: [AccessKey] = []
    /// The keys as they stand now, read again at SIGHUP.
    package var currentKeys: @Sendable () throws -> [AccessKey] = { [] }
    package var tls: Daemon.TLSFiles?
    /// Origins of web pages that may call from a browser, beside the server's own.
    package var origins: Set<String> = []
    /// Names that the server answers to beside its address and this machine's own names, where it has no keys; `*` allows all.
    package var allowedHosts: Set<String> = []

    package var model: ModelSettings
    /// The one folder from which clients may load adapters; nil allows none.
    package var adapterFolder: URL?
    /// Where jobs, versions, files and reports are kept; nil keeps nothing and trains nothing.
    package var dataFolder: URL?
    package var work = WorkshopSettings()
    /// The largest upload.
    package var uploadBytes = 512 << 20
    /// The console's files; nil serves none.
    package var publicFolder: URL?
    /// Where the distribution keeps the libraries that the console uses.
    package var libraryFolder = URL(fileURLWithPath: "/usr/share", isDirectory: true)

    package var limits = AnswerLimits()
    package var http = Limits()
    /// Time that answers in flight get to finish after SIGTERM.
    package var drainTime = Duration.seconds(60)

    package init(_ model: ModelSettings) { self.model = model }

    /// The folders of which no error tells where they are.
    var folders: OperatorFolders {
        let named = [model.directory, model.projector, adapterFolder, dataFolder, work.audioFolder, publicFolder]
        return OperatorFolders(named.compactMap(\.self) + model.adapters.map(\.directory))
    }
}
