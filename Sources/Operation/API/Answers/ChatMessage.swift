import Encodings
package import Foundation

/// One turn of a conversation: its speaker, and the parts of what is said, in order.
///
/// An assistant's turn may have no content when it is a refusal or only calls tools; `content` is then empty. A turn of role `tool` is the result
/// of a function.
package struct ChatMessage: WireObject, Equatable, Sendable {
    package enum Role: String, CaseIterable, Sendable { case system, developer, user, assistant, tool }

    package var role: Role
    /// At least one part, except for an assistant. A string is read as one text part.
    package var content: [ContentPart]
    /// What an assistant thought before it spoke, from `reasoning_content` or its alias `reasoning`, for chat templates that read it. Empty if
    /// absent.
    package var reasoningContent: String
    /// The function calls that an assistant made.
    package var toolCalls: [ToolCall] = []
    /// For a tool's turn, the id of the call that it answers; empty otherwise.
    package var toolCallId = ""

    package init(role: Role, content: [ContentPart], reasoningContent: String = "") {
        (self.role, self.content, self.reasoningContent) = (role, content, reasoningContent)
    }

    package init(role: Role, text: String) { self.init(role: role, content: [.text(text)]) }

    package init(_ fields: Fields) throws {
        role = try fields.requiredChoice("role")
        let expected = "a string or an array of parts"
        if role == .assistant {
            let content: TextOrArray<ContentPart>? = try fields.optional("content", expected)
            // Clients' histories omit the content of a turn that was a refusal or a tool call. A refusal is kept as its text.
            let refusal = try fields.text("refusal").map { [ContentPart.text($0)] } ?? []
            let parts = (content?.elements { .text($0) } ?? []) + refusal
            self.content = parts.isEmpty ? [.text("")] : parts
            let reasoning = try fields.text("reasoning")
            reasoningContent = try fields.text("reasoning_content") ?? reasoning ?? ""
            toolCalls = try fields.optional("tool_calls", "an array of calls") ?? []
        } else {
            reasoningContent = ""
            content = try fields.required("content", expected, as: TextOrArray<ContentPart>.self).elements { .text($0) }
            guard !content.isEmpty else { throw fields.invalid("content", expected: "at least one part") }
            try fields.refuse("refusal", because: "only an assistant refuses")
            fields.ignore("reasoning", "reasoning_content")
            try fields.refuse("tool_calls", because: "only an assistant calls tools")
        }
        if role == .tool { toolCallId = try fields.name("tool_call_id") }
        if role != .user, let index = self.content.firstIndex(where: { if case .text = $0 { false } else { true } }) {
            throw WireError.value(
                fields.place("content") + "[\(index)].type", expected: "\"text\" in a message of role \(role.rawValue)",
                found: "audio")
        }
        try fields.refuse("function_call", because: "`tool_calls` has taken its place")
        try fields.refuse("audio", because: "this server answers in text and keeps no spoken answers")
        // No chat template of this server reads these members, so they cannot change the answer.
        fields.ignore("name", "annotations", "reasoning_details")
    }

    /// Refuses duplicate call ids within a turn, and results of calls that nobody made.
    static func checkCalls(_ messages: [ChatMessage], at place: String) throws {
        var known: Set<String> = []
        for (index, message) in messages.enumerated() {
            let ids = message.toolCalls.map(\.id)
            if let twice = ids.indices.first(where: { ids[..<$0].contains(ids[$0]) }) {
                throw WireError.value(
                    "\(place)[\(index)].tool_calls[\(twice)].id", expected: "an id that no other call of the turn has",
                    found: WireValue.string(ids[twice]).summary + " twice")
            }
            known.formUnion(ids)
            if message.role == .tool, !known.contains(message.toolCallId) {
                throw WireError.value(
                    "\(place)[\(index)].tool_call_id", expected: "the id of a call in an assistant's turn before it",
                    found: WireValue.string(message.toolCallId).summary)
            }
        }
    }

}

/// A part of a message.
package enum ContentPart: WireObject, Equatable, Sendable {
    case text(String)
    /// A clip. `format` is the client's claim and is never trusted.
    case inputAudio(AudioReference, format: String?)
    case audioURL(String)

    private static let types = ["text", "input_audio", "audio_url"]

    package init(_ fields: Fields) throws {
        let type: String = try fields.required("type", choices(Self.types))
        switch type {
        case "text":
            self = .text(try fields.required("text", "a string"))
        case "input_audio":
            self = try .inputAudio(fields)
        case "audio_url":
            self = .audioURL(try fields.required("audio_url", "an object with a `url`", as: Link.self).url)
        case "refusal":
            // The form in which a history holds an assistant's refusal.
            self = .text(try fields.required("refusal", "a string"))
        default:
            throw fields.invalid("type", expected: choices(Self.types))
        }
        fields.ignore("prompt_cache_breakpoint", "cache_control", "annotations")
    }

    /// Reads a part of type `input_audio`, which has one form on every route that takes conversations.
    static func inputAudio(_ fields: Fields) throws -> ContentPart {
        try fields.object("input_audio", "an object with `data` and `format`, or with `file_id` or `path`") { audio in
            .inputAudio(try AudioReference(audio), format: try audio.text("format", maxLength: 32))
        }
    }

    private struct Link: Decodable {
        let url: String

        private struct Object: WireObject {
            let url: String

            init(_ fields: Fields) throws { url = try fields.required("url", "a string") }
        }

        init(from decoder: any Decoder) throws {
            url = try (try? decoder.singleValueContainer().decode(String.self)) ?? Object(from: decoder).url
        }
    }
}

/// The bytes of a clip on the wire, as base64 text or a `data:` URL. Anything else is refused.
package struct Base64: Decodable, Equatable, Sendable {
    package var bytes: Data

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        let path = pathText(decoder.codingPath)
        if DataURL.begins(text) {
            do throws(DataURLError) { bytes = try DataURL(text).bytes } catch {
                throw WireError.value(path, expected: "base64 text, or a data URL", found: error.found)
            }
            return
        }
        guard let bytes = Base64Text.bytes(text) else {
            throw WireError.value(path, expected: "base64 text, or a data URL", found: "other characters")
        }
        self.bytes = bytes
    }
}
