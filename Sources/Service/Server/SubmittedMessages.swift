package import API
import Generation
import JSON
import Workshop

extension [SubmittedMessage] {
    /// A request's messages. Each clip knows its path in the request.
    ///
    /// - Parameter clips: The clips that the request may name in place of their bytes.
    package init(_ messages: [ChatMessage], clips: StoredClips = .none) throws {
        self = []
        for (index, message) in messages.enumerated() { append(try SubmittedMessage(message, at: "messages[\(index)]", clips)) }
    }

    /// A request's instructions as a system message, followed by its items. Reasoning is joined to the next message or call; if none follows, it
    /// becomes a turn without text. Calls belong to the assistant's message before them.
    package init(_ request: ResponsesRequest, clips: StoredClips = .none) throws {
        self = request.instructions.map { [SubmittedMessage(role: "system", $0)] } ?? []
        var thoughts: [String] = []
        for (index, item) in request.input.enumerated() {
            switch item {
            case .reasoning(let text): thoughts.append(text)
            case .call(let call):
                let call = try Generation.ToolCall(call, at: "input[\(index)].arguments")
                if thoughts.isEmpty, let last, last.role == "assistant" {
                    self[count - 1] = SubmittedMessage(role: last.role, parts: last.parts, reasoning: last.reasoning, calls: last.calls + [call])
                } else {
                    append(.assistant(thoughts, calling: [call]))
                    thoughts = []
                }
            case .message(var message):
                if message.role == .assistant {
                    message.reasoningContent = thoughts.joined(separator: "\n")
                } else if !thoughts.isEmpty {
                    append(.assistant(thoughts))
                }
                thoughts = []
                append(try SubmittedMessage(message, at: "input[\(index)]", clips))
            }
        }
        if !thoughts.isEmpty { append(.assistant(thoughts)) }
    }
}

extension SubmittedMessage {
    /// - Parameter place: The path of the message in the request.
    fileprivate init(_ message: ChatMessage, at place: String, _ clips: StoredClips) throws {
        var calls: [Generation.ToolCall] = []
        for (index, call) in message.toolCalls.enumerated() {
            calls.append(try Generation.ToolCall(call, at: "\(place).tool_calls[\(index)].function.arguments"))
        }
        self.init(
            role: message.role == .developer ? "system" : message.role.rawValue,
            parts: try message.content.enumerated().map { part, content in
                let place = "\(place).content[\(part)]"
                return switch content {
                case .text(let text): .text(text)
                case .inputAudio(let clip, _): .audio(try clips.sound(clip, at: place + ".input_audio"))
                case .audioURL(let url): .audio(SubmittedSound(.url(url), at: place + ".audio_url.url"))
                }
            }, reasoning: message.reasoningContent.isEmpty ? nil : message.reasoningContent, calls: calls,
            callID: message.toolCallId.isEmpty ? nil : message.toolCallId)
    }

    /// A turn without text.
    fileprivate static func assistant(_ thoughts: [String], calling calls: [Generation.ToolCall] = []) -> SubmittedMessage {
        SubmittedMessage(
            role: "assistant", parts: [.text("")], reasoning: thoughts.isEmpty ? nil : thoughts.joined(separator: "\n"), calls: calls)
    }
}

extension Generation.ToolCall {
    /// - Parameter place: The path of the arguments in the request.
    fileprivate init(_ call: API.ToolCall, at place: String) throws(WorkshopError) {
        do { self.init(id: call.id, name: call.function.name, arguments: try JSONValue(parsing: call.function.arguments)) } catch {
            throw WorkshopError(.invalidValue, "\(place): expected JSON; \(error).", at: place)
        }
    }
}
