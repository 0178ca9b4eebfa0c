import Foundation
import HTTP
import Logging
import Synchronization
import TestSupport
import Testing

/// What opens sockets: in parallel, the tests could not count descriptors, nor expect an answer in time on two cores.
@Suite(.serialized) enum OneAtATime {}

/// A service with a route of each kind.
struct Fixture: Sendable {
    let service: Service
    /// Grows by one when the handler of `/forever` or `/wait` was cancelled.
    let cancelled = Counter()
    let started = Counter()
    let observed = Log()

    init(
        keys: [AccessKey] = [], limits: Limits = Limits(), crossOrigin: CrossOrigin = .sameOrigin, hosts: AllowedHosts = .any,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) {
        var router = Router()
        let healthy = Response.json(Array(#"{"status":"ok"}"#.utf8))
        router.immediate("/health") { healthy }
        router.get("/models/{id}", scope: .ask) { .text($0.parameter("id")) }
        router.get("/models/default") { _ in .text("the literal one") }
        router.delete("/models/{id}", scope: .train) { .text("deleted " + $0.parameter("id")) }
        router.get("/query") { request in
            .text(request.query.items.map { "\($0.name)=\($0.value)" }.joined(separator: "|"))
        }
        router.post("/echo", scope: .ask, bodyLimit: 1 << 20) { request in
            Response(contentType: request.mediaType, bytes: request.body)
        }
        router.post("/upload", bodyLimit: 1 << 20, spools: true) { request in
            let file = try Form(request).file("file")
            return Response(contentType: request.spooled == nil ? "x/memory" : "x/disk", bytes: Array(file?.bytes ?? Data()))
        }
        router.post("/refuse") { _ in throw HTTPError(422, "It cannot be done.", parameter: "pairs", code: "no_pairs") }
        router.get("/fail") { _ in throw CocoaError(.fileNoSuchFile, userInfo: [NSFilePathErrorKey: "/secret/path"]) }
        router.get("/events") { request in
            let count = Int(request.query["count"] ?? "") ?? 3
            return .events { events in
                for i in 0..<count {
                    try await events.send("event \(i)")
                    if request.query["slow"] != nil { try await Task.sleep(for: .milliseconds(2)) }
                }
                try await events.done()
            }
        }
        router.get("/quiet") { _ in
            .events(keepAlive: .milliseconds(30)) { events in
                try await Task.sleep(for: .milliseconds(150))
                try await events.done()
            }
        }
        router.get("/late-error") { _ in
            .events { events in
                try await events.send("one")
                throw HTTPError(503, "The engine stopped.")
            }
        }
        router.get("/broken-off") { _ in
            .stream(contentType: "text/plain") { pipe in
                try await pipe.write("half")
                throw CocoaError(.fileReadUnknown)
            }
        }
        router.get("/forever") { [cancelled, started] _ in
            .events { events in
                started.add()
                do {
                    while true {
                        try await events.send(String(repeating: "x", count: 1000))
                        try await Task.sleep(for: .milliseconds(1))
                    }
                } catch {
                    cancelled.add()
                    throw error
                }
            }
        }
        router.get("/flood") { [cancelled, started] _ in
            .stream(contentType: "application/octet-stream") { pipe in
                do {
                    while true {
                        try await pipe.write([UInt8](repeating: 7, count: 10_000))
                        started.add()
                    }
                } catch {
                    cancelled.add()
                    throw error
                }
            }
        }
        router.get("/wait") { [cancelled, started] request in
            started.add()
            do {
                try await Task.sleep(for: .milliseconds(Int(request.query["ms"] ?? "") ?? 60_000))
            } catch {
                cancelled.add()
                throw error
            }
            return .text("waited")
        }
        let observed = observed
        service = Service(router: router, keys: keys, crossOrigin: crossOrigin, hosts: hosts, limits: limits, logger: logger) { observed.add($0) }
    }

    /// Runs the same case in memory and through a daemon.
    func everywhere(_ body: (any HTTPClient) async throws -> Void) async throws {
        try await body(MemoryClient(service))
        try await served { daemon in try await body(SocketClient(port: daemon.port)) }
    }

    func served<R>(_ body: (Daemon) async throws -> R) async throws -> R {
        let daemon = try Daemon(service, port: 0)
        do {
            let result = try await body(daemon)
            await daemon.stop()
            return result
        } catch {
            await daemon.stop()
            throw error
        }
    }
}

final class Counter: Sendable {
    private let count = Atomic(0)
    func add() { count.wrappingAdd(1, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
}

final class Log: Sendable {
    private let entries = Mutex<[Service.Observation]>([])
    func add(_ entry: Service.Observation) { entries.withLock { $0.append(entry) } }
    var all: [Service.Observation] { entries.withLock { $0 } }
}

/// Waits until something is so; `false` after the time.
func eventually(_ seconds: Double = 5, _ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while !condition() {
        if ContinuousClock.now > end { return false }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return true
}

func openDescriptors() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }

/// The `error` object of a body, with its values as text.
func errorFields(_ text: String) throws -> [String: String] {
    guard let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [String: Any]],
        let error = object["error"]
    else { return [:] }
    return error.mapValues { "\($0)" }
}
