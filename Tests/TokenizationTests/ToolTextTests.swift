import CordNano
import Foundation
import TestSupport
import Testing
import Tokenization

/// Tools in prompts: by templates that know them, and in text for those that do not.
@Suite(.ownThread) struct ToolTextTests {
    private func format(_ template: String) throws -> ChatFormat {
        ChatFormat(tokenizer: try Tokenizer(directory: CordNano.directory), template: try ChatTemplate(template))
    }

    private func text(_ format: ChatFormat, _ messages: [TemplateMessage], tools: TemplateValue? = nil) throws -> String {
        try format.render(messages, addGenerationPrompt: false, extra: tools.map { ["tools": $0] } ?? [:]).map(\.text).joined()
    }

    private static let plain = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    private static let tools = TemplateValue.list([
        .object([("type", .string("function")), ("function", .object([("name", .string("add"))]))])
    ])

    private var called: [TemplateMessage] {
        let arguments = TemplateValue.object([("b", .integer(2)), ("a", .string("é\""))])
        var assistant = TemplateMessage(role: "assistant", "Well.")
        assistant.calls = [
            TemplateToolCall(id: "1", name: "add", arguments: arguments), TemplateToolCall(id: "2", name: "now", arguments: .object([])),
        ]
        var (first, second) = (TemplateMessage(role: "tool", "3"), TemplateMessage(role: "tool", "noon"))
        (first.callID, second.callID) = ("1", "2")
        return [TemplateMessage(role: "user", "Hi"), assistant, first, second, TemplateMessage(role: "assistant", "3 at noon.")]
    }

    /// In which form a template's calls are written is seen in its source; a form that is not known is none, and is not taken for another.
    @Test(arguments: [
        ("<tool_call>\n{\"name\": \"{{ c.name }}\", \"arguments\": {{ c.arguments | tojson }}}</tool_call>", CallWriting.hermes),
        ("{{ '<tool_call>{\\\"name\\\": \\\"' ~ c.name ~ '\\\", \\\"arguments\\\": ' }}", .hermes),
        ("{{ '[TOOL_CALLS]' + c.name + '[CALL_ID]' + c.id + '[ARGS]' + c.arguments }}", .mistralNamed),
        ("<|start_header_id|>assistant<|end_header_id|>{{ '{\"name\": \"' + c.name + '\", ' }}{{ '\"parameters\": ' }}", .llama),
        ("{{ '<tool_call>function\\n' + c.name }}", .stepAudio), ("<tool_call>\n<function={{ c.name }}>", nil),
        ("<|python_tag|>{{ c.name }}.call(", nil),
    ])
    func theFormOfCallsIsSeenInTheTemplate(call: String, writing: CallWriting?) throws {
        let source = "{% for m in messages %}{{ m.content }}{% for c in m.tool_calls or [] %}" + call + "{% endfor %}{% endfor %}{{ tools | length }}"
        #expect(try format(source).calls == writing)
        #expect(try format(Self.plain).calls == .hermes)
    }

    /// The rendering of transformers, from messages as this house has them.
    @Test func templatesThatKnowToolsTellThemselves() throws {
        let all = OrderedJSON.parse(try Data(contentsOf: Fixtures.folder.appendingPathComponent("templates.json")))
        let conversation = try #require(all["conversations"]?.items[3])
        let function = try #require(conversation["messages"]?.items[1]["tool_calls"]?.items[0]["function"])
        var assistant = TemplateMessage(role: "assistant", "")
        assistant.calls = [
            TemplateToolCall(id: "1", name: try #require(function["name"]?.string), arguments: try #require(function["arguments"]))
        ]
        let rendered = try text(
            try format(try #require(all["templates"]?["qwen3"]?.string)), [TemplateMessage(role: "user", "Weather?"), assistant],
            tools: conversation["tools"])
        let expected = all["cases"]?.items.first { item in
            guard case .integer(3)? = item["conversation"] else { return false }
            return item["name"]?.string == "qwen3"
        }
        #expect(rendered == expected?["text"]?.string)
    }

    @Test func othersReadThemAsText() throws {
        #expect(
            try text(try format(Self.plain), called) == """
                [user]Hi[assistant]Well.
                <tool_call>
                {"name": "add", "arguments": {"b": 2, "a": "é\\""}}
                </tool_call>
                <tool_call>
                {"name": "now", "arguments": {}}
                </tool_call>[user]<tool_response>
                3
                </tool_response>
                <tool_response>
                noon
                </tool_response>[assistant]3 at noon.
                """)
    }

    @Test func functionsAreToldBehindTheSystemsMessage() throws {
        let alone = try text(try format(Self.plain), [TemplateMessage(role: "user", "Hi")], tools: Self.tools)
        #expect(alone.hasPrefix("[system]# Tools") && alone.hasSuffix("</tool_call>[user]Hi"))
        #expect(alone.contains("\n<tools>\n{\"type\": \"function\", \"function\": {\"name\": \"add\"}}\n</tools>\n"))
        let beside = try text(
            try format(Self.plain), [TemplateMessage(role: "system", "Be brief."), TemplateMessage(role: "user", "Hi")], tools: Self.tools)
        #expect(beside == "[system]Be brief.\n\n" + alone.dropFirst("[system]".count))
        #expect(try text(try format(Self.plain), [TemplateMessage(role: "user", "Hi")], tools: .list([])) == "[user]Hi")
    }

    /// Nothing that callers write becomes a control token, here as elsewhere.
    @Test func toolsAreNoTextOfTheTemplates() throws {
        let pieces = try format("<|a|>" + Self.plain).render(called, addGenerationPrompt: false, extra: ["tools": Self.tools])
        #expect(!pieces.contains { $0.isTemplate && $0.text.contains("tool") })
    }
}
