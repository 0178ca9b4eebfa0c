import Foundation
import HTTP
import TestSupport
import Testing

extension OneAtATime {
    /// Sound requests with bytes changed, taken out, put in and doubled. The seed is fixed; CORD_FUZZ_REQUESTS sets how many.
    @Suite struct MutatedRequestTests {
        private static let seeds = [
            "GET /models/a?b=c&d=%20 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nX-Request-Id: id-1\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello world",
            "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: 1\r\n\r\n",
            "GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\nCookie: a=b; c=d\r\nOrigin: http://localhost\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc",
            "OPTIONS /echo HTTP/1.0\r\nConnection: keep-alive\r\nAuthorization: Bearer x\r\n\r\nHEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ]
        private static let words = [
            "\r\n", "\n", "\r", "\0", " ", "\t", ":", ";", ",", "?", "&", "=", "%", "%00", "0", "-1", "+", "\u{FF}", "\r\n\r\n",
            "\r\n ",
            "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "chunked", "HTTP/1.1", "HTTP/1.0", "Host: b\r\n", "/../",
            "FFFFFFFFFFFFFFFF",
            "18446744073709551616", "http://", "@", "[", String(repeating: "a", count: 20_000),
        ]

        @Test func everyMutationIsAnsweredOrItsConnectionClosed() async throws {
            let count = Int(ProcessInfo.processInfo.environment["CORD_FUZZ_REQUESTS"] ?? "") ?? 600
            var limits = Limits()
            limits.requestTime = .milliseconds(300)
            limits.idleTime = .milliseconds(300)
            try await Fixture(limits: limits).served { daemon async throws in
                let port = daemon.port
                for start in stride(from: 0, to: count, by: 60) {
                    let wrong = await withTaskGroup(of: [String].self) { group in
                        for number in start..<min(start + 60, count) {
                            group.addTask {
                                let request = Self.mutation(UInt64(number))
                                guard let socket = try? RawSocket(port: port) else { return ["\(number): no connection"] }
                                // What nobody answers in time is a connection that stays open.
                                let patience = Task {
                                    try await Task.sleep(for: .seconds(10))
                                    socket.close()
                                    return true
                                }
                                _ = await onThread { socket.send(request) }
                                let text = await socket.receiveAll()
                                patience.cancel()
                                var faults: [String] = []
                                if (try? await patience.value) != nil { faults.append("\(number): the connection stayed open") }
                                if !text.isEmpty && text.wholeMatch(of: /HTTP\/1\.1 (100|[2-5]\d\d) [^\r\n]*\r\n[\s\S]*/) == nil {
                                    faults.append("\(number): \(text.prefix(80))")
                                }
                                if text.contains("HTTP/1.1 500") { faults.append("\(number): 500") }
                                return faults
                            }
                        }
                        return await group.reduce(into: []) { $0 += $1 }
                    }
                    #expect(wrong.isEmpty, "\(wrong)")
                }
                #expect(try await SocketClient(port: port).get("/health").status == 200)
                #expect(try await SocketClient(port: port).send("POST", "/echo", headers: [:], body: [1, 2]).bytes() == [1, 2])
            }
        }

        private static func mutation(_ seed: UInt64) -> [UInt8] {
            var random = SplitMix(seed: seed)
            return random.spoiling(Array(seeds[Int(random.next() % UInt64(seeds.count))].utf8), with: words)
        }
    }
}
