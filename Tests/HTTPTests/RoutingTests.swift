import Foundation
import HTTP
import TestSupport
import Testing

extension OneAtATime {
    @Suite struct RoutingTests {
        @Test func parametersAreDecodedAndLiteralsWin() async throws {
            try await Fixture().everywhere { client async throws in
                #expect(try await client.get("/models/a%2Fb%20c").text() == "a/b c")
                #expect(try await client.get("/models/default").text() == "the literal one")
                #expect(try await client.send("DELETE", "/models/x", headers: [:], body: []).text() == "deleted x")
                #expect(try await client.get("/models/%zz").status == 400)
                #expect(try await client.get("/models/").status == 404)
            }
        }

        /// As clients send them that take the server for a proxy.
        @Test func absoluteTargetsAreServedAndTheirHostCounts() async throws {
            try await Fixture(hosts: AllowedHosts([])).everywhere { client async throws in
                func status(_ target: String, host: String = "localhost") async throws -> Int {
                    try await client.get(target, headers: ["host": host]).status
                }
                #expect(try await client.get("http://localhost/models/a%2Fb").text() == "a/b")
                #expect(try await client.get("HTTPS://127.0.0.1:8080/query?a=1").text() == "a=1")
                #expect(try await status("http://localhost/health", host: "evil.example") == 200)
                for path in ["/health", "/models/x"] {
                    let refused = try await client.get("http://evil.example\(path)")
                    #expect(refused.status == 403)
                    #expect(try errorFields(try await refused.text())["code"] == "host_not_allowed")
                }
                #expect(try await status("http://localhost") == status("/"))
                for target in ["http:///health", "http://me@localhost/health"] { #expect(try await status(target) == 400) }
                #expect(try await status("ftp://localhost/health") == 404)
                let origin = try await client.post(
                    "http://localhost/echo", json: "{}", headers: ["host": "evil.example", "origin": "http://evil.example"])
                #expect(origin.status == 403)
            }
        }

        @Test func queriesAreDecodedInOrder() async throws {
            try await Fixture().everywhere { client async throws in
                let text = try await client.get("/query?a=1&b=two+words&c=%2B%26&a=2&d").text()
                #expect(text == "a=1|b=two words|c=+&|a=2|d=")
            }
        }

        @Test func unknownPathIs404AndWrongMethodIs405WithAllow() async throws {
            try await Fixture().everywhere { client async throws in
                let missing = try await client.get("/nothing")
                #expect(missing.status == 404)
                let fields = try errorFields(try await missing.text())
                #expect(fields["type"] == "invalid_request_error")
                #expect(fields["param"] == "<null>")
                #expect(fields["code"] == "not_found")
                let wrong = try await client.send("PUT", "/models/x", headers: [:], body: [])
                #expect(wrong.status == 405)
                #expect(wrong.headers["allow"] == "DELETE, GET, HEAD, OPTIONS")
                #expect(try await client.send("DELETE", "/models/default", headers: [:], body: []).status == 405)
            }
        }

        @Test func headSendsTheHeadOfGet() async throws {
            try await Fixture().everywhere { client async throws in
                for target in ["/models/abc", "/health", "/events", "/flood"] {
                    let head = try await client.send("HEAD", target, headers: [:], body: [])
                    #expect(head.status == 200)
                    #expect(try await head.text() == "", "\(target)")
                }
            }
        }

        @Test func optionsTellsTheMethods() async throws {
            try await Fixture().everywhere { client async throws in
                let options = try await client.send("OPTIONS", "/echo", headers: [:], body: [])
                #expect(options.status == 204)
                #expect(options.headers["allow"] == "OPTIONS, POST")
            }
        }

        @Test func bodiesArriveWhole() async throws {
            let body = (0..<900_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await Fixture().everywhere { client async throws in
                let echoed = try await client.send(
                    "POST", "/echo", headers: ["content-type": "audio/WAV; x=y"], body: body)
                #expect(echoed.headers["content-type"] == "audio/wav")
                #expect(try await echoed.bytes() == body)
            }
            try await Fixture().served { daemon async throws in
                let client = SocketClient(port: daemon.port, chunked: true)
                #expect(try await client.send("POST", "/echo", headers: [:], body: body).bytes() == body)
            }
        }

        @Test func refusalsCarryStatusParameterAndCode() async throws {
            try await Fixture().everywhere { client async throws in
                let refused = try await client.post("/refuse", json: "{}")
                #expect(refused.status == 422)
                let fields = try errorFields(try await refused.text())
                #expect(fields["message"] == "It cannot be done.")
                #expect(fields["param"] == "pairs")
                #expect(fields["code"] == "no_pairs")
            }
        }

        @Test func unknownErrorsSayNothingOfTheInside() async throws {
            try await Fixture().everywhere { client async throws in
                let failed = try await client.get("/fail", headers: ["x-request-id": "mine-1"])
                let text = try await failed.text()
                #expect(failed.status == 500)
                #expect(!text.contains("secret"))
                #expect(text.contains("mine-1"))
            }
        }

        @Test func requestIDsAreKeptWhenSane() async throws {
            try await Fixture().everywhere { client async throws in
                #expect(
                    try await client.get("/models/a", headers: ["x-request-id": "abc.1"]).headers["x-request-id"]
                        == "abc.1"
                )
                let made = try await client.get("/models/a", headers: ["x-request-id": "not sane!"]).headers[
                    "x-request-id"]
                #expect(made?.hasPrefix("req_") == true)
            }
        }

        @Test func eventsAreFramed() async throws {
            try await Fixture().everywhere { client async throws in
                let events = try await client.get("/events")
                #expect(events.headers["content-type"] == "text/event-stream")
                #expect(
                    try await events.text() == "data: event 0\n\ndata: event 1\n\ndata: event 2\n\ndata: [DONE]\n\n")
            }
        }

        @Test func quietStreamsAreKeptAlive() async throws {
            try await Fixture().everywhere { client async throws in
                let text = try await client.get("/quiet").text()
                #expect(text.hasPrefix(": keep-alive\n\n"))
                #expect(text.hasSuffix("data: [DONE]\n\n"))
            }
        }

        @Test func lateErrorIsTheLastEventAndAnUnknownOneBreaksOff() async throws {
            try await Fixture().everywhere { client async throws in
                let text = try await client.get("/late-error").text()
                #expect(text.hasPrefix("data: one\n\ndata: {\"error\":{"))
                let broken = try await client.get("/broken-off")
                #expect(broken.status == 200)
                let start = ContinuousClock.now
                await #expect(throws: (any Error).self) { try await broken.text() }
                #expect(ContinuousClock.now - start < .seconds(5))
            }
        }

        @Test func endedRequestsAreObserved() async throws {
            let fixture = Fixture()
            try await fixture.served { daemon async throws in
                let client = SocketClient(port: daemon.port)
                _ = try await client.get("/models/abc").text()
                _ = try await client.get("/health").text()
                _ = try await client.get("/nothing").text()
                #expect(await eventually { fixture.observed.all.count == 3 })
            }
            // Each connection's end is observed on its own: their order is no promise.
            let observed = fixture.observed.all.sorted { ($0.status, $0.route) < ($1.status, $1.route) }
            #expect(observed.map(\.route) == ["/health", "/models/{id}", ""])
            #expect(observed.map(\.status) == [200, 200, 404])
            #expect(observed.first { $0.route == "/models/{id}" }?.bytesSent == 3)
        }
    }
}
