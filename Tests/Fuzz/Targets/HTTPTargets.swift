import Foundation
import HTTP
import Logging
import TestSupport

extension FuzzTarget {
    /// A form: its Content-Type up to the first newline, its body behind it.
    static let forms = FuzzTarget(
        name: "forms",
        seeds: {
            [
                "multipart/form-data; boundary=b\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"q.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--b--\r\n",
                "multipart/form-data; boundary=\"--\"\n----\r\ncontent-disposition: form-data; name=x\r\n\r\n\r\n------\r\n",
                "application/x-www-form-urlencoded\na=1&b=%41+%zz&c",
            ].map { Data($0.utf8) }
        },
        run: { data in
            let end = data.firstIndex(of: 0x0A) ?? data.endIndex
            let head = String(decoding: data[..<end], as: UTF8.self)
            let body = [UInt8](data[end...].dropFirst())
            let request = Request(method: "POST", path: "/", headers: ["content-type": head], body: body)
            _ = try? Form(request)
            _ = Query(encoded: String(decoding: body, as: UTF8.self))
        })

    /// Bytes on a connection of their own, against a daemon that echoes; it answers the next request after each.
    static let heads = FuzzTarget(
        name: "heads",
        seeds: {
            [
                "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
                "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                "GET http://x/a HTTP/1.1\r\nHost: y\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
                "OPTIONS * HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\n\r\n",
                "POST /a HTTP/1.1\r\nHost : x\r\nContent-Length: 1\r\nContent-Length: 2\r\n folded\r\n\r\na",
            ].map { Data($0.utf8) }
        },
        run: { data in
            guard let daemon = try? Echo.daemon.get() else { preconditionFailure("no daemon") }
            guard let socket = try? RawSocket(port: daemon.port) else { return }
            _ = socket.send([UInt8](data))
            socket.endSending()
            while !socket.receiveNow().isEmpty {}
        })
}

/// One daemon for all inputs of a process.
private enum Echo {
    static let daemon = Result {
        var router = Router()
        router.post("/a") { Response(contentType: "application/octet-stream", bytes: $0.body) }
        router.get("/a") { .text($0.query["b"] ?? "") }
        let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
        return try Daemon(Service(router: router, logger: logger), port: 0)
    }
}
