package import API
import Generation
import Workshop

extension [SubmittedMessage] {
    /// A request's messages; each clip knows its member.
    package init(_ messages: [API.ChatMessage]) {
        self = messages.enumerated().map { index, message in
            SubmittedMessage(
                role: message.role == .developer ? "system" : message.role.rawValue,
                parts: message.content.enumerated().map { part, content in
                    let place = "messages[\(index)].content[\(part)]"
                    return switch content {
                    case .text(let text): .text(text)
                    case .inputAudio(let data, _): .audio(SubmittedSound(.bytes(data), at: place + ".input_audio.data"))
                    case .audioURL(let url): .audio(SubmittedSound(.url(url), at: place + ".audio_url.url"))
                    }
                }, reasoning: message.reasoningContent.isEmpty ? nil : message.reasoningContent)
        }
    }
}
