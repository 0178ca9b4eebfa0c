package import Foundation

/// The body of a request to `chat/completions`, in members that every server with OpenAI's interface takes.
package struct ChatQuestion: Encodable, Sendable {
    package struct Message: Encodable, Sendable {
        private let role: String
        private let parts: [Part]

        package init(role: String, _ parts: [Part]) { (self.role, self.parts) = (role, parts) }

        private enum CodingKeys: CodingKey { case role, content }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(role, forKey: .role)
            if parts.count == 1, let text = parts[0].text {
                try container.encode(text, forKey: .content)
            } else {
                try container.encode(parts, forKey: .content)
            }
        }
    }

    /// A part of a message: words, or a sound file's bytes, which are written in base64.
    package struct Part: Encodable, Sendable {
        private struct Sound: Encodable {
            let data: Data
            let format: String?
        }

        private let type: String
        package private(set) var text: String?
        private var inputAudio: Sound?

        package static func text(_ text: String) -> Part { Part(type: "text", text: text) }

        package static func sound(_ file: Data, format: String? = nil) -> Part {
            Part(type: "input_audio", inputAudio: Sound(data: file, format: format))
        }
    }

    private let model: String
    private let messages: [Message]
    package var temperature: Double?
    package var topP: Double?
    package var topK: Int?
    package var maxTokens: Int?
    package var stop: [String]?
    package var seed: Int?
    package var stream: Bool?

    package init(model: String, _ messages: [Message]) { (self.model, self.messages) = (model, messages) }

    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encoder.encode(self)
    }
}
