import API
import Foundation
import HTTP
import Server
import TestSupport
import Testing
import Workshop

@Suite(.ownThread) struct ReasoningTests {
    private let model: ThinkingModel
    private let client: MemoryClient

    init() throws {
        model = try ThinkingModel()
        let folder = model.folder
        client = try Fixture { $0.model.directory = folder }.memory
    }

    private static let question = #""messages": [{"role": "user", "content": "Tom has 12 apples. He buys 7 more. How many apples are there now?"}]"#

    private func reply(_ more: String = "") async throws -> WireValue {
        try await client.post("/v1/chat/completions", json: "{\(Self.question)\(more)}").json()
    }

    @Test func whatIsThoughtStandsBesideWhatIsSaid() async throws {
        let reply = try await reply()
        let message = try #require(reply["choices"]?[0]?["message"])
        #expect(message["reasoning_content"]?.text?.contains(" = ") == true)
        #expect(message["content"]?.text?.hasPrefix("answer is") == true, "\(message)")
        let thought = try #require(reply["usage"]?["completion_tokens_details"]?["reasoning_tokens"]?.number)
        let all = try #require(reply["usage"]?["completion_tokens"]?.number)
        #expect(thought > 0 && thought < all)
    }

    @Test func aStreamTellsThoughtsFirstAndJoinsToTheWhole() async throws {
        let whole = try await reply()
        let events = try await client.post(
            "/v1/chat/completions",
            json: "{\(Self.question), \"stream\": true, \"stream_options\": {\"include_usage\": true, \"continuous_usage_stats\": true}}"
        ).events()
        let chunks = try events.dropLast().map { try WireValue(json: Data($0.utf8)) }
        let deltas = chunks.compactMap { $0["choices"]?[0]?["delta"] }
        let message = try #require(whole["choices"]?[0]?["message"])
        #expect(deltas.compactMap { $0["reasoning_content"]?.text }.joined() == message["reasoning_content"]?.text)
        #expect(deltas.compactMap { $0["content"]?.text }.joined() == message["content"]?.text)
        let lastThought = try #require(deltas.lastIndex { $0["reasoning_content"] != nil })
        #expect(deltas[..<lastThought].allSatisfy { $0["content"]?.text?.isEmpty != false })
        #expect(chunks.last?["usage"]?["completion_tokens_details"] == whole["usage"]?["completion_tokens_details"])
        let counts = chunks.dropLast().compactMap { $0["usage"]?["completion_tokens"]?.number }
        #expect(counts == counts.sorted() && counts.last! > 3)
    }

    /// Templates that know whether to think are told; where none does, the answer says so.
    @Test func anEffortReachesTheTemplateThatKnowsIt() async throws {
        let without = try await reply(#", "reasoning_effort": "none""#)
        #expect(without["choices"]?[0]?["message"]?["reasoning_content"] == nil && without["cord"]?["ignored"] == nil)
        let much = try await reply(#", "reasoning_effort": "high", "verbosity": "medium""#)
        #expect(much["choices"]?[0]?["message"]?["reasoning_content"] != nil && much["cord"]?["ignored"] == nil)
        let plain = try await Fixture.shared.get().memory.post(
            "/v1/chat/completions", json: "{\(Self.question), \"reasoning_effort\": \"high\", \"verbosity\": \"low\"}"
        ).json()
        #expect(plain["cord"]?["ignored"] == .array(["reasoning_effort", "verbosity"]))
    }
}
