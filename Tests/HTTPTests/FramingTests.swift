import Foundation
import HTTP
import TestSupport
import Testing

extension OneAtATime {
    /// How requests say where they end. Behind each of them stands another, the marker, which must not be read as a request
    /// wherever the first one is refused.
    @Suite struct FramingTests {
        static let post = "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
        static let get = "GET /models/first HTTP/1.1\r\nHost: localhost\r\n"
        static let marker = "GET /models/marker HTTP/1.1\r\nHost: localhost\r\n\r\n"

        /// What a server sent to the message with the marker behind it, up to the end; and which routes it served.
        private func answers(to message: String, on fixture: Fixture = Fixture()) async throws -> (
            text: String, routes: [String], isClosed: Bool
        ) {
            try await fixture.served { daemon async throws in
                let socket = try RawSocket(port: daemon.port)
                socket.send(message + Self.marker)
                async let text = socket.receiveAll()
                // A connection that stays open is told from one that closes by this end.
                let patience = Task {
                    try await Task.sleep(for: .seconds(3))
                    socket.close()
                    return true
                }
                let answer = await text
                patience.cancel()
                let isClosed = (try? await patience.value) == nil
                return (answer, fixture.observed.all.map { "\($0.route) \($0.status)" }, isClosed)
            }
        }

        private func count(_ text: String) -> Int { text.components(separatedBy: "HTTP/1.1 ").count - 1 }

        static let refused: [String] = [
            // Two lengths.
            post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
            post + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
            post + "Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello",
            post + "Content-Length: 5, 5\r\n\r\nhello",
            post + "Content-Length: 5,6\r\n\r\nhello",
            // Lengths that are no number.
            post + "Content-Length: +5\r\n\r\nhello", post + "Content-Length: -1\r\n\r\n",
            post + "Content-Length: 0x5\r\n\r\nhello", post + "Content-Length: 5 5\r\n\r\nhello",
            post + "Content-Length: 5;\r\n\r\nhello", post + "Content-Length: 5.0\r\n\r\nhello",
            post + "Content-Length: five\r\n\r\nhello",
            post + "Content-Length: \r\n\r\n", post + "Content-Length: \"5\"\r\n\r\nhello",
            post + "Content-Length: 5\u{0B}\r\n\r\nhello",
            post + "Content-Length: \u{0661}\r\n\r\nh",
            post + "Content-Length: 18446744073709551617\r\n\r\nh", post + "Content-Length: 18446744073709551616\r\n\r\n",
            post + "Content-Length: 18446744073709551615\r\n\r\n", post + "Content-Length: 9223372036854775808\r\n\r\n",
            post + "Content-Length: 99999999999999999999999999\r\n\r\n",
            // Transfer codings.
            post + "Transfer-Encoding: identity\r\n\r\n", post + "Transfer-Encoding: gzip\r\n\r\n",
            post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
            post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", post + "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
            post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", post + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
            post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", post + "Transfer-Encoding: \u{0B}chunked\r\n\r\n0\r\n\r\n",
            post + "Transfer-Encoding: chunked\u{0B}\r\n\r\n0\r\n\r\n", post + "Transfer-Encoding:\r\n\r\n",
            post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            post + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /echo HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /echo HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            // Names.
            post + "Content-Length : 5\r\n\r\nhello", post + "Content-Length\t: 5\r\n\r\nhello",
            post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", post + "X Y: 1\r\n\r\n", post + ": nameless\r\n\r\n",
            post + "no colon\r\n\r\n", post + "X@Y: 1\r\n\r\n", post + "X-\u{E9}: 1\r\n\r\n", post + "\u{0B}X: 1\r\n\r\n",
            post + "X(y): 1\r\n\r\n",
            // Lines.
            post + "X: 1\r\n folded: 2\r\n\r\n", post + "X: 1\r\n\tfolded\r\n\r\n", post + "Content-Length:\r\n 5\r\n\r\nhello",
            post + "Transfer-Encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n", post + "X: 1\r\n \r\n\r\n",
            "GET /health HTTP/1.1\r\nHost: localhost\r\nX: 1\r\n folded\r\n\r\n",
            "GET /health HTTP/1.1\r\n Host: localhost\r\n\r\n", "GET /health HTTP/1.1\r\n X: 1\r\nHost: localhost\r\n\r\n",
            post + "X: 1\nContent-Length: 5\r\n\r\nhello", post + "X: 1\r\nContent-Length: 0\n\r\n",
            post + "Content-Length: 0\r\n\n",
            "POST /echo HTTP/1.1\nHost: localhost\r\nContent-Length: 0\r\n\r\n", "GET /health HTTP/1.1\nHost: localhost\n\n",
            post + "X: 1\rContent-Length: 5\r\n\r\nhello", post + "X: 1\r\r\nContent-Length: 5\r\n\r\nhello",
            post + "\rContent-Length: 5\r\n\r\nhello",
            // Zero bytes and other controls.
            post + "X: a\u{0}b\r\n\r\n", post + "X: a\u{0}\r\n\r\n", post + "X: a\u{0}Y: b\r\n\r\n", post + "X\u{0}: a\r\n\r\n",
            post + "\u{0}Content-Length: 5\r\n\r\nhello", post + "X: \u{1}\r\n\r\n", post + "X: \u{7F}\r\n\r\n",
            "GET /models/a\u{0}b HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /models/a\u{0}b?c=d HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /query?a=1\u{0}b HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /query?a=1&b=\u{0}c=d&e HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /models/a\rb HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /query?a=\rb HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /models/a\tb HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /models/a\u{7F} HTTP/1.1\r\nHost: localhost\r\n\r\n",
            // The request line.
            "GET  /models/a HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /models/a  HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /models/a b HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /models/a HTTP/1.1 \r\nHost: localhost\r\n\r\n",
            " GET /models/a HTTP/1.1\r\nHost: localhost\r\n\r\n", "G@T /models/a HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET\t/models/a\tHTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /models/a\r\n\r\n",
            "GET /models/a HTTP/1.1x\r\nHost: localhost\r\n\r\n",
            "GET /models/a http/1.1\r\nHost: localhost\r\n\r\n", "GET /models/a HTTP/2.0\r\nHost: localhost\r\n\r\n",
            "GET /models/a HTTP/01.1\r\nHost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET HTTP/1.1\r\nHost: localhost\r\n\r\n",
            // Hosts.
            "GET /models/a HTTP/1.1\r\n\r\n", "GET /models/a HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
            "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
            "GET /models/a HTTP/1.1\r\nHost: local host\r\n\r\n", "GET /models/a HTTP/1.1\r\nHost: localhost/x\r\n\r\n",
            "GET /models/a HTTP/1.1\r\nHost: me@localhost\r\n\r\n",
            "GET http://me@localhost/models/a HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET http:///models/a HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /models/a HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
            // Heads of requests that are answered without a task, and of such as are refused for other reasons.
            "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length : 5\r\n\r\nhello",
            "GET /nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "PUT /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n",
            "OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n",
        ]

