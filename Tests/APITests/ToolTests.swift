import API
import Foundation
import Testing

@Suite struct ToolTests {
    private static let add =
        #"{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}, "strict": true}}"#
    private static let now = #"{"type": "function", "function": {"name": "now"}}"#
    private static let call = #"{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{\"a\": 1}"}}"#

    private func messages(_ more: String...) -> String {
        #"{"messages": [{"role": "user", "content": "1 + 1?"}, \#(more.joined(separator: ", "))]}"#
    }

    @Test func toolsAreRead() throws {
        let request = try read(ChatCompletionRequest.self, chat(#""tools": [\#(Self.add), \#(Self.now)]"#))
        #expect(request.tools.tools.map(\.name) == ["add", "now"] && request.tools.tools.map(\.strict) == [true, false])
        #expect(request.tools.tools[0].description == "Adds." && request.tools.tools[0].parameters == .object(["type": "object"]))
        #expect(request.tools.choice == .auto && request.tools.isParallel)
    }

    @Test(arguments: [
        (#""none""#, ToolChoice.none), (#""auto""#, .auto), (#""required""#, .required), ("null", .auto),
        (#"{"type": "function", "function": {"name": "now"}}"#, .function("now")), (#"{"type": "function", "name": "now"}"#, .function("now")),
    ])
    func choicesAreRead(choice: String, expected: ToolChoice) throws {
        let members = #""tools": [\#(Self.add), \#(Self.now)], "tool_choice": \#(choice), "parallel_tool_calls": false"#
        let request = try read(ChatCompletionRequest.self, chat(members))
        #expect(request.tools.choice == expected && !request.tools.isParallel)
    }

    @Test(arguments: [
        (#""tools": {"a": 1}"#, "tools", "invalid_type"), (#""tools": [5]"#, "tools[0]", "invalid_type"),
        (#""tools": [{"type": "web_search"}]"#, "tools[0].type", "unsupported_parameter"),
        (#""tools": [{"type": "function"}]"#, "tools[0].function", "missing_required_parameter"),
        (#""tools": [{"type": "function", "function": {}}]"#, "tools[0].function.name", "missing_required_parameter"),
        (#""tools": [{"type": "function", "function": {"name": ""}}]"#, "tools[0].function.name", "invalid_value"),
        (#""tools": [{"type": "function", "function": {"name": "a b"}}]"#, "tools[0].function.name", "invalid_value"),
        (#""tools": [{"type": "function", "function": {"name": "é"}}]"#, "tools[0].function.name", "invalid_value"),
        (#""tools": [{"type": "function", "function": {"name": "a", "parameters": 5}}]"#, "tools[0].function.parameters", "invalid_value"),
        (#""tools": [{"type": "function", "function": {"name": "a", "params": {}}}]"#, "tools[0].function.params", "unknown_parameter"),
        (#""tools": [\#(now), \#(add), \#(now)]"#, "tools[2].function.name", "invalid_value"),
        (#""tools": [\#(now)], "tool_choice": "any""#, "tool_choice", "invalid_value"),
        (#""tools": [\#(now)], "tool_choice": 5"#, "tool_choice", "invalid_type"),
        (#""tools": [\#(now)], "tool_choice": {"type": "function", "function": {"name": "add"}}"#, "tool_choice", "invalid_value"),
        (#""tools": [\#(now)], "tool_choice": {"type": "allowed_tools", "mode": "auto"}"#, "tool_choice.type", "invalid_value"),
        (#""tool_choice": "required""#, "tool_choice", "invalid_value"),
        (#""tool_choice": {"type": "function", "function": {"name": "add"}}"#, "tool_choice", "invalid_value"),
        (#""tools": [\#(now)], "structured_outputs": {"regex": "a"}"#, "structured_outputs", "invalid_value"),
        (#""tools": [\#(now)], "parallel_tool_calls": 1"#, "parallel_tool_calls", "invalid_type"),
    ])
    func toolsThatCannotBeAreNamed(members: String, path: String, code: String) {
        let error = refusal(ChatCompletionRequest.self, chat(members))
        #expect(error.param == path && error.code == code, "\(error)")
    }

    @Test func tooManyToolsAreRefused() {
        let tools = (0..<129).map { #"{"type": "function", "function": {"name": "f\#($0)"}}"# }.joined(separator: ",")
        #expect(refusal(ChatCompletionRequest.self, chat(#""tools": [\#(tools)]"#)).param == "tools")
    }

    @Test func callsAndWhatTheyGaveAreRead() throws {
        let request = try read(
            ChatCompletionRequest.self,
            messages(
                #"{"role": "assistant", "content": null, "tool_calls": [\#(Self.call)]}"#,
                #"{"role": "tool", "tool_call_id": "c1", "content": "2"}"#))
        #expect(request.messages[1].toolCalls == [ToolCall(id: "c1", name: "add", arguments: #"{"a": 1}"#)])
        #expect(request.messages[2].role == .tool && request.messages[2].toolCallId == "c1" && request.messages[2].content == [.text("2")])
    }

    /// As some services write the call of a function without arguments.
    @Test func emptyArgumentsAreNone() throws {
        let call = #"{"id": "c", "function": {"name": "now", "arguments": ""}, "index": 0}"#
        let request = try read(ChatCompletionRequest.self, messages(#"{"role": "assistant", "tool_calls": [\#(call)]}"#))
        #expect(request.messages[1].toolCalls[0].function.arguments == "{}")
    }

    @Test(arguments: [
        (#"{"role": "tool", "tool_call_id": "c2", "content": "2"}"#, "messages[2].tool_call_id"),
        (#"{"role": "tool", "content": "2"}"#, "messages[2].tool_call_id"),
        (#"{"role": "tool", "tool_call_id": "c1"}"#, "messages[2].content"),
        (#"{"role": "tool", "tool_call_id": "c1", "content": [{"type": "audio_url", "audio_url": "a"}]}"#, "messages[2].content[0].type"),
        (#"{"role": "assistant", "tool_calls": [\#(call), \#(call)]}"#, "messages[2].tool_calls[1].id"),
        (#"{"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]}"#, "messages[2].tool_calls[0].id"),
        (#"{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "a"}}]}"#, "messages[2].tool_calls[0].function.arguments"),
        (
            #"{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "a", "arguments": "[1]"}}]}"#,
            "messages[2].tool_calls[0].function.arguments"
        ),
        (
            #"{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "a", "arguments": "{\"a\":"}}]}"#,
            "messages[2].tool_calls[0].function.arguments"
        ),
        (
            #"{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "a/b", "arguments": "{}"}}]}"#,
            "messages[2].tool_calls[0].function.name"
        ),
        (
            #"{"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "function": {"name": "a", "arguments": "{}"}}]}"#,
            "messages[2].tool_calls[0].type"
        ),
    ])
    func callsThatCannotBeAreNamed(message: String, path: String) {
        let body = messages(#"{"role": "assistant", "tool_calls": [\#(Self.call)]}"#, message)
        #expect(refusal(ChatCompletionRequest.self, body).param == path)
    }
}
