import API
import ArgumentParser
import Foundation
import FoundationNetworking

/// Where a running server is, and the key that it is asked with.
struct ServerAddress {
    private let base: String
    private let key: String?

    /// - Parameter key: Without it, CORD_API_KEY.
    init(_ server: String, key: String?) throws {
        guard let url = URL(string: server), ["http", "https"].contains(url.scheme ?? ""), url.host != nil else {
            throw ValidationError("--server: expected an address such as http://127.0.0.1:8080, found \(server).")
        }
        base = server.trimmingSuffix("/")
        self.key = key ?? ProcessInfo.processInfo.environment["CORD_API_KEY"]
    }

    /// - Throws: the server's own words where it refuses.
    func bytes(_ method: String, _ path: String, body: Data? = nil, type: String = "application/json") async throws -> Data {
        let (data, response): (Data, URLResponse)
        do {
            (data, response) = try await URLSession.shared.data(for: request(method, path, body, type))
        } catch let error as URLError {
            throw unreachable(error)
        }
        try Self.check(response, data)
        return data
    }

    /// The name that the server's list of models begins with: the base's.
    func firstModel() async throws -> String {
        let models = try WireDecoder.response(ListObject<ModelObject>.self, from: try await bytes("GET", "/v1/models"))
        guard let first = models.data.first else { throw ServerRefusal(description: "The server lists no model.") }
        return first.id
    }

    /// The `data:` fields of a stream of events as they come, up to its end mark.
    ///
    /// - Throws: the server's own words, also where they come as an event.
    func events(_ path: String, body: Data) throws -> AsyncThrowingStream<Data, any Error> {
        let request = try request("POST", path, body, "application/json")
        return AsyncThrowingStream { continuation in
            let reader = EventReader(continuation, unreachable: unreachable)
            let session = URLSession(configuration: .ephemeral, delegate: reader, delegateQueue: nil)
            continuation.onTermination = { _ in session.invalidateAndCancel() }
            session.dataTask(with: request).resume()
        }
    }

    private func request(_ method: String, _ path: String, _ body: Data?, _ type: String) throws -> URLRequest {
        guard let url = URL(string: base + path) else { throw ValidationError("The path \(path) is none.") }
        var request = URLRequest(url: url, timeoutInterval: 600)
        request.httpMethod = method
        request.httpBody = body
        if body != nil { request.setValue(type, forHTTPHeaderField: "Content-Type") }
        if let key { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
        return request
    }

    private func unreachable(_ error: any Error) -> ServerRefusal {
        ServerRefusal(description: "There is no server at \(base): \(error.localizedDescription). Start one with cord serve.")
    }

    fileprivate static func check(_ response: URLResponse?, _ data: Data) throws {
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard !(200..<300).contains(status) else { return }
        throw refusal(in: data) ?? ServerRefusal(description: "The server answered \(status).")
    }

    fileprivate static func refusal(in data: Data) -> ServerRefusal? {
        (try? WireDecoder.response(ErrorBody.self, from: data)).map { ServerRefusal(description: $0.error.message) }
    }
}

struct ServerRefusal: Error, CustomStringConvertible { let description: String }

/// Takes a stream of events apart. Called by its session's queue, one call after the other.
private final class EventReader: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let continuation: AsyncThrowingStream<Data, any Error>.Continuation
    private let unreachable: (any Error) -> ServerRefusal
    private var rest = Data()
    private var isStream = false

    init(_ continuation: AsyncThrowingStream<Data, any Error>.Continuation, unreachable: @escaping (any Error) -> ServerRefusal) {
        self.continuation = continuation
        self.unreachable = unreachable
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        rest += data
        guard (dataTask.response as? HTTPURLResponse)?.statusCode == 200 else { return }
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            rest = Data(rest[(end + 1)...])
            guard line.starts(with: Data("data: ".utf8)) else { continue }
            let event = Data(line.dropFirst(6))
            if event == Data("[DONE]".utf8) { return continuation.finish() }
            if let refusal = ServerAddress.refusal(in: event) { return continuation.finish(throwing: refusal) }
            continuation.yield(event)
        }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let error { return continuation.finish(throwing: unreachable(error)) }
        do {
            try ServerAddress.check(task.response, rest)
            continuation.finish(throwing: ServerRefusal(description: "The answer broke off before its end."))
        } catch {
            continuation.finish(throwing: error)
        }
    }
}
