import API
import Foundation
import HTTP
import Server
import TestSupport
import Testing

/// Functions that the model calls, over HTTP: whole and streamed, demanded and offered, typed and spoken.
@Suite(.ownThread) struct ToolCallTests {
    private static let weather = #"""
        {"type": "function", "function": {"name": "weather", "description": "The weather of a city.", "parameters": {"type": "object",
         "properties": {"town": {"enum": ["Rome", "Oslo"]}, "days": {"type": "integer", "minimum": 1, "maximum": 5}}, "required": ["town", "days"],
         "additionalProperties": false}}}
        """#
    private static let now = #"{"type": "function", "function": {"name": "now"}}"#
    private static let tools = #""tools": [\#(weather), \#(now)]"#

    private func client() throws -> MemoryClient { try Fixture.shared.get().memory }

    private func post(_ members: String, content: String = #""What is the weather in Rome?""#, more: String = "") async throws -> ClientResponse {
        try await client().post(
            "/v1/chat/completions",
            json: #"{"max_tokens": 200, "messages": [{"role": "user", "content": \#(content)}\#(more)], \#(members)}"#)
    }

    /// Name and arguments of a call whose arguments are valid by the schema.
    private func expectWeather(_ call: WireValue?) throws {
        #expect(call?["type"]?.text == "function" && call?["id"]?.text?.hasPrefix("call_") == true)
        #expect(call?["function"]?["name"]?.text == "weather")
        let text = try #require(call?["function"]?["arguments"]?.text)
        let arguments = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
        #expect(arguments.keys.sorted() == ["days", "town"] && ["Rome", "Oslo"].contains(arguments["town"] as? String))
        #expect((1...5).contains(try #require(arguments["days"] as? Int)))
        // Members stand in the schema's order, which is not the alphabet's.
        let (town, days) = (try #require(text.firstRange(of: "\"town\"")), try #require(text.firstRange(of: "\"days\"")))
        #expect(town.lowerBound < days.lowerBound)
    }

    @Test func aNamedFunctionIsCalled() async throws {
        let sound = Data(try Fixture.spoken("sum")).base64EncodedString()
        let spoken = #"[{"type": "input_audio", "input_audio": {"data": "\#(sound)", "format": "wav"}}]"#
        for content in [#""What is the weather in Rome?""#, spoken] {
            let response = try await post(
                Self.tools + #", "tool_choice": {"type": "function", "function": {"name": "weather"}}, "temperature": 1.2, "seed": 5"#,
                content: content)
            #expect(response.status == 200)
            let choice = try await response.json()["choices"]?[0]
            #expect(choice?["finish_reason"]?.text == "tool_calls" && choice?["message"]?["content"] == .null)
            #expect(choice?["message"]?["tool_calls"]?.count == 1)
            try expectWeather(choice?["message"]?["tool_calls"]?[0])
        }
    }

    @Test func someFunctionIsCalledWhereOneIsRequired() async throws {
        for seed in 0..<4 {
            let response = try await post(
                Self.tools + #", "tool_choice": "required", "parallel_tool_calls": false, "temperature": 2, "seed": \#(seed)"#)
            let calls = try await response.json()["choices"]?[0]?["message"]?["tool_calls"]
            #expect(calls?.count == 1)
            if calls?[0]?["function"]?["name"]?.text == "now" {
                let text = try #require(calls?[0]?["function"]?["arguments"]?.text)
                #expect(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Int] == [:])
            } else {
                try expectWeather(calls?[0])
            }
        }
    }

    /// `n` answers are called apart, and the stream of each joins to the whole.
    @Test func streamsJoinToTheWholeCalls() async throws {
        let members = Self.tools + #", "tool_choice": "required", "n": 3, "temperature": 1, "seed": 9, "logprobs": true"#
        let whole = try await post(members).json()
        let events = try await post(members + #", "stream": true"#).events()
        #expect(events.last == "[DONE]")
        var calls: [Int: [Int: (id: String, name: String, arguments: String)]] = [:]
        var reasons: [Int: String] = [:]
        var tokens = 0
        for event in events.dropLast() {
            let choice = try #require(try WireValue(json: Data(event.utf8))["choices"]?[0])
            let index = Int(try #require(choice["index"]?.number))
            if let reason = choice["finish_reason"]?.text { reasons[index] = reason }
            tokens += choice["logprobs"]?["content"]?.count ?? 0
            for place in 0..<(choice["delta"]?["tool_calls"]?.count ?? 0) {
                let delta = try #require(choice["delta"]?["tool_calls"]?[place])
                let number = Int(try #require(delta["index"]?.number))
                if let id = delta["id"]?.text {
                    #expect(calls[index]?[number] == nil && delta["type"]?.text == "function")
                    calls[index, default: [:]][number] = (id, try #require(delta["function"]?["name"]?.text), "")
                }
                calls[index]?[number]?.arguments += try #require(delta["function"]?["arguments"]?.text)
            }
        }
        for index in 0..<3 {
            let choice = whole["choices"]?[index]
            #expect(reasons[index] == choice?["finish_reason"]?.text)
            let expected = try #require(choice?["message"]?["tool_calls"])
            #expect(calls[index]?.count == expected.count && expected.count ?? 0 > 0)
            for number in 0..<(expected.count ?? 0) {
                #expect(calls[index]?[number]?.name == expected[number]?["function"]?["name"]?.text)
                #expect(calls[index]?[number]?.arguments == expected[number]?["function"]?["arguments"]?.text)
            }
        }
        #expect(Set(calls.values.flatMap { $0.values.map(\.id) }).count == calls.values.reduce(0) { $0 + $1.count })
        // The token that ends an answer is counted and not told.
        let ends = reasons.values.count { $0 == "tool_calls" }
        #expect(Double(tokens + ends) == whole["usage"]?["completion_tokens"]?.number)
    }

    @Test func functionsThatMayNotBeCalledAreNotTold() async throws {
        let plain = try await post(#""seed": 1"#).json()
        let none = try await post(Self.tools + #", "tool_choice": "none""#).json()
        #expect(none["choices"]?[0]?["message"]?["content"] == plain["choices"]?[0]?["message"]?["content"])
        #expect(none["usage"]?["prompt_tokens"] == plain["usage"]?["prompt_tokens"])
        let told = try await post(Self.tools).json()
        #expect(try #require(told["usage"]?["prompt_tokens"]?.number) > (plain["usage"]?["prompt_tokens"]?.number ?? .infinity))
        #expect(told["choices"]?[0]?["message"]?["content"]?.text?.isEmpty == false)
    }

    @Test func whatAFunctionGaveIsRead() async throws {
        func turns(_ result: String) -> String {
            #", {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"town\": \"Rome\", \"days\": 1}"}}]}, {"role": "tool", "tool_call_id": "c1", "content": "\#(result)"}"#
        }
        func logprobs(_ result: String) async throws -> WireValue? {
            let response = try await post(Self.tools + #", "logprobs": true"#, more: turns(result))
            #expect(response.status == 200)
            return try await response.json()["choices"]?[0]?["logprobs"]?["content"]?[0]
        }
        let (rain, sun) = (try await logprobs("rain"), try await logprobs("sunshine"))
        #expect(rain != nil && sun != nil && rain != sun)
    }

    /// A form beside tools is kept, too: the answer is a call, or has it.
    @Test func anAnswersFormStandsBesideCalls() async throws {
        let format = #", "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": ["p", "q"]}}}"#
        let message = try await post(Self.tools + format).json()["choices"]?[0]?["message"]
        if message?["tool_calls"] == nil { #expect(["\"p\"", "\"q\""].contains(message?["content"]?.text)) }
        let forced = try await post(Self.tools + format + #", "tool_choice": {"type": "function", "function": {"name": "weather"}}"#).json()
        try expectWeather(forced["choices"]?[0]?["message"]?["tool_calls"]?[0])
    }

    @Test func anAnswerThatIsCutHasTheCallThatCame() async throws {
        let response = try await client().post(
            "/v1/chat/completions",
            json:
                #"{"max_tokens": 60, "messages": [{"role": "user", "content": "Hi"}], \#(Self.tools), "tool_choice": {"type": "function", "name": "weather"}}"#
        )
        let choice = try await response.json()["choices"]?[0]
        #expect(choice?["finish_reason"]?.text == "length")
        #expect(choice?["message"]?["tool_calls"]?[0]?["function"]?["name"]?.text == "weather")
    }

    @Test func whatASchemaCannotBeIsNamed() async throws {
        let odd = #"{"type": "function", "function": {"name": "odd", "parameters": {"type": "object", "patternProperties": {}}\#("")"#
        func status(_ tail: String) async throws -> (Int, WireValue) {
            let response = try await post(tail)
            return (response.status, try await response.json())
        }
        let (strict, body) = try await status(#""tools": [\#(Self.now), \#(odd), "strict": true}}]"#)
        #expect(strict == 400 && body["error"]?["param"]?.text == "tools[1].function.parameters")
        #expect(body["error"]?["code"]?.text == "unsupported_schema" && body["error"]?["message"]?.text?.contains("patternProperties") == true)
        let (demanded, error) = try await status(#""tools": [\#(Self.now), \#(odd)}}], "tool_choice": "required""#)
        #expect(demanded == 400 && error["error"]?["param"]?.text == "tools[1].function.parameters")
        // Where calls are only offered, a function that is not strict takes any object.
        let (offered, _) = try await status(#""tools": [\#(Self.now), \#(odd)}}]"#)
        #expect(offered == 200)
    }

    @Test func toolsThatNoContextHoldsAreRefused() async throws {
        let long = String(repeating: "long ", count: 100_000)
        let response = try await post(#""tools": [{"type": "function", "function": {"name": "a", "description": "\#(long)"}}]"#)
        #expect(response.status == 400)
        #expect(try await response.json()["error"]?["code"]?.text == "context_length_exceeded")
    }

    // MARK: Responses

    private static let flat = #"""
        "tools": [{"type": "function", "name": "weather", "description": "The weather of a city.", "parameters": {"type": "object",
         "properties": {"town": {"enum": ["Rome", "Oslo"]}, "days": {"type": "integer", "minimum": 1, "maximum": 5}}, "required": ["town", "days"],
         "additionalProperties": false}}, {"type": "function", "name": "now"}]
        """#

    private func respond(_ members: String) async throws -> ClientResponse {
        try await client().post("/v1/responses", json: #"{"max_output_tokens": 200, \#(members)}"#)
    }

    /// Tools, calls and results make the prompt that they make in chat.
    @Test func responsesReadWhatChatReads() async throws {
        let arguments = #""{\"town\": \"Rome\", \"days\": 1}""#
        let chat = try await client().post(
            "/v1/chat/completions",
            json:
                #"{"max_tokens": 200, "messages": [{"role": "user", "content": "Rome?"}, {"role": "assistant", "content": "Well.", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": \#(arguments)}}]}, {"role": "tool", "tool_call_id": "c1", "content": "rain"}], \#(Self.tools)}"#
        ).json()
        let reply = try await respond(
            #""input": [{"role": "user", "content": "Rome?"}, {"role": "assistant", "content": "Well."}, {"type": "function_call", "id": "fc_1", "status": "completed", "call_id": "c1", "name": "weather", "arguments": \#(arguments)}, {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "rain"}]}], \#(Self.flat)"#
        ).json()
        #expect(chat["usage"]?["prompt_tokens"] != nil && reply["usage"]?["input_tokens"] == chat["usage"]?["prompt_tokens"])
        #expect(reply["output"]?[0]?["content"]?[0]?["text"] == chat["choices"]?[0]?["message"]?["content"])
        #expect(reply["tools"]?[0]?["name"]?.text == "weather" && reply["tool_choice"]?.text == "auto")
    }

    @Test func aResponsesCallIsAnItem() async throws {
        let members = #""input": "Rome?", \#(Self.flat), "tool_choice": {"type": "function", "name": "weather"}, "top_logprobs": 1"#
        let reply = try await respond(members).json()
        #expect(reply["status"]?.text == "completed" && reply["output"]?.count == 1)
        let item = try #require(reply["output"]?[0])
        #expect(item["type"]?.text == "function_call" && item["status"]?.text == "completed" && item["content"] == nil)
        #expect(item["call_id"]?.text?.hasPrefix("call_") == true && item["id"]?.text?.hasPrefix("fc_") == true)
        try expectWeather(
            .object([
                "id": try #require(item["call_id"]), "type": "function",
                "function": .object(["name": try #require(item["name"]), "arguments": try #require(item["arguments"])]),
            ]))
        // The item stands in the next request's input as it is.
        let echoed = String(decoding: try JSONEncoder().encode(item), as: UTF8.self)
        let output = #"{"type": "function_call_output", "call_id": "\#(try #require(item["call_id"]?.text))", "output": "rain"}"#
        let next = try await respond(
            #""input": [{"role": "user", "content": "Rome?"}, \#(echoed), \#(output)], \#(Self.flat), "tool_choice": "none""#)
        #expect(next.status == 200)
        #expect(try await next.json()["output"]?[0]?["type"]?.text == "message")

        let text = try await respond(members + #", "stream": true"#).text()
        let events = try text.components(separatedBy: "\n").filter { $0.hasPrefix("data: ") }.map { line in
            try WireDecoder.response(ResponseEvent.self, from: Data(line.dropFirst("data: ".count).utf8))
        }
        let kinds: [ResponseEvent.Kind] = [.created, .inProgress, .itemAdded, .argumentsDelta, .argumentsDone, .itemDone, .completed]
        #expect(events.map(\.type).reduce(into: []) { if $0.last != $1 { $0.append($1) } } == kinds)
        let whole = events.first { $0.type == .argumentsDone }
        #expect(events.filter { $0.type == .argumentsDelta }.compactMap(\.delta).joined() == whole?.arguments && whole?.name == "weather")
        #expect(events.last?.response?.output.first?.arguments == whole?.arguments && item["arguments"]?.text == whole?.arguments)
        #expect(events.allSatisfy { $0.itemId == nil || $0.itemId == events.last?.response?.output.first?.id })
    }

    /// An answer that may not end behind its first call has another.
    @Test func severalCallsAreItemsOfTheirOwn() async throws {
        let reply = try await respond(#""input": "Rome?", \#(Self.flat), "tool_choice": "required", "min_tokens": 150"#).json()
        let items = (0..<(reply["output"]?.count ?? 0)).compactMap { reply["output"]?[$0] }
        #expect(items.count > 1 && items.allSatisfy { $0["type"]?.text == "function_call" })
        #expect(items.dropLast().allSatisfy { $0["status"]?.text == "completed" })
        #expect(Set(items.compactMap { $0["call_id"]?.text }).count == items.count)
        let one = try await respond(
            #""input": "Rome?", \#(Self.flat), "tool_choice": "required", "min_tokens": 150, "parallel_tool_calls": false"#
        ).json()
        #expect(one["output"]?.count == 1 && one["parallel_tool_calls"] == false)
    }

    @Test(arguments: [
        (#""input": "a", "tools": [{"type": "function", "function": {"name": "a"}}]"#, "tools[0].name"),
        (#""input": "a", "tools": [{"type": "function", "name": "a"}, {"type": "function", "name": "a"}]"#, "tools[1].name"),
        (#""input": "a", "tool_choice": "required""#, "tool_choice"),
        (#""input": "a", "tools": [{"type": "function", "name": "a"}], "tool_choice": {"type": "function", "name": "b"}"#, "tool_choice"),
        (
            #""input": "a", "tools": [{"type": "function", "name": "a", "strict": true, "parameters": {"type": "object", "not": {}}}]"#,
            "tools[0].parameters"
        ),
        (#""input": [{"type": "function_call_output", "call_id": "c", "output": "4"}]"#, "input[0].call_id"),
        (#""input": [{"type": "function_call", "call_id": "c", "name": "a", "arguments": "4"}]"#, "input[0].arguments"),
        (#""input": [{"type": "function_call", "call_id": "c", "name": "a", "arguments": "{\"a\": 1, \"a\": 2}"}]"#, "input[0].arguments"),
        (#""input": [{"type": "function_call", "name": "a", "arguments": "{}"}]"#, "input[0].call_id"),
        (#""input": [{"role": "tool", "content": "4"}]"#, "input[0].role"),
        (
            #""input": [{"type": "function_call", "call_id": "c", "name": "a", "arguments": ""}, {"type": "function_call", "call_id": "c", "name": "a", "arguments": ""}]"#,
            "input[1].call_id"
        ),
        (
            #""input": [{"type": "function_call", "call_id": "c", "name": "a", "arguments": ""}, {"type": "function_call_output", "call_id": "c", "output": []}]"#,
            "input[1].output"
        ),
    ])
    func responsesToolsThatCannotBeAreNamed(members: String, path: String) async throws {
        let response = try await respond(members)
        #expect(response.status == 400)
        #expect(try await response.json()["error"]?["param"]?.text == path)
    }
}
