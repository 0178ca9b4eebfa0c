package import API
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
                    case .inputAudio(let data, _): .sound(.bytes(data), place: place + ".input_audio.data")
                    case .audioURL(let url): .sound(.url(url), place: place + ".audio_url.url")
                    }
                })
        }
    }
}
