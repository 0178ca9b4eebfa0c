import API
import FakeModel
import Foundation
import TestSupport
import Testing

/// The routes over a family that this package does not serve.
@Suite(.ownThread) struct FakeFamilyTests {
    private static let fixture = Result { try Fixture(FakeFamily.model()) }

    private func answer(_ content: String) async throws -> WireValue {
        let body = #"{"messages": [{"role": "user", "content": \#(content)}], "temperature": 0}"#
        return try await Self.fixture.get().memory.post("/v1/chat/completions", json: body).json()
    }

    @Test func aTypedQuestionIsAnswered() async throws {
        let reply = try await answer(#""from v""#)
        #expect(reply["model"]?.text == "fake")
        #expect(reply["choices"]?[0]?["message"]?["content"]?.text == "wxyz")
        #expect(reply["usage"]?["prompt_tokens"] == .integer(6) && reply["usage"]?["completion_tokens"] == .integer(5))
    }

    @Test func aSpokenQuestionIsHeardAndAnswered() async throws {
        let sound = Data(try Fixture.spoken("sum")).base64EncodedString()
        let reply = try await answer(#"[{"type": "input_audio", "input_audio": {"data": "\#(sound)", "format": "wav"}}]"#)
        #expect(reply["choices"]?[0]?["message"]?["content"]?.text == "456789")
        let slots = try #require(reply["cord"]?["audio"]?[0]?["audio_tokens"]?.number)
        #expect(slots > 10 && reply["usage"]?["prompt_tokens"]?.number == slots)
    }
}
