@unsafe @preconcurrency import Dispatch
import Foundation
import Generation
import Glibc
import HTTP
import Jobs
package import Logging
import Models
import Tensors
import Workers
import Workshop

/// The server process: it listens first, loads the model while it answers 503, serves until it is told to stop, and drains.
package struct Application: Sendable {
    private let configuration: ServerConfiguration
    private let logger: Logger

    package init(_ configuration: ServerConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Returns after SIGTERM or SIGINT, once the answers in flight have ended.
    ///
    /// - Throws: If the address cannot be listened on or the model cannot be loaded.
    package func run() async throws {
        let state = ServerState(configuration)
        let signals = Self.signals([SIGTERM, SIGINT]) { state.isReady }
        // Exceeding a limit on file sizes must look like a full disk to the writer instead of ending the process.
        _ = signal(SIGXFSZ, SIG_IGN)
        // A reader of the log that has gone must not end the process either.
        _ = signal(SIGPIPE, SIG_IGN)
        configuration.model.claimThreads()
        let service = try state.service(logger: logger)
        // From here on SIGHUP ends nothing.
        let reloads = Self.signals([SIGHUP], isReady: { true })
        let daemon = try Daemon(
            service, address: configuration.host, port: configuration.port, tls: configuration.tls)
        let reloading = Task { for await _ in reloads { reload(service, daemon) } }
        defer { reloading.cancel() }
        logger.info("cord \(Build.version): \(Threads.kernels) kernels on \(Threads.count) threads, OpenBLAS \(BLAS.coreName)")
        logger.info("listening on \(daemon.url), loading \(configuration.model.directory.path)")
        let workshop: Workshop?
        do {
            // Before the model is loaded, so that a folder held by another server is reported at once.
            let folder = try configuration.dataFolder.map { try DataFolder($0) }
            if let folder, let mode = SecretFile(folder.url.path).looseMode {
                logger.warning("other users may enter the data folder \(folder.url.path) (mode \(mode)): chmod 700 closes it")
            }
            // The same for a folder whose store is not as it was left.
            let store = try folder.map { try Store(folder: $0.url, accepting: configuration.work.acceptsStore) }
            let runtime = try await WorkQueue(name: "load", width: 1).run { try state.load() }
            workshop = try folder.map { try state.workshop(in: $0, store: store, over: runtime) }
            if let workshop { tell(workshop) }
            try await workshop?.start()
            state.begin(runtime, workshop)
            describe(runtime, daemon)
        } catch {
            await daemon.stop()
            throw error
        }
        for await signal in signals {
            logger.info("signal \(signal): no new work; waiting for the answers in flight, at most \(configuration.drainTime.inSeconds) s")
            break
        }
        Self.exitAtOnce(on: signals)
        async let saved: Void? = workshop?.drain()
        await daemon.drain(within: configuration.drainTime)
        await saved
        state.end()
        do { try workshop?.close() } catch { logger.warning("closing the store: \(error)") }
        logger.info("stopped")
    }

    /// If a file is invalid, its previous contents stay in force.
    private func reload(_ service: Service, _ daemon: Daemon) {
        if configuration.tls != nil {
            do {
                try daemon.reloadCertificate()
                logger.info("SIGHUP: new connections get the certificate as it is now")
            } catch {
                logger.error("SIGHUP: the certificate stays as it was: \(error)")
            }
        }
        do {
            try service.authentication.replace(by: try configuration.currentKeys())
            logger.info("SIGHUP: \(service.authentication.keys.count) keys are in force")
        } catch {
            logger.error("SIGHUP: the keys stay as they were: \(error)")
        }
    }

    /// Logs what opening the data folder found, and what the operator can do about it.
    private func tell(_ workshop: Workshop) {
        let settlement = workshop.settlement
        if !settlement.removed.isEmpty { logger.info("\(settlement.removed.count) contents of unfinished requests were removed") }
        for line in settlement.warnings { logger.warning("\(line)") }
        for line in settlement.errors { logger.error("\(line)") }
        if let problem = workshop.versions.problem {
            logger.error(
                """
                DEGRADED: \(problem.reason). \(problem.cause) POST /v1/weights/rollback goes back to the version before; while no server \
                runs, so does cord versions rollback --data
                """)
        }
    }

    private func describe(_ runtime: Runtime, _ daemon: Daemon) {
        let model = runtime.model
        logger.info(
            """
            \(model.name): \(model.summary); loaded in \(String(format: "%.2f", model.loadSeconds)) s; cache of \
            \(configuration.model.engine.cacheBytes >> 20) MiB in \(configuration.model.engine.cacheFormat.rawValue)
            """)
        logger.info("ready on \(daemon.url)")
    }

    /// Signals as they arrive, instead of their default effect. Until `isReady`, nothing is in flight, and they end the process at once.
    private static func signals(_ numbers: [Int32], isReady: @escaping @Sendable () -> Bool) -> AsyncStream<Int32> {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        // A queue of its own gets a thread whenever it needs one, even if the global queues are busy.
        let queue = DispatchQueue(label: "cord.signals", qos: .userInitiated)
        let sources = numbers.map { number in
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if !isReady() { exit(EXIT_SUCCESS) }
                continuation.yield(number)
            }
            source.resume()
            return source
        }
        continuation.onTermination = { _ in for source in sources { source.cancel() } }
        return stream
    }

    /// A second signal ends the process at once.
    private static func exitAtOnce(on signals: AsyncStream<Int32>) {
        Task { for await signal in signals { exit(128 + signal) } }
    }
}
