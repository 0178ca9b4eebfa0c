package import Audio
package import JSON

/// One turn of a conversation: the speaker, and text and clips in order.
///
/// `Sound` is the state of its clips: as submitted by a client, as named by a training row, or decoded.
package struct Message<Sound: Sendable>: Sendable {
    package enum Part: Sendable {
        case text(String)
        case audio(Sound)
    }

    package let role: String
    package let parts: [Part]
    /// The assistant's reasoning before its answer, for chat templates that read it.
    package let reasoning: String?
    /// The function calls that an assistant made.
    package let calls: [ToolCall]
    /// For the role `tool`: the id of the call that it answers.
    package let callID: String?

    package init(role: String, parts: [Part], reasoning: String? = nil, calls: [ToolCall] = [], callID: String? = nil) {
        self.role = role
        self.parts = parts
        self.reasoning = reasoning
        self.calls = calls
        self.callID = callID
    }

    package init(role: String, _ text: String) { self.init(role: role, parts: [.text(text)]) }

    /// All its texts, concatenated.
    package var text: String { parts.map { if case .text(let text) = $0 { text } else { "" } }.joined() }

    package var sounds: [Sound] { parts.compactMap { if case .audio(let sound) = $0 { sound } else { nil } } }

    /// The message with each of its clips converted, in order.
    package func map<Next>(_ step: (Sound) throws -> Next) rethrows -> Message<Next> {
        Message<Next>(
            role: role,
            parts: try parts.map { part in
                switch part {
                case .text(let text): .text(text)
                case .audio(let sound): .audio(try step(sound))
                }
            }, reasoning: reasoning, calls: calls, callID: callID)
    }
}

/// A function call of an assistant.
package struct ToolCall: Sendable, Equatable {
    package let id: String
    package let name: String
    /// A JSON object.
    package let arguments: JSONValue

    package init(id: String, name: String, arguments: JSONValue) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// A message as the model reads it.
package typealias HeardMessage = Message<AudioClip>
