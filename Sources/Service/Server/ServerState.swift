import Evaluation
import Foundation
package import HTTP
package import Jobs
package import Logging
import Synchronization
import Workers
package import Workshop

/// The state that routes share: the configuration, the counters, and the runtime once the model is loaded.
package final class ServerState: Sendable {
    package let configuration: ServerConfiguration
    package let metrics = Metrics()
    package let condition = Condition()
    package let heartbeat = Heartbeat()
    private let slot = Mutex<(runtime: Runtime, workshop: Workshop?)?>(nil)

    package init(_ configuration: ServerConfiguration) { self.configuration = configuration }

    /// - Throws: 503 while the model is loading.
    package var runtime: Runtime {
        get throws(HTTPError) {
            guard let runtime = slot.withLock({ $0?.runtime }) else {
                throw .busy(503, "The model is still being loaded; ask again in a moment.", retryAfter: 2, code: "loading")
            }
            return runtime
        }
    }

    /// The workshop, which holds everything that outlives the process.
    ///
    /// - Throws: 503 while loading; 422 if the server stores nothing.
    package var workshop: Workshop {
        get throws(HTTPError) {
            _ = try runtime
            guard let workshop = slot.withLock({ $0?.workshop }) else {
                throw HTTPError(422, "This server keeps nothing: it was started without a data folder (--data).", code: "no_data_folder")
            }
            return workshop
        }
    }

    package var isReady: Bool { slot.withLock { $0 != nil } }

    /// Loads the model and the configured adapters. Takes seconds; blocks.
    package func load() throws -> Runtime {
        try configuration.model.load(limits: configuration.limits) { [metrics] in metrics.answered($0) }
    }

    /// Opens the workshop in the operator's data folder.
    package func workshop(in folder: DataFolder, store: Store? = nil, over runtime: Runtime) throws -> Workshop {
        try Workshop(
            folder, store: store, runtime: runtime, settings: configuration.work, hiding: configuration.folders, condition: condition,
            refusal: { error in
                HTTPError(refusing: error).map { JobFailure(code: $0.code ?? "internal_error", message: $0.message) }
            }, answering: { [clips = StoredClips.ofBatches(self)] in try await BatchesRoute.answer($0, $1, $2, clips) })
    }

    /// Questions are answered from here on.
    package func begin(_ runtime: Runtime, _ workshop: Workshop? = nil) {
        heartbeat.start()
        slot.withLock { $0 = (runtime, workshop) }
    }

    /// Releases the runtime and the workshop.
    package func end() {
        slot.withLock { $0 = nil }
        heartbeat.stop()
    }

    /// Every route with keys, origins and limits. The daemon serves this value, and tests run it in memory.
    package func service(logger: Logger = Logger(label: "cord.http")) throws -> Service {
        var limits = configuration.http
        // The largest request must fit twice. Otherwise it would be told to come back for ever.
        limits.bodyBytesInTotal = max(limits.bodyBytesInTotal, 2 * max(limits.bodyBytes, configuration.uploadBytes))
        limits.spoolFolder = configuration.dataFolder?.appending(path: "temporary")
        return Service(
            router: try router(), keys: configuration.keys,
            crossOrigin: CrossOrigin(origins: configuration.origins),
            hosts: configuration.keys.isEmpty ? AllowedHosts(configuration.allowedHosts.union([configuration.host])) : .any,
            limits: limits, logger: logger, observe: { [metrics] in metrics.record($0) },
            publicWords: { [paths = configuration.folders] in paths.hidden(in: $0) })
    }

    package func router() throws -> Router {
        var router = Router()
        HealthRoute.add(to: &router, self)
        AnswersRoute.add(to: &router, self)
        ChatCompletionsRoute.add(to: &router, self)
        ResponsesRoute.add(to: &router, self)
        CompletionsRoute.add(to: &router, self)
        ScoreRoute.add(to: &router, self)
        TranscriptionsRoute.add(to: &router, self)
        // The other routes occasionally wait for the disk.
        router.executor = WorkExecutor(name: "routes", width: 4)
        MetricsRoute.add(to: &router, self)
        ModelsRoute.add(to: &router, self)
        AdaptersRoute.add(to: &router, self)
        TokensRoute.add(to: &router, self)
        CordScoreRoute.add(to: &router, self)
        CordStepsRoute.add(to: &router, self)
        WeightsRoute.add(to: &router, self)
        FilesRoute.add(to: &router, self)
        FileRowsRoute.add(to: &router, self)
        BatchesRoute.add(to: &router, self)
        FineTuningRoute.add(to: &router, self)
        BenchmarksRoute.add(to: &router, self)
        BenchmarkItemsRoute.add(to: &router, self)
        GapRunsRoute.add(to: &router, self)
        GapReportsRoute.add(to: &router, self)
        InspectRoute.add(to: &router, self)
        try OpenAPIRoute.add(to: &router)
        if let folder = configuration.publicFolder {
            // If a key is needed, the console fetches a report and writes it into a tab.
            var files = try StaticFiles(directory: folder.path, styles: [ReportPage.styleSource], scripts: [ReportPage.scriptSource])
            PageLibraries.add(to: &files, root: configuration.libraryFolder)
            router.files(files)
        }
        return router
    }
}
