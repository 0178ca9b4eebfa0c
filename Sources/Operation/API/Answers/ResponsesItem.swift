/// An input item of `POST /v1/responses`.
package enum ResponsesItem: WireObject, Equatable, Sendable {
    case message(ChatMessage)
    /// An assistant's reasoning before its next message.
    case reasoning(String)
    /// A function call. It belongs to the preceding message if that is an assistant's.
    case call(ToolCall)

    package init(_ fields: Fields) throws {
        let type = try fields.text("type") ?? "message"
        switch type {
        case "message": self = .message(try Self.message(fields))
        case "reasoning": self = .reasoning(try Self.reasoning(fields))
        case "function_call": self = .call(try ToolCall(item: fields))
        case "function_call_output": self = .message(try Self.result(fields))
        case "item_reference": throw Self.unsupported(type, fields, "this server keeps no responses")
        case "custom_tool_call", "custom_tool_call_output", "mcp_call": throw Self.unsupported(type, fields, "this server knows functions alone")
        default: throw fields.invalid("type", expected: choices(["message", "reasoning", "function_call", "function_call_output"]))
        }
        // Ids and states that output items carry when a client sends them back.
        fields.ignore("id", "status", "phase")
    }

    private static func unsupported(_ type: String, _ fields: Fields, _ reason: String) -> WireError {
        let place = fields.place("type")
        return WireError("\(place): items of type \"\(type)\" are not supported: \(reason).", param: place, code: "unsupported_parameter")
    }

    private static func message(_ fields: Fields) throws -> ChatMessage {
        let role: ChatMessage.Role = try fields.requiredChoice("role")
        guard role != .tool else {
            throw fields.invalid("role", expected: choices(["system", "developer", "user", "assistant"]) + ", and results as function_call_output")
        }
        let parts = try fields.required("content", "a string or an array of parts", as: TextOrArray<Part>.self).elements { Part(content: .text($0)) }
            .map(\.content)
        guard role == .assistant || !parts.isEmpty else { throw fields.invalid("content", expected: "at least one part") }
        if role != .user, let index = parts.firstIndex(where: { if case .text = $0 { false } else { true } }) {
            throw WireError.value(
                fields.place("content") + "[\(index)].type", expected: "a text in a message of role \(role.rawValue)", found: "audio")
        }
        return ChatMessage(role: role, content: parts.isEmpty ? [.text("")] : parts)
    }

    /// The result of a function.
    private static func result(_ fields: Fields) throws -> ChatMessage {
        let call = try fields.name("call_id")
        let parts = try fields.required("output", "a string or an array of texts", as: TextOrArray<Part>.self).elements { Part(content: .text($0)) }
            .map(\.content)
        guard !parts.isEmpty else { throw fields.invalid("output", expected: "at least one part") }
        if let index = parts.firstIndex(where: { if case .text = $0 { false } else { true } }) {
            throw WireError.value(fields.place("output") + "[\(index)].type", expected: "\"input_text\"", found: "audio")
        }
        var message = ChatMessage(role: .tool, content: parts)
        message.toolCallId = call
        return message
    }

    /// Refuses duplicate call ids, and results of calls that nobody made.
    static func checkCalls(_ items: [ResponsesItem], at place: String) throws {
        var known: Set<String> = []
        for (index, item) in items.enumerated() {
            switch item {
            case .reasoning: break
            case .call(let call):
                guard known.insert(call.id).inserted else {
                    throw WireError.value(
                        "\(place)[\(index)].call_id", expected: "an id that no other call has", found: WireValue.string(call.id).summary + " twice")
                }
            case .message(let message):
                guard message.role != .tool || known.contains(message.toolCallId) else {
                    throw WireError.value(
                        "\(place)[\(index)].call_id", expected: "the id of a function_call before it",
                        found: WireValue.string(message.toolCallId).summary)
                }
            }
        }
    }

    /// The reasoning itself, or its summary if a client kept only that.
    private static func reasoning(_ fields: Fields) throws -> String {
        let summary: [Thought]? = try fields.optional("summary", "an array of summaries")
        let content: [Thought]? = try fields.optional("content", "an array of texts")
        try fields.refuse("encrypted_content", because: "another server wrote it")
        let thoughts = content ?? []
        return (thoughts.isEmpty ? summary ?? [] : thoughts).map(\.text).joined(separator: "\n")
    }

    private struct Thought: WireObject {
        let text: String

        init(_ fields: Fields) throws {
            let type = try fields.name("type")
            guard ["reasoning_text", "summary_text"].contains(type) else {
                throw fields.invalid("type", expected: choices(["reasoning_text", "summary_text"]))
            }
            text = try fields.required("text", "a string")
        }
    }

    private struct Part: WireObject {
        let content: ContentPart

        init(content: ContentPart) { self.content = content }

        init(_ fields: Fields) throws {
            switch try fields.name("type") {
            case "input_text", "output_text": content = .text(try fields.required("text", "a string"))
            case "refusal": content = .text(try fields.required("refusal", "a string"))
            case "input_audio": content = try .inputAudio(fields)
            default: throw fields.invalid("type", expected: choices(["input_text", "input_audio", "output_text", "refusal"]))
            }
            fields.ignore("annotations", "logprobs", "prompt_cache_breakpoint")
        }
    }
}
