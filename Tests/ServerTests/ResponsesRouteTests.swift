import API
import Foundation
import Generation
import HTTP
import Models
import Server
import Tensors
import TestSupport
import Testing
import Workshop

@Suite(.ownThread) struct ResponsesRouteTests {
    private static let question = "Tom has 12 apples. He buys 7 more. How many apples are there now?"

    private func client() throws -> MemoryClient { try Fixture.shared.get().memory }

    private func post(_ members: String) async throws -> ClientResponse { try await client().post("/v1/responses", json: "{\(members)}") }

    private func reply(_ members: String) async throws -> WireValue { try await post(members).json() }

    /// Events as the wire has them: each has its type as its name.
    private func events(_ client: MemoryClient, _ members: String) async throws -> [ResponseEvent] {
        let text = try await client.post("/v1/responses", json: "{\(members), \"stream\": true}").text()
        #expect(text.hasSuffix("\n\n") && !text.contains("[DONE]"))
        return try text.components(separatedBy: "\n\n").filter { !$0.isEmpty }.map { event in
            let lines = event.components(separatedBy: "\n")
            let data = try #require(lines.count == 2 && lines[1].hasPrefix("data: ") ? lines[1].dropFirst("data: ".count) : nil)
            let value = try WireDecoder.response(ResponseEvent.self, from: Data(data.utf8))
            #expect(lines[0] == "event: \(value.type.rawValue)")
            return value
        }
    }

    /// The order of events, deltas that follow one another as one.
    private func order(_ events: [ResponseEvent]) -> [ResponseEvent.Kind] {
        events.map(\.type).reduce(into: []) { order, type in
            if type != order.last || (type != .textDelta && type != .reasoningDelta) { order.append(type) }
        }
    }

    private static let message: [ResponseEvent.Kind] = [.itemAdded, .partAdded, .textDelta, .textDone, .partDone, .itemDone]
    private static let reasoning: [ResponseEvent.Kind] = [.itemAdded, .partAdded, .reasoningDelta, .reasoningDone, .partDone, .itemDone]

