import HTTP
import Logging
import Synchronization
import TestSupport
import Testing

/// What is logged, kept.
private final class LogMemory: Sendable {
    private let lines = Mutex<[(level: Logger.Level, message: String, metadata: [String: String])]>([])

    var requests: [[String: String]] { lines.withLock { $0.filter { $0.message == "request" && $0.level == .info }.map(\.metadata) } }

    var logger: Logger { Logger(label: "test") { _ in Handler(memory: self) } }

    private struct Handler: LogHandler {
        let memory: LogMemory
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            memory.lines.withLock { $0.append((event.level, "\(event.message)", (event.metadata ?? [:]).mapValues { "\($0)" })) }
        }
    }
}

extension OneAtATime {
    @Suite struct RequestLogTests {
        private static let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

        @Test func aRequestIsALineWithoutItsSecrets() async throws {
            let memory = LogMemory()
            let fixture = Fixture(keys: [AccessKey(name: "a", secret: "geheim")], logger: memory.logger)
            try await fixture.served { daemon in
                let client = SocketClient(port: daemon.port)
                _ = try await client.send(
                    "POST", "/echo?token=geheim",
                    headers: ["authorization": "Bearer geheim", "x-request-id": "mine", "traceparent": Self.trace], body: Array("geheim".utf8))
                _ = try await client.send("GET", "/models/x", headers: ["traceparent": Self.trace.uppercased()], body: [])
            }
            #expect(await eventually { memory.requests.count == 2 })
            let sent = try #require(memory.requests.first { $0["id"] == "mine" })
            #expect(sent["method"] == "POST" && sent["path"] == "/echo" && sent["status"] == "200" && sent["bytes"] == "6")
            #expect(sent["ms"].flatMap { Int($0) }.map { (0..<5000).contains($0) } == true)
            #expect(sent["traceparent"] == Self.trace)
            let refused = try #require(memory.requests.first { $0["id"] != "mine" })
            #expect(refused["path"] == "/models/x" && refused["status"] == "401" && refused["traceparent"] == nil)
            #expect(!memory.requests.contains { $0.values.contains { $0.contains("geheim") } })
        }

        @Test func keysAreReplacedWhileItServes() async throws {
            let fixture = Fixture(keys: [AccessKey(name: "old", secret: "one")])
            let client = MemoryClient(fixture.service)
            func status(_ key: String) async throws -> Int {
                try await client.send("GET", "/models/x", headers: ["authorization": "Bearer \(key)"]).status
            }
            #expect(try await (status("one"), status("two")) == (200, 401))
            try fixture.service.authentication.replace(by: [AccessKey(name: "new", secret: "two")])
            #expect(try await (status("one"), status("two")) == (401, 200))
            #expect(throws: InvalidKey.self) { try fixture.service.authentication.replace(by: []) }
            #expect(try await status("two") == 200)
        }
    }
}
