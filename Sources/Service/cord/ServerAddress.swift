import API
import ArgumentParser
import Foundation
import FoundationNetworking
import HTTP
import Server

/// Where a running server is, and the key that it is asked with.
struct ServerAddress {
    private let base: String
    private let key: String?

    /// - Parameter credentials: Without any, CORD_API_KEY.
    init(_ server: String, _ credentials: ServerCredentials) throws {
        // As curl has it: without a scheme, http.
        let server = server.contains("://") ? server : "http://" + server
        guard let url = URL(string: server), ["http", "https"].contains(url.scheme ?? ""), url.host != nil else {
            throw ValidationError("--server: expected an address such as http://127.0.0.1:8080, found \(server).")
        }
        // Clients of other servers are given the address with the version in it.
        let address = server.trimmingSuffix("/")
        base = address.hasSuffix("/v1") ? String(address.dropLast(3)).trimmingSuffix("/") : address
        key = try credentials.secret()
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

/// The key that a server is asked with.
struct ServerCredentials: ParsableArguments {
    @Option(help: ArgumentHelp("The key to send. Without it, CORD_API_KEY.", valueName: "secret"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "A file with the key to send, written as for cord serve; other users do not see it, as they see --key.",
            valueName: "file"))
    var apiKeyFile: String?

    var isGiven: Bool { key != nil || apiKeyFile != nil }

    func secret() throws -> String? { try Self.secret(key, file: apiKeyFile, option: "--key") }

    /// The key of an option or of a file; without both, that of the environment.
    static func secret(_ key: String?, file: String?, option: String) throws -> String? {
        guard let file else { return key ?? ProcessInfo.processInfo.environment["CORD_API_KEY"] }
        guard key == nil else { throw ValidationError("\(option) and --api-key-file exclude each other.") }
        do {
            let lines = try AccessKey.lines(of: SecretFile(file))
            guard lines.count == 1 else {
                throw ValidationError("--api-key-file: expected one key to send, found \(lines.count) in \(file).")
            }
            return try AccessKey(written: lines[0], name: "key").bearer
        } catch let error as InvalidKey {
            throw ValidationError("--api-key-file: \(error).")
        }
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
