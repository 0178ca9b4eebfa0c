package import API

/// The responses of `POST /v1/audio/transcriptions` and `…/translations`.

/// A transcript in the format `json`.
package struct TranscriptionObject: Codable, Equatable, Sendable {
    package struct Usage: Codable, Equatable, Sendable {
        package var type = "duration"
        package let seconds: Double
    }

    package let text: String
    package let usage: Usage
}

/// A transcript with its segments, in the format `verbose_json`.
package struct VerboseTranscriptionObject: Codable, Equatable, Sendable {
    package struct Segment: Codable, Equatable, Sendable {
        package let id: Int
        /// Seconds from the start of the recording.
        package let start: Double
        package let end: Double
        package let text: String
        /// The mean log-probability of its tokens.
        package let avgLogprob: Double
    }

    package let task: String
    /// The requested language, or the one that the model named.
    @Nullable package var language: String? = nil
    package let duration: Double
    package let text: String
    package let segments: [Segment]
    package let usage: TranscriptionObject.Usage
}

/// An event of a streamed transcript: `transcript.text.delta` for each piece, then `transcript.text.done`.
package struct TranscriptionEvent: Codable, Equatable, Sendable {
    package let type: String
    package let delta: String?
    package let text: String?
    package let usage: TranscriptionObject.Usage?

    static func delta(_ text: String) -> TranscriptionEvent {
        TranscriptionEvent(type: "transcript.text.delta", delta: text, text: nil, usage: nil)
    }

    static func done(_ text: String, seconds: Double) -> TranscriptionEvent {
        TranscriptionEvent(type: "transcript.text.done", delta: nil, text: text, usage: TranscriptionObject.Usage(seconds: seconds))
    }
}
