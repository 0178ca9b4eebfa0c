import Foundation
import FoundationNetworking
import Remote
import TestSupport
import Testing

@Suite struct EndpointTests {
    private let completion = LocalServer.answer(
        "200 OK", #"{"choices":[{"message":{"role":"assistant","content":"Verdict: yes"}}]}"#)
    private let quick = RetryPolicy(attempts: 3, initialDelay: 0.01, maximumDelay: 0.05)

    @Test func aChatIsOneAuthorisedRequest() async throws {
        let server = LocalServer(replies: [completion])
        let endpoint = Endpoint(base: server.base, key: "secret")
        #expect(try await endpoint.chat(model: "judge", prompt: "same?") == "Verdict: yes")
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("POST /v1/chat/completions HTTP/1.1\r\n"))
        #expect(request.contains("Bearer secret"))
        #expect(request.contains(#""content":"same?""#) && request.contains(#""model":"judge""#))
    }

    @Test(arguments: [("http://a.org", "http://a.org/v1"), ("http://a.org/", "http://a.org/v1"), ("http://a.org/api", "http://a.org/api")])
    func anAddressWithoutAPathGetsTheVersion(given: String, base: String) throws {
        #expect(Endpoint(base: try #require(URL(string: given))).base.absoluteString == base)
    }

    @Test func passingFailuresAreTriedAgain() async throws {
        let server = LocalServer(replies: [
            LocalServer.answer("503 Service Unavailable", "busy"), LocalServer.answer("429 Too Many", "slow"),
            completion,
        ])
        let endpoint = Endpoint(base: server.base, retries: quick)
        #expect(try await endpoint.chat(model: "judge", prompt: "same?") == "Verdict: yes")
        #expect(server.requests.count == 3)
    }

    @Test func lastingFailuresAreNot() async throws {
        let server = LocalServer(replies: [LocalServer.answer("401 Unauthorized", "bad key"), completion])
        let endpoint = Endpoint(base: server.base, key: "secret", retries: quick)
        let error = await #expect(throws: EndpointError.self) { try await endpoint.chat(model: "judge", prompt: "?") }
        guard case .status(_, 401, "bad key", nil) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.description.contains("secret") == false)
        #expect(server.requests.count == 1)
    }

    @Test func aSilentServerTimesOut() async {
        let server = LocalServer(replies: [nil])
        let endpoint = Endpoint(base: server.base, timeout: 0.4, retries: RetryPolicy(attempts: 1))
        let start = ContinuousClock.now
        await #expect(throws: EndpointError.self) { try await endpoint.post("x", json: Data("{}".utf8)) }
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test func requestsCancelledAsTheyBeginEndAsCancelled() async {
        let server = LocalServer(replies: [])
        for round in 0..<300 {
            let request = URLRequest(url: server.base)
            let exchange = Task { try await BoundedExchange(request, timeout: 20, maximumBytes: 100).answer() }
            // Some before they begin, some as they do, some a little later.
            usleep(UInt32(round % 150))
            exchange.cancel()
            await #expect(throws: CancellationError.self) { try await exchange.value }
        }
    }

    @Test func anEndlessAnswerIsCutOff() async {
        let server = LocalServer(replies: [LocalServer.answer("200 OK", String(repeating: "x", count: 3_000_000))])
        let endpoint = Endpoint(base: server.base, maximumBytes: 100_000, retries: RetryPolicy(attempts: 1))
        await #expect(
            throws: EndpointError.tooLarge(url: server.base.appendingPathComponent("x").absoluteString, limit: 100_000)
        ) {
            try await endpoint.post("x", json: Data("{}".utf8))
        }
    }

    @Test func aRedirectIsNotFollowed() async {
        let server = LocalServer(replies: [
            LocalServer.answer("307 Temporary Redirect", "", headers: "Location: http://127.0.0.1:1/steal\r\n")
        ])
        let endpoint = Endpoint(base: server.base, key: "secret", retries: RetryPolicy(attempts: 1))
        let error = await #expect(throws: EndpointError.self) { try await endpoint.post("x", json: Data("{}".utf8)) }
        guard case .status(_, 307, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: ["", "not JSON", "{}", #"{"choices":[]}"#])
    func anAnswerOfAnotherShapeIsNamed(body: String) async {
        let server = LocalServer(replies: [LocalServer.answer("200 OK", body)])
        let endpoint = Endpoint(base: server.base, retries: quick)
        let error = await #expect(throws: EndpointError.self) { try await endpoint.chat(model: "judge", prompt: "?") }
        guard case .unexpected = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func nobodyListeningIsUnreachable() async {
        let endpoint = Endpoint(base: URL(string: "http://127.0.0.1:1/v1")!, timeout: 5, retries: quick)
        let error = await #expect(throws: EndpointError.self) { try await endpoint.post("x", json: Data()) }
        guard case .unreachable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func delaysDoubleUpToTheirBoundAndHeedTheServer() {
        let policy = RetryPolicy(attempts: 5, initialDelay: 1, maximumDelay: 3)
        let busy = EndpointError.status(url: "u", code: 503, excerpt: "", retryAfter: nil)
        #expect((1...5).map { policy.delay(after: $0, busy) } == [1, 2, 3, 3, nil])
        #expect(policy.delay(after: 1, .status(url: "u", code: 429, excerpt: "", retryAfter: 2.5)) == 2.5)
        #expect(policy.delay(after: 1, .status(url: "u", code: 429, excerpt: "", retryAfter: 60)) == 3)
        #expect(policy.delay(after: 1, .status(url: "u", code: 404, excerpt: "", retryAfter: nil)) == nil)
    }
}
