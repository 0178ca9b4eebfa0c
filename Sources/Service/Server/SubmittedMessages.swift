package import API
import Generation
import JSON
package import Workshop

extension [SubmittedMessage] {
    /// A request's messages; each clip knows its member.
    package init(_ messages: [API.ChatMessage]) throws(WorkshopError) {
        self = []
        for (index, message) in messages.enumerated() { append(try SubmittedMessage(message, at: "messages[\(index)]")) }
    }

    /// A request's instructions as a system message, and its items. What an assistant thought belongs to its next message; where none follows,
    /// it is a turn without text.
    package init(_ request: ResponsesRequest) throws(WorkshopError) {
        self = request.instructions.map { [SubmittedMessage(role: "system", $0)] } ?? []
        var thoughts: [String] = []
        for (index, item) in request.input.enumerated() {
            switch item {
            case .reasoning(let text): thoughts.append(text)
            case .message(var message):
                if message.role == .assistant {
                    message.reasoningContent = thoughts.joined(separator: "\n")
                } else if !thoughts.isEmpty {
                    append(.thinking(thoughts))
                }
                thoughts = []
                append(try SubmittedMessage(message, at: "input[\(index)]"))
            }
        }
        if !thoughts.isEmpty { append(.thinking(thoughts)) }
    }
}

extension SubmittedMessage {
    /// - Parameter place: the request's member that holds the message.
    fileprivate init(_ message: API.ChatMessage, at place: String) throws(WorkshopError) {
        var calls: [Generation.ToolCall] = []
        for (index, call) in message.toolCalls.enumerated() {
            do {
                calls.append(
                    Generation.ToolCall(id: call.id, name: call.function.name, arguments: try JSONValue(parsing: call.function.arguments)))
            } catch {
                let place = "\(place).tool_calls[\(index)].function.arguments"
                throw WorkshopError(.invalidValue, "\(place): expected JSON; \(error).", at: place)
            }
        }
        self.init(
            role: message.role == .developer ? "system" : message.role.rawValue,
            parts: message.content.enumerated().map { part, content in
                let place = "\(place).content[\(part)]"
                return switch content {
                case .text(let text): .text(text)
                case .inputAudio(let data, _): .audio(SubmittedSound(.bytes(data), at: place + ".input_audio.data"))
                case .audioURL(let url): .audio(SubmittedSound(.url(url), at: place + ".audio_url.url"))
                }
            }, reasoning: message.reasoningContent.isEmpty ? nil : message.reasoningContent, calls: calls,
            callID: message.toolCallId.isEmpty ? nil : message.toolCallId)
    }

    fileprivate static func thinking(_ thoughts: [String]) -> SubmittedMessage {
        SubmittedMessage(role: "assistant", parts: [.text("")], reasoning: thoughts.joined(separator: "\n"))
    }
}
