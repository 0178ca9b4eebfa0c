import API
import Foundation
import HTTP
import Server
import Testing
import TestSupport

@Suite(.ownThread) struct AnswerTests {
    private func fixture() throws -> Fixture { try Fixture.shared.get() }

    private func ask(_ name: String, _ client: some HTTPClient) async throws -> WireValue {
        let response = try await client.send(
            "POST", "/v1/answers", headers: ["content-type": "audio/wav"], body: try Fixture.spoken(name))
        #expect(response.status == 200)
        return try await response.json()
    }

    @Test(arguments: [("sum", "54"), ("tallest", "Tom"), ("france", "B"), ("pens", "65")])
    func spokenQuestionIsAnsweredThroughTheRealServer(name: String, answer: String) async throws {
        let daemon = try Daemon(try fixture().service, port: 0)
        let reply = try await ask(name, SocketClient(port: daemon.port))
        #expect(reply["answer"]?.text == answer)
        #expect(reply["cord"]?["audio"]?[0]?["sample_rate"] == .integer(22050))
        #expect(reply["cord"]?["audio"]?[0]?["sha256"]?.text?.count == 64)
        #expect(reply["weight_version"]?.text == "base")
        await daemon.stop()
    }

    @Test func typedQuestionIsAnsweredWithReasoning() async throws {
        let reply = try await fixture().memory.post(
            "/v1/answers",
            json: #"{"text": "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?"}"#
        ).json()
        #expect(reply["answer"]?.text == "14")
        #expect(reply["reasoning"]?.text == "12 + 7 = 19. 19 - 5 = 14.")
        #expect(reply["text"]?.text == "12 + 7 = 19. 19 - 5 = 14. The answer is 14.")
        #expect(reply["finish_reason"]?.text == "stop")
    }

    @Test func formCarriesTheSoundAndItsFields() async throws {
        let boundary = "----cord"
        var body = Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"max_tokens\"\r\n\r\n5\r\n".utf8)
        body += Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.flac\"\r\n\r\n".utf8)
        body += try Fixture.flac("plus") + Array("\r\n--\(boundary)--\r\n".utf8)
        let response = try await fixture().memory.send(
            "POST", "/v1/answers", headers: ["content-type": "multipart/form-data; boundary=\(boundary)"], body: body)
        let reply = try await response.json()
        #expect(reply["finish_reason"]?.text == "length")
        #expect(reply["cord"]?["audio"]?.count == 1)
    }

    @Test func streamedAnswerJoinsToTheWhole() async throws {
        let response = try await fixture().memory.send(
            "POST", "/v1/answers?stream=true", headers: ["content-type": "audio/wav"], body: try Fixture.spoken("sum"))
        #expect(response.headers["content-type"] == "text/event-stream")
        let events = try await response.events()
        #expect(events.last == "[DONE]")
        let values = try events.dropLast().map { try WireValue(json: Data($0.utf8)) }
        let joined = values.dropLast().compactMap { $0["text"]?.text }.joined()
        #expect(values.count > 5)
        #expect(joined == values.last?["text"]?.text)
        #expect(values.last?["answer"]?.text == "54")
    }

    @Test func sameSeedIsSentBackAndGivesTheSameAnswer() async throws {
        let client = try fixture().memory
        func answer(_ seed: String) async throws -> WireValue {
            try await client.post(
                "/v1/answers", json: #"{"text": "What is 17 plus 25?", "temperature": 1.5\#(seed), "max_tokens": 30}"#
            ).json()
        }
        let first = try await answer("")
        let seed = try #require(first["cord"]?["seed"]?.number)
        let second = try await answer(", \"seed\": \(Int(seed))")
        #expect(first["text"] == second["text"])
    }
}
