internal import Foundation
internal import Glibc
package import HTTP

/// A response as a client receives it: the head, then the body piece by piece.
package struct ClientResponse: Sendable {
    package let status: Int
    package let headers: Headers
    /// Ends by throwing when the connection breaks off. Letting go of it is what a client does that goes away.
    package let chunks: AsyncThrowingStream<[UInt8], any Error>

    /// The whole body.
    package func bytes() async throws -> [UInt8] {
        var all: [UInt8] = []
        for try await chunk in chunks { all += chunk }
        return all
    }

    package func text() async throws -> String { String(decoding: try await bytes(), as: UTF8.self) }
}

/// Sends requests to a ``Service``; the same test case runs in memory and through a socket.
package protocol HTTPClient: Sendable {
    func send(_ method: String, _ target: String, headers: Headers, body: [UInt8]) async throws -> ClientResponse
}

extension HTTPClient {
    package func get(_ target: String, headers: Headers = Headers()) async throws -> ClientResponse {
        try await send("GET", target, headers: headers, body: [])
    }

    package func post(_ target: String, json: String, headers: Headers = Headers()) async throws -> ClientResponse {
        var headers = headers
        headers["content-type"] = "application/json"
        return try await send("POST", target, headers: headers, body: Array(json.utf8))
    }
}

/// Runs a service without a socket.
package struct MemoryClient: HTTPClient {
    private let service: Service

    package init(_ service: Service) { self.service = service }

    package func send(_ method: String, _ target: String, headers: Headers = Headers(), body: [UInt8] = []) async throws
        -> ClientResponse
    {
        var headers = headers
        if headers["host"] == nil { headers["host"] = "localhost" }
        if !body.isEmpty && headers["content-length"] == nil { headers["content-length"] = "\(body.count)" }
        let head = Request(method: method, target: target, headers: headers)
        switch service.admit(head) {
        case .refused(let response, _): return await collected(response, method)
        case .admitted(let route, var request, let limit):
            if body.count > limit {
                return await collected(service.finished(Service.tooLarge(limit: limit).response, for: request), method)
            }
            request.body = body
            return await collected(await service.answer(request, by: route), method)
        }
    }

    private func collected(_ response: Response, _ method: String) async -> ClientResponse {
        let (stream, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        switch response.body {
        case .bytes(let bytes):
            if method != "HEAD" && !bytes.isEmpty { continuation.yield(bytes) }
            continuation.finish()
        case .stream(let produce):
            if method == "HEAD" {
                continuation.finish()
                break
            }
            let (bell, ring) = AsyncStream<Void>.makeStream()
            let pipe = BytePipe { ring.yield() }
            let producer = Task {
                do {
                    try await produce(pipe)
                    pipe.finish()
                } catch { pipe.fail() }
            }
            let reader = Task { await Self.drain(pipe, bell, into: continuation) }
            continuation.onTermination = { _ in
                producer.cancel()
                pipe.close()
                ring.yield()
                reader.cancel()
            }
        }
        return ClientResponse(status: response.status, headers: response.headers, chunks: stream)
    }

    private static func drain(
        _ pipe: BytePipe, _ bell: AsyncStream<Void>,
        into continuation: AsyncThrowingStream<[UInt8], any Error>.Continuation
    ) async {
        var bells = bell.makeAsyncIterator()
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        while true {
            switch unsafe buffer.withUnsafeMutableBytes({ unsafe pipe.read(into: $0, whenEmpty: { true }) }) {
            case .bytes(let count): continuation.yield(Array(buffer[..<count]))
            case .end: return continuation.finish()
            case .failed: return continuation.finish(throwing: ClientError.broken("the body broke off"))
            case .empty: if await bells.next() == nil { return continuation.finish(throwing: CancellationError()) }
            }
        }
    }
}

package enum ClientError: Error {
    case unreachable(String)
    case broken(String)
}

/// Speaks HTTP/1.1 over a socket of its own for each request.
package struct SocketClient: HTTPClient {
    private let port: Int
    private let chunked: Bool

    /// - Parameter chunked: Sends bodies in chunks, without telling their length.
    package init(port: Int, chunked: Bool = false) {
        self.port = port
        self.chunked = chunked
    }

    package func send(_ method: String, _ target: String, headers: Headers = Headers(), body: [UInt8] = []) async throws
        -> ClientResponse
    {
        var head = "\(method) \(target) HTTP/1.1\r\n"
        if headers["host"] == nil { head += "Host: localhost\r\n" }
        for field in headers.fields { head += "\(field.name): \(field.value)\r\n" }
        var payload = body
        if chunked && !body.isEmpty {
            head += "Transfer-Encoding: chunked\r\n"
            payload = Array("\(String(body.count, radix: 16))\r\n".utf8) + body + Array("\r\n0\r\n\r\n".utf8)
        } else if (!body.isEmpty || method == "POST") && headers["content-length"] == nil {
            head += "Content-Length: \(body.count)\r\n"
        }
        head += "Connection: close\r\n\r\n"
        return try await exchange(Array(head.utf8) + payload, hasBody: method != "HEAD")
    }

    /// Hands the response to who waits for it and keeps only the end to write to, so that letting go of the response ends it.
    private static func answer(
        _ waiting: CheckedContinuation<ClientResponse, any Error>, _ status: Int, _ headers: Headers,
        _ socket: RawSocket
    ) -> AsyncThrowingStream<[UInt8], any Error>.Continuation {
        let (stream, body) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        body.onTermination = { _ in socket.close() }
        waiting.resume(returning: ClientResponse(status: status, headers: headers, chunks: stream))
        return body
    }

    /// Sends bytes as they are, whatever they say.
    package func exchange(_ message: [UInt8], hasBody: Bool = true) async throws -> ClientResponse {
        let socket = try RawSocket(port: port)
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                // A refusal may come, and the server close, before everything was sent: what it said is read anyway.
                socket.send(message)
                do {
                    var reader = ResponseReader(socket)
                    let (status, headers) = try reader.head()
                    let body = Self.answer(continuation, status, headers, socket)
                    do {
                        if hasBody && status != 204 && status != 304 { try reader.body(headers) { body.yield($0) } }
                        body.finish()
                    } catch { body.finish(throwing: error) }
                } catch {
                    socket.close()
                    continuation.resume(throwing: error)
                }
            }
        }
    }
}