        @Test(arguments: refused)
        func ambiguousRequestsAreRefusedAndNothingBehindThemIsRead(message: String) async throws {
            let (text, routes, isClosed) = try await answers(to: message)
            // libmicrohttpd 0.9 writes the head of a refusal of its own twice where a length or the host is at fault.
            let heads = text.components(separatedBy: "HTTP/1.1 ").dropFirst()
            #expect(
                heads.allSatisfy { ($0.hasPrefix("4") || $0.hasPrefix("505")) && $0.lowercased().contains("connection: close") },
                "\(text)")
            #expect((heads.isEmpty == text.isEmpty) && isClosed, "\(text)")
            #expect(!routes.contains { $0.hasPrefix("/models/{id} 200") }, "\(routes)")
        }

        /// What a lenient reader takes for the end of a chunk or of a body, another does not.
        @Test(arguments: [
            "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r\n0\n\r\n", "5\r\nhello\r\n0\r\n\n",
            "5;x\nhello\r\n0\r\n\r\n",
            "5;x=\"\r\nhello\r\n0\r\n\r\n", "5;\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
            "5;a\rb\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n",
            "10000000000000005\r\nhello\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", "\r\n5\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n00000000000000000000\r\n\r\n",
            "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n", "5\r\nhello\r\n0\r\nX : 1\r\n\r\n",
            "5\r\nhello\r\n0\r\nX: 1\r\n folded\r\n\r\n",
            "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\nX\u{0}: 1\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
        ])
        func nothingBehindABodyInChunksIsRead(chunks: String) async throws {
            for target in ["/echo", "/nothing"] {
                let head = "POST \(target) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                let (text, routes, isClosed) = try await answers(to: head + chunks)
                #expect(count(text) <= 1 && !text.hasPrefix("HTTP/1.1 5"), "\(text)")
                #expect(!routes.contains("/models/{id} 200"), "\(routes)")
                // A chunk that is still awaited takes the marker for its bytes.
                #expect(isClosed || text.isEmpty, "\(text)")
            }
        }

