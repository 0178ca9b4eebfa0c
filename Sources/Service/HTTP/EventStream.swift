internal import Synchronization
internal import Workers

/// Server-sent events over a ``BytePipe``: `data: …` lines ended by an empty line.
package struct EventStream: Sendable {
    private let pipe: BytePipe
    private let activity: Activity

    /// Sends one event; a text of several lines becomes several `data:` fields, which the client joins again.
    package func send(_ data: String, event: String? = nil, id: String? = nil) async throws {
        var text = ""
        if let event { text += "event: \(event)\n" }
        if let id { text += "id: \(id)\n" }
        // "\r\n" is one Character: splitting by `isNewline` takes all three ways to end a line.
        for line in data.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            text += "data: \(line)\n"
        }
        try await write(text + "\n")
    }

    /// Sends one event of bytes that hold no line break, such as compact JSON.
    package func send(_ line: some Collection<UInt8> & Sendable, event: String? = nil) async throws {
        activity.note()
        let name = event.map { "event: \($0)\n" } ?? ""
        try await pipe.write(Array((name + "data: ").utf8) + line + Array("\n\n".utf8))
    }

    /// A line that clients ignore.
    package func comment(_ text: String) async throws { try await write(": \(text)\n\n") }

    /// The end mark that clients of `/v1/chat/completions` wait for.
    package func done() async throws { try await write("data: [DONE]\n\n") }

    private func write(_ text: String) async throws {
        activity.note()
        try await pipe.write(text)
    }

    /// Whether anything was sent since the last look.
    private final class Activity: Sendable {
        private let seen = Atomic(false)
        func note() { seen.store(true, ordering: .relaxed) }
        func take() -> Bool { seen.exchange(false, ordering: .relaxed) }
    }

    static func run(
        _ pipe: BytePipe, keepAlive: Duration, _ produce: @escaping @Sendable (EventStream) async throws -> Void
    ) async throws {
        let events = EventStream(pipe: pipe, activity: Activity())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    await pause(for: keepAlive)
                    try Task.checkCancellation()
                    if !events.activity.take() { try await events.comment("keep-alive") }
                }
            }
            defer { group.cancelAll() }
            do {
                try await produce(events)
            } catch let error as HTTPError {
                // The status line has gone out already: the error travels as the last event.
                try await events.send(error.json)
            }
        }
    }
}

extension Response {
    /// A stream of server-sent events. While nothing is sent, a comment every `keepAlive` holds proxies and clients.
    ///
    /// An ``HTTPError`` thrown by `produce` becomes a last event `data: {"error":…}`; any other error breaks off.
    package static func events(
        keepAlive: Duration = .seconds(15), headers: Headers = Headers(),
        _ produce: @escaping @Sendable (EventStream) async throws -> Void
    ) -> Response {
        var headers = headers
        headers["cache-control"] = "no-cache"
        headers["x-accel-buffering"] = "no"
        return .stream(contentType: "text/event-stream", headers: headers) { pipe in
            try await EventStream.run(pipe, keepAlive: keepAlive, produce)
        }
    }
}
