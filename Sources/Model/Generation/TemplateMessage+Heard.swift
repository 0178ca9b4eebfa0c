package import JSON
package import Tokenization

extension TemplateMessage {
    /// Converts a message to the form that chat templates read.
    init(_ message: HeardMessage) {
        self.init(
            role: message.role,
            parts: message.parts.map { part in
                switch part {
                case .text(let text): .text(text)
                case .audio: .audio
                }
            }, reasoning: message.reasoning)
        calls = message.calls.map { TemplateToolCall(id: $0.id, name: $0.name, arguments: TemplateValue($0.arguments)) }
        callID = message.callID
    }
}

extension TemplateValue {
    /// Converts JSON from outside the template.
    package init(_ value: JSONValue) {
        self =
            switch value {
            case .null: .none
            case .boolean(let value): .bool(value)
            case .integer(let value): .integer(value)
            case .real(let value): .number(value)
            case .string(let text): .string(text)
            case .array(let values): .list(values.map { TemplateValue($0) })
            case .object(let members): .object(members.keys.map { ($0, TemplateValue(members[$0] ?? .null)) })
            }
    }
}
