package import Foundation

/// One turn of a conversation: who speaks, and the parts of what is said, in order.
package struct ChatMessage: Codable, Equatable, Sendable {
    package enum Role: String, Codable, CaseIterable, Sendable { case system, developer, user, assistant }

    package var role: Role
    /// At least one part; content given as a string is one text part.
    package var content: [ContentPart]

    package init(role: Role, content: [ContentPart]) {
        self.role = role
        self.content = content
    }

    package init(role: Role, text: String) { self.init(role: role, content: [.text(text)]) }

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        guard let role: Role = try fields.choice("role") else {
            throw fields.missing("role", choices(Role.allCases.map(\.rawValue)))
        }
        self.role = role
        let content: Content = try fields.required("content", "a string or an array of parts")
        guard !content.parts.isEmpty else { throw fields.invalid("content", expected: "at least one part") }
        self.content = content.parts
        if role != .user, let index = content.parts.firstIndex(where: { if case .text = $0 { false } else { true } }) {
            throw WireError.value(
                fields.place("content") + "[\(index)].type", expected: "\"text\" in a message of role \(role.rawValue)",
                found: "audio")
        }
        try fields.refuse("name", because: "the chat format has no speaker names")
        try fields.refuse("tool_calls", "function_call", because: "this server calls no tools")
        try fields.refuse("audio", "refusal", "annotations", because: "only `content` is read")
        try fields.end()
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(role, forKey: .role)
        if case .text(let text) = content.first, content.count == 1 {
            try container.encode(text, forKey: .content)
        } else {
            try container.encode(content, forKey: .content)
        }
    }

    private enum CodingKeys: String, CodingKey { case role, content }

    private struct Content: Decodable {
        var parts: [ContentPart]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                parts = [.text(text)]
            } else {
                parts = try container.decode([ContentPart].self)
            }
        }
    }
}

/// A part of a message.
package enum ContentPart: Codable, Equatable, Sendable {
    case text(String)
    /// The bytes of an audio file; `format` is what the client calls it, never trusted.
    case inputAudio(Data, format: String?)
    case audioURL(String)

    private static let types = ["text", "input_audio", "audio_url"]

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        let type: String = try fields.required("type", choices(Self.types))
        switch type {
        case "text":
            self = .text(try fields.required("text", "a string"))
        case "input_audio":
            let audio: InputAudio = try fields.required("input_audio", "an object with `data` and `format`")
            self = .inputAudio(audio.data.bytes, format: audio.format)
        case "audio_url":
            let link: Link = try fields.required("audio_url", "an object with a `url`")
            self = .audioURL(link.url)
        default:
            throw fields.invalid("type", expected: choices(Self.types))
        }
        fields.ignore("prompt_cache_breakpoint")
        try fields.end()
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .text(let text):
            try container.encode("text", forKey: .type)
            try container.encode(text, forKey: .text)
        case .inputAudio(let data, let format):
            try container.encode("input_audio", forKey: .type)
            try container.encode(InputAudio(data: Base64(data), format: format), forKey: .inputAudio)
        case .audioURL(let url):
            try container.encode("audio_url", forKey: .type)
            try container.encode(Link(url: url), forKey: .audioURL)
        }
    }

    private enum CodingKeys: String, CodingKey {
        case type, text
        case inputAudio = "input_audio"
        case audioURL = "audio_url"
    }

    private struct InputAudio: Codable {
        var data: Base64
        var format: String?

        init(data: Base64, format: String?) {
            self.data = data
            self.format = format
        }

        init(from decoder: any Decoder) throws {
            let fields = try Fields(decoder)
            data = try fields.required("data", "base64 text")
            format = try fields.text("format", maxLength: 32)
            try fields.end()
        }
    }

    private struct Link: Codable {
        var url: String

        init(url: String) { self.url = url }

        init(from decoder: any Decoder) throws {
            let fields = try Fields(decoder)
            url = try fields.required("url", "a string")
            try fields.end()
        }
    }
}

/// Bytes written as base64 text; line breaks are allowed, anything else that is not base64 is refused.
package struct Base64: Codable, Equatable, Sendable {
    package var bytes: Data

    package init(_ bytes: Data) { self.bytes = bytes }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        if let bytes = Data(base64Encoded: text) ?? Data(base64Encoded: text.filter { !$0.isNewline }) {
            self.bytes = bytes
            return
        }
        let hint =
            text.hasPrefix("data:")
            ? "a data URL; send what follows its comma, or an `audio_url` part" : "other characters"
        throw WireError.value(pathText(decoder.codingPath), expected: "base64 text", found: hint)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes.base64EncodedString())
    }
}
