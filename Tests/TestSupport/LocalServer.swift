package import Foundation
import Glibc
import Synchronization

/// A socket on the loopback interface that answers each connection with the next of its replies, then closes it.
///
/// A nil reply keeps the connection open and says nothing.
package final class LocalServer: Sendable {
    package let port: Int
    private let listener: Int32
    private let heard = Mutex<[String]>([])

    /// The requests so far, headers and body.
    package var requests: [String] { heard.withLock { $0 } }
    package var base: URL { URL(string: "http://127.0.0.1:\(port)/v1")! }

    package init(replies: [String?]) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(listener, generic, length) == 0 && getsockname(listener, generic, &length) == 0
            }
        }
        precondition(bound && listen(listener, 8) == 0, "cannot listen on the loopback interface")
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in
            for reply in replies { serve(reply) }
        }
    }

    deinit { close(listener) }

    /// An HTTP answer.
    package static func answer(_ status: String, _ body: String, headers: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\(headers)\r\n\(body)"
    }

    private func serve(_ reply: String?) {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        var request = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !Self.isWhole(request) {
            let count = unsafe recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            request += String(decoding: buffer[..<count], as: UTF8.self)
        }
        heard.withLock { $0.append(request) }
        guard let reply else { return }
        var rest = Array(reply.utf8)[...]
        while !rest.isEmpty {
            let chunk = Array(rest.prefix(65_536))
            let sent = unsafe send(connection, chunk, chunk.count, Int32(MSG_NOSIGNAL))
            guard sent > 0 else { break }
            rest = rest.dropFirst(sent)
        }
        close(connection)
    }

    private static func isWhole(_ request: String) -> Bool {
        guard let end = request.range(of: "\r\n\r\n") else { return false }
        let length = request.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
        return request[end.upperBound...].utf8.count >= length ?? 0
    }
}