    @Test func aTypedQuestionIsAnsweredAsInChat() async throws {
        let chat = try await client().post(
            "/v1/chat/completions",
            json: #"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "\#(Self.question)"}]}"#
        ).json()
        let said = try #require(chat["choices"]?[0]?["message"]?["content"]?.text)
        for input in [
            #""\#(Self.question)""#, #"[{"role": "user", "content": "\#(Self.question)"}]"#,
            #"[{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "\#(Self.question)"}]}]"#,
        ] {
            let reply = try await reply(#""instructions": "Be brief.", "input": \#(input), "metadata": {"myKey": "v"}"#)
            let item = try #require(reply["output"]?[0])
            #expect(reply["output"]?.count == 1 && item["type"]?.text == "message" && item["status"]?.text == "completed")
            #expect(item["content"]?[0]?["text"]?.text == said && item["content"]?[0]?["logprobs"] == .array([]))
            #expect(reply["status"]?.text == "completed" && reply["store"] == false && reply["error"] == .null)
            #expect(reply["instructions"]?.text == "Be brief." && reply["metadata"] == .object(["myKey": "v"]))
            #expect(reply["usage"]?["input_tokens"] == chat["usage"]?["prompt_tokens"])
            #expect(reply["usage"]?["output_tokens"] == chat["usage"]?["completion_tokens"])
        }
    }

    @Test func aSpokenQuestionIsHeard() async throws {
        let sound = Data(try Fixture.spoken("sum")).base64EncodedString()
        let part = #"{"type": "input_audio", "input_audio": {"data": "\#(sound)", "format": "wav"}}"#
        let reply = try await reply(#""input": [{"role": "user", "content": [\#(part)]}]"#)
        #expect(reply["output"]?[0]?["content"]?[0]?["text"]?.text?.hasSuffix("The answer is 54.") == true)
        #expect(try #require(reply["usage"]?["input_tokens_details"]?["audio_tokens"]?.number) > 0)
        #expect(reply["cord"]?["audio"]?.count == 1)
    }

    /// What a response gave out stands in the next request's input; the conversation is the one of chat.
    @Test func outputIsInputOfTheNextTurn() async throws {
        let first = try await reply(#""input": "What is 2 plus 3?""#)
        let item = try #require(first["output"]?[0])
        let said = try #require(item["content"]?[0]?["text"]?.text)
        let next = #"{"role": "user", "content": "And 7 more?"}"#
        let echoed = String(decoding: try JSONEncoder().encode(item), as: UTF8.self)
        let thought = #"{"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "2 + 3"}]}"#
        let reply = try await reply(#""input": [{"role": "user", "content": "What is 2 plus 3?"}, \#(thought), \#(echoed), \#(next)]"#)
        let chat = try await client().post(
            "/v1/chat/completions",
            json: #"{"messages": [{"role": "user", "content": "What is 2 plus 3?"}, {"role": "assistant", "content": "\#(said)"}, \#(next)]}"#
        ).json()
        #expect(reply["output"]?[0]?["content"]?[0]?["text"] == chat["choices"]?[0]?["message"]?["content"])
        #expect(reply["usage"]?["input_tokens"] == chat["usage"]?["prompt_tokens"])
    }

    @Test func aStreamTellsTheResponseInOpenAIsOrder() async throws {
        let members = #""input": "\#(Self.question)", "include": ["message.output_text.logprobs"], "top_logprobs": 2"#
        let whole = try WireDecoder.response(ResponseObject.self, from: Data(try await post(members).bytes()))
        let events = try await events(try client(), members)
        #expect(order(events) == [.created, .inProgress] + Self.message + [.completed])
        #expect(events.map(\.sequenceNumber) == Array(0..<events.count))
        #expect(events[0].response?.output.isEmpty == true && events[0].response?.status == .inProgress)
        let last = try #require(events.last?.response)
        let item = try #require(last.output.first)
        let part = try #require(item.content?.first)
        #expect(last.id == events[0].response?.id && last.status == .completed)
        #expect(item.content == whole.output[0].content && item == events.last { $0.type == .itemDone }?.item)
        let deltas = events.filter { $0.type == .textDelta }
        #expect(deltas.compactMap(\.delta).joined() == part.text)
        #expect(deltas.flatMap { $0.logprobs ?? [] } == part.logprobs)
        #expect(part.logprobs?.map(\.token).joined() == part.text)
        #expect(part.logprobs?.allSatisfy { $0.topLogprobs.count == 2 } == true)
        #expect(events.allSatisfy { $0.itemId == nil || $0.itemId == item.id })
        let usage = try #require(last.usage)
        #expect(usage.outputTokens == whole.usage?.outputTokens && usage.inputTokens == whole.usage?.inputTokens)
    }

    @Test func whatIsThoughtIsAnItemBeforeTheMessage() async throws {
        let model = try ThinkingModel()
        let client = try Fixture { $0.model.directory = model.folder }.memory
        let members = #""input": "\#(Self.question)", "top_logprobs": 1"#
        let told = try await events(client, members)
        #expect(order(told) == [.created, .inProgress] + Self.reasoning + Self.message + [.completed])
        let response = try #require(told.last?.response)
        let (thought, said) = (response.output[0], response.output[1])
        let (inner, outer) = (try #require(thought.content?.first), try #require(said.content?.first))
        #expect(thought.type == .reasoning && inner.text.contains(" = ") && thought.status == .completed)
        #expect(said.type == .message && outer.text.hasPrefix("answer is") && outer.annotations == [])
        #expect(told.filter { $0.type == .reasoningDelta }.compactMap(\.delta).joined() == inner.text)
        #expect(told.first { $0.type == .textDelta }?.outputIndex == 1)
        let usage = try #require(response.usage)
        #expect((1..<usage.outputTokens).contains(usage.outputTokensDetails.reasoningTokens))
        // Tokens of the answer alone are told.
        let logprobs = try #require(outer.logprobs)
        #expect(logprobs.count <= usage.outputTokens - usage.outputTokensDetails.reasoningTokens)
        #expect(logprobs.map(\.token).joined().hasSuffix(outer.text))

        let cut = try #require(try await events(client, members + #", "max_output_tokens": 3"#).last)
        #expect(cut.type == .incomplete && cut.response?.incompleteDetails?.reason == "max_output_tokens")
        #expect(cut.response?.output.map(\.type) == [.reasoning] && cut.response?.output[0].status == .incomplete)
    }

    @Test func anAnswerThatIsCutIsIncomplete() async throws {
        let reply = try await reply(#""input": "\#(Self.question)", "max_output_tokens": 2"#)
        #expect(reply["status"]?.text == "incomplete" && reply["incomplete_details"]?["reason"]?.text == "max_output_tokens")
        #expect(reply["output"]?[0]?["status"]?.text == "incomplete" && reply["usage"]?["output_tokens"]?.number == 2)
        #expect(reply["max_output_tokens"]?.number == 2)
    }

    @Test func whatTheModelHasNoUseForIsSaid() async throws {
        let reply = try await reply(
            #""input": "hi", "max_output_tokens": 1, "reasoning": {"effort": "high", "summary": "auto"}, "text": {"verbosity": "low"}, "#
                + #""include": ["reasoning.encrypted_content"], "store": false, "tools": [], "prompt_cache_key": "k""#)
        #expect(
            reply["cord"]?["ignored"]
                == .array(["reasoning.effort", "text.verbosity", "reasoning.summary", "reasoning.encrypted_content"]))
    }

    @Test(arguments: [
        (#""input": "a", "store": true"#, "unsupported_parameter", "store"),
        (#""input": "a", "previous_response_id": "resp_1""#, "unsupported_parameter", "previous_response_id"),
        (#""input": "a", "conversation": {"id": "c"}"#, "unsupported_parameter", "conversation"),
        (#""input": "a", "background": true"#, "unsupported_parameter", "background"),
        (#""input": "a", "tools": [{"type": "web_search"}]"#, "unsupported_parameter", "tools[0].type"),
        (#""input": "a", "truncation": "auto""#, "unsupported_parameter", "truncation"),
        (
            #""input": "a", "text": {"format": {"type": "json_schema", "name": "n", "schema": {"not": {}}}}"#, "unsupported_schema",
            "text.format.schema"
        ),
        (#""input": "a", "text": {"format": {"type": "json_schema", "name": "n"}}"#, "missing_required_parameter", "text.format.schema"),
        (#""input": "a", "text": {"format": {"type": "yaml"}}"#, "invalid_value", "text.format.type"),
        (#""input": "a", "messages": []"#, "unknown_parameter", "messages"),
        (#""input": "a", "max_tokens": 5"#, "unknown_parameter", "max_tokens"),
        (#""input": "a", "max_output_tokens": 0"#, "invalid_value", "max_output_tokens"),
        (#""input": "a", "include": ["all"]"#, "invalid_value", "include[0]"),
        (#""input": "a", "reasoning": {"effort": "much"}"#, "invalid_value", "reasoning.effort"),
        (#""input": []"#, "invalid_value", "input"), (#""input": 5"#, "invalid_type", "input"),
        (#""instructions": "a""#, "missing_required_parameter", "input"),
        (#""input": [{"role": "user", "content": []}]"#, "invalid_value", "input[0].content"),
        (#""input": [{"type": "custom_tool_call", "call_id": "c"}]"#, "unsupported_parameter", "input[0].type"),
        (#""input": [{"type": "item_reference", "id": "msg_1"}]"#, "unsupported_parameter", "input[0].type"),
        (#""input": [{"type": "picture"}]"#, "invalid_value", "input[0].type"),
        (#""input": [{"type": "reasoning", "encrypted_content": "x"}]"#, "unsupported_parameter", "input[0].encrypted_content"),
        (
            #""input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]"#, "invalid_value",
            "input[0].content[0].type"
        ),
        (
            #""input": [{"role": "system", "content": [{"type": "input_audio", "input_audio": {"data": "AAEC"}}]}]"#, "invalid_value",
            "input[0].content[0].type"
        ),
        (
            #""input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "!"}}]}]"#, "invalid_value",
            "input[0].content[0].input_audio.data"
        ),
    ])
    func badRequestsAreRefusedByName(members: String, code: String, place: String) async throws {
        let response = try await post(members)
        #expect(response.status == 400)
        let error = try await response.json()["error"]
        #expect(error?["code"]?.text == code && error?["param"]?.text == place, "\(error ?? .null)")
    }

    /// Places in a conversation are named as this route has them, before a stream begins.
    @Test func whatTheConversationIsToBlameForIsNamed() async throws {
        let noise = Data("no sound".utf8).base64EncodedString()
        let part = #"{"type": "input_audio", "input_audio": {"data": "\#(noise)", "format": "wav"}}"#
        let unheard = try await post(#""stream": true, "input": [{"role": "user", "content": "hear"}, {"role": "user", "content": [\#(part)]}]"#)
        #expect(unheard.status == 415)
        #expect(try await unheard.json()["error"]?["param"]?.text == "input[1].content[0].input_audio.data")
        let long = try await post(#""input": "\#(String(repeating: "and 7 more ", count: 2000))""#)
        #expect(long.status == 400)
        let error = try await long.json()["error"]
        #expect(error?["code"]?.text == "context_length_exceeded" && error?["param"]?.text == "input")
        let unknown = try await post(#""input": "a", "model": "other""#)
        #expect(unknown.status == 404)
    }

    /// What fails when the stream has begun is told by its last event.
    @Test func aStreamThatFailsSaysSo() async throws {
        let fixture = try Fixture()
        let norm = try #require(fixture.runtime.model.model.parameters.first { $0.name == "language_model.model.norm.weight" })
        let broken = WeightVersion(
            id: "broken", replacements: [norm.index: Tensor(row: Array(repeating: .infinity, count: norm.shape[0]))])
        try fixture.runtime.versions.add("broken", broken, root: "cord-nano")
        let members = #""model": "broken", "input": "Hello""#
        let whole = try await fixture.memory.post("/v1/responses", json: "{\(members)}")
        #expect(whole.status == 422)
        let message = try #require(try await whole.json()["error"]?["message"]?.text)
        let events = try await events(fixture.memory, members)
        #expect(order(events) == [.created, .inProgress, .failed])
        let response = try #require(events.last?.response)
        #expect(response.status == .failed && response.error?.message == message && response.error?.code == "invalid_prompt")
    }
}
