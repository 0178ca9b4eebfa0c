/// A call of a function that an assistant made.
package struct TemplateToolCall: Sendable {
    package let id: String
    package let name: String
    /// An object.
    package let arguments: TemplateValue

    package init(id: String, name: String, arguments: TemplateValue) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }

    /// The tool in the form of Hugging Face's clients.
    var value: TemplateValue {
        .object([
            ("id", .string(id)), ("type", .string("function")),
            ("function", .object([("name", .string(name)), ("arguments", arguments)])),
        ])
    }
}

/// A conversation with tools in the textual form of Hermes, for templates without tools.
///
///     system      … <tools>one function a line, as JSON</tools> …
///     assistant   <tool_call>{"name": …, "arguments": …}</tool_call>
///     tool        a user's <tool_response>…</tool_response>, those in a row as one turn
struct ToolText {
    private var limits: TemplateLimits
    private(set) var messages: [TemplateMessage] = []

    /// - Parameter tools: the value of the template's variable.
    init(_ messages: [TemplateMessage], tools: TemplateValue?, limits: TemplateLimits) throws(TemplateError) {
        self.limits = limits
        var isAnswering = false
        for message in messages {
            if message.role == "tool" {
                let response = "<tool_response>\n\(message.text)\n</tool_response>"
                if isAnswering, let turn = self.messages.popLast() {
                    self.messages.append(TemplateMessage(role: turn.role, turn.text + "\n" + response))
                } else {
                    self.messages.append(TemplateMessage(role: "user", response))
                }
            } else if message.calls.isEmpty {
                self.messages.append(message)
            } else {
                self.messages.append(try written(message))
            }
            isAnswering = message.role == "tool"
        }
        if case .list(let functions)? = tools, !functions.isEmpty { try describe(functions) }
    }

    private mutating func written(_ message: TemplateMessage) throws(TemplateError) -> TemplateMessage {
        var lines = message.text.isEmpty ? [] : [message.text]
        for call in message.calls {
            let form = TemplateValue.object([("name", .string(call.name)), ("arguments", call.arguments)])
            lines += ["<tool_call>", try json(form), "</tool_call>"]
        }
        return TemplateMessage(role: message.role, parts: [.text(lines.joined(separator: "\n"))], reasoning: message.reasoning)
    }

    /// Lists the functions at the end of the system's message, or in a new one.
    private mutating func describe(_ functions: [TemplateValue]) throws(TemplateError) {
        var lines = ["# Tools", "", "You can call these functions:", "<tools>"]
        for function in functions { lines.append(try json(function)) }
        lines += [
            "</tools>", "", "A call gives the function's name and its arguments as JSON:", "<tool_call>",
            #"{"name": <name>, "arguments": <arguments>}"#, "</tool_call>",
        ]
        let text = lines.joined(separator: "\n")
        guard let first = messages.first, first.role == "system" else {
            messages.insert(TemplateMessage(role: "system", text), at: 0)
            return
        }
        messages[0] = TemplateMessage(role: "system", first.text + "\n\n" + text)
    }

    private mutating func json(_ value: TemplateValue) throws(TemplateError) -> String {
        try TemplateJSON(indent: nil, sortsKeys: false, escapesNonASCII: false).encode(Value(value), 0, &limits).string
    }
}
