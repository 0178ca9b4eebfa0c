import API
import CordNano
import Foundation
import HTTP
import Server
import TestSupport
import Testing
import Workshop

/// cord-nano with a template that opens a block of reasoning, and a vocabulary in which " The" is spelled "</think>".
private final class ThinkingModel {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)", directoryHint: .isDirectory)
        try FileManager.default.copyItem(at: CordNano.directory, to: folder)
        let template = folder.appending(path: "chat_template.jinja")
        let opened = "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}{% endif %}"
        let source = try String(contentsOf: template, encoding: .utf8)
        try #require(source.hasSuffix("{% endif %}"))
        try (source.dropLast("{% endif %}".count) + opened).write(to: template, atomically: true, encoding: .utf8)
        let tokenizer = folder.appending(path: "tokenizer.json")
        var file = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: tokenizer)) as? [String: Any])
        var model = try #require(file["model"] as? [String: Any])
        var vocabulary = try #require(model["vocab"] as? [String: Int])
        let the: Int = try #require(vocabulary["ĠThe"])
        vocabulary["</think>"] = the
        vocabulary["ĠThe"] = nil
        let merges = try #require(model["merges"] as? [[String]])
        model["merges"] = merges.filter { $0.joined() != "ĠThe" }
        model["vocab"] = vocabulary
        file["model"] = model
        try JSONSerialization.data(withJSONObject: file).write(to: tokenizer)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
}

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