/// A TCP connection to this machine, kept open for as long as the value lives.
package final class RawSocket: Sendable {
    private let descriptor: Int32

    package init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if connected != 0 {
            let reason = unsafe String(cString: strerror(errno))
            _ = Glibc.close(descriptor)
            throw ClientError.unreachable(reason)
        }
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Whether everything went out.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    package func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Waits for bytes; empty at the end, also when the connection was reset.
    package func receive(upTo count: Int = 64 << 10) async -> [UInt8] {
        await onThread { self.receiveNow(upTo: count) }
    }

    /// Everything up to the end.
    package func receiveAll() async -> String {
        await onThread {
            var all: [UInt8] = []
            while case let bytes = self.receiveNow(), !bytes.isEmpty { all += bytes }
            return String(decoding: all, as: UTF8.self)
        }
    }

    /// As ``receive(upTo:)``, on the calling thread.
    package func receiveNow(upTo count: Int = 64 << 10) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let received = unsafe recv(descriptor, &buffer, count, 0)
        return received > 0 ? Array(buffer[..<received]) : []
    }

    /// Says that nothing more will be sent.
    package func endSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Says goodbye in both directions; a waiting ``receive(upTo:)`` returns.
    package func close() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
}

/// Does something that blocks on a thread of its own: on two cores, two blocked tasks stop every other.
package func onThread<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}

/// Reads one response off a socket.
private struct ResponseReader {
    private let socket: RawSocket
    private var buffer: [UInt8] = []

    init(_ socket: RawSocket) { self.socket = socket }

    mutating func head() throws -> (Int, Headers) {
        while true {
            let first = try line().split(separator: " ")
            guard first.count >= 2, first[0].hasPrefix("HTTP/1."), let status = Int(first[1]) else {
                throw ClientError.broken("the status line reads \(first)")
            }
            var headers = Headers()
            while true {
                let field = try line()
                if field.isEmpty { break }
                let parts = field.split(separator: ":", maxSplits: 1)
                headers.add(String(parts[0]), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
            }
            if status != 100 { return (status, headers) }
        }
    }

    mutating func body(_ headers: Headers, _ take: ([UInt8]) -> Void) throws {
        if headers["transfer-encoding"] != nil {
            while true {
                guard let count = Int(try line(), radix: 16) else { throw ClientError.broken("a chunk has no size") }
                try bytes(count, take)
                _ = try line()
                if count == 0 { return }
            }
        } else if let length = headers["content-length"].flatMap(Int.init) {
            try bytes(length, take)
        } else {
            if !buffer.isEmpty { take(buffer) }
            while case let more = socket.receiveNow(), !more.isEmpty { take(more) }
        }
    }

    private mutating func bytes(_ count: Int, _ take: ([UInt8]) -> Void) throws {
        var left = count
        while left > 0 {
            if buffer.isEmpty { try fill() }
            let part = min(left, buffer.count)
            take(Array(buffer[..<part]))
            buffer.removeFirst(part)
            left -= part
        }
    }

    private mutating func line() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                let text = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeFirst(end + 1)
                return text.last == "\r" ? String(text.dropLast()) : text
            }
            try fill()
        }
    }

    private mutating func fill() throws {
        let more = socket.receiveNow()
        if more.isEmpty { throw ClientError.broken("the connection ended early") }
        buffer += more
    }
}