        /// Requests that are refused for other reasons have an end, and the next one begins there.
        @Test func refusalsOfSoundRequestsKeepTheConnection() async throws {
            let fixture = Fixture(keys: [AccessKey(name: "a", secret: "sk-a")])
            for (message, status) in [
                ("POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 404),
                ("PUT /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(Self.marker.utf8.count)\r\n\r\n\(Self.marker)", 405),
                (Self.post + "Content-Length: \(Self.marker.utf8.count)\r\n\r\n\(Self.marker)", 401),
                (
                    "GET /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(Self.marker.utf8.count)\r\n\r\n\(Self.marker)",
                    404
                ),
            ] {
                let (text, _, isClosed) = try await answers(to: message, on: fixture)
                #expect(text.hasPrefix("HTTP/1.1 \(status)"), "\(text)")
                #expect(count(text) == 2 && !isClosed, "\(text)")
            }
        }

        /// A client that asks whether it may send its body hears the refusal and not 100, and what it sends then is not read.
        @Test func refusalsBeforeTheBodyCloseTheConnection() async throws {
            for (message, status) in [
                ("POST /nothing HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 404),
                (Self.post + "Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n", 413),
                (Self.post + "Content-Length: 2000000\r\n\r\n", 413),
                ("PUT /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n", 405),
            ] {
                let (text, routes, isClosed) = try await answers(to: message)
                #expect(text.hasPrefix("HTTP/1.1 \(status)") && isClosed, "\(text)")
                #expect(count(text) == 1, "\(text)")
                #expect(!routes.contains("/models/{id} 200"), "\(routes)")
            }
            let fixture = Fixture()
            let (text, _, _) = try await answers(
                to: Self.post + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", on: fixture)
            #expect(text.hasPrefix("HTTP/1.1 100") && text.contains("HTTP/1.1 200"), "\(text)")
        }

        /// What looks unusual and has one meaning.
        @Test(arguments: [
            get + "\r\n", get + "X:\r\n\r\n", get + "X:   \t padded \t\r\n\r\n", get + "X: tab\tinside\r\n\r\n",
            get + "X: caf\u{E9}\r\n\r\n",
            get + "!#$%&'*+-.^_`|~: 1\r\n\r\n", get + "Content-Length: 0\r\n\r\n", get + "Content-Length: 00\r\n\r\n",
            get + "Content-Length: 5\r\n\r\nhello",
            "GET /models/first HTTP/1.1\r\nHOST:localhost\r\n\r\n",
            "GET /models/first HTTP/1.1\r\nX: before\r\nHost: localhost\r\n\r\n",
            "GET /models/first? HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /models/first?a HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /models/first?a=1&b=2+3&c=%00%0D&&d=&=e&f HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /models/first?a=1& HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /models/first?& HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /models/first?a?b=c?=d HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /models/first?a=b=c&d HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "\r\n" + get + "\r\n",
            "GET http://localhost/models/first?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /models/first HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            "GET /models/first HTTP/1.0\r\nConnection: keep-alive\r\nHost: localhost\r\n\r\n",
            get + "Cookie: a=b; c=\"d\"\r\n\r\n", get + "X: 1\r\nX: 2\r\nX: 1\r\n\r\n",
            get + (0..<60).map { "X-\($0): \($0)\r\n" }.joined() + "\r\n",
            post + "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
        ])
        func soundRequestsAreAnsweredAndSoIsTheNext(message: String) async throws {
            let (text, routes, isClosed) = try await answers(to: message)
            #expect(count(text) + text.components(separatedBy: "HTTP/1.0 ").count - 1 == 2 && !isClosed, "\(text)")
            #expect(routes.allSatisfy { $0.hasSuffix(" 200") } && routes.count == 2, "\(routes)")
        }

        /// A head may arrive in any pieces.
        @Test func piecesOfAHeadMakeNoDifference() async throws {
            try await Fixture().served { daemon async throws in
                for message in [
                    Self.get + "X: 1\r\nY:  2\r\n\r\n", "GET /models/a?b=c&d HTTP/1.1\r\nHost: localhost\r\nX:\r\n\r\n",
                ] {
                    for size in [1, 2, 3, 7] {
                        let socket = try RawSocket(port: daemon.port)
                        let bytes = Array((message + message).utf8)
                        for start in stride(from: 0, to: bytes.count, by: size) {
                            socket.send(Array(bytes[start..<min(start + size, bytes.count)]))
                            try await Task.sleep(for: .microseconds(300))
                        }
                        var text = ""
                        while count(text) < 2, case let more = await socket.receive(), !more.isEmpty {
                            text += String(decoding: more, as: UTF8.self)
                        }
                        #expect(text.components(separatedBy: "HTTP/1.1 200").count == 3, "\(size): \(text)")
                    }
                }
            }
        }
    }
}
