/// The form fields beside the recording of `POST /v1/audio/transcriptions` and `…/translations`.
package struct TranscriptionRequest: Decodable, Sendable {
    package enum Format: String, CaseIterable, Sendable {
        case json, text, srt, vtt
        case verbose = "verbose_json"
    }

    package let model: String?
    /// An ISO 639-1 code, as in `en`.
    package let language: String?
    /// Names and terms that may occur in the recording.
    package let prompt: String?
    package let format: Format
    package let temperature: Double
    package let stream: Bool

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        model = try fields.model()
        language = try fields.text("language", maxLength: 16)
        prompt = try fields.text("prompt", maxLength: 4096)
        format = try fields.choice("response_format") ?? .json
        temperature = try fields.number("temperature", in: 0...2) ?? 0
        stream = try fields.flag("stream") ?? false
        if stream, format != .json, format != .text {
            throw fields.invalid("stream", expected: "false with response_format \(format.rawValue), which is written when all is heard")
        }
        // `verbose_json` always has segments; their times come from the pauses at which the recording is cut.
        if let granularity = try fields.text("timestamp_granularities[]"), granularity != "segment" {
            throw fields.invalid("timestamp_granularities[]", expected: "\"segment\": times of words are not known")
        }
        try fields.refuse("include[]", because: "log-probabilities of transcripts are not given")
        fields.ignore("chunking_strategy")
        fields.ignoreBookkeeping()
        try fields.end()
    }
}

/// A transcript in the format `json`.
package struct TranscriptionObject: Codable, Equatable, Sendable {
    package struct Usage: Codable, Equatable, Sendable {
        package let type: String
        package let seconds: Double

        package init(seconds: Double) { (type, self.seconds) = ("duration", seconds) }
    }

    package let text: String
    package let usage: Usage

    package init(text: String, seconds: Double) { (self.text, usage) = (text, Usage(seconds: seconds)) }
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

        package init(id: Int, start: Double, end: Double, text: String, certainty: Double) {
            (self.id, self.start, self.end, self.text, avgLogprob) = (id, start, end, text, certainty)
        }
    }

    package let task: String
    /// The requested language, or the one that the model named.
    @Nullable package var language: String?
    package let duration: Double
    package let text: String
    package let segments: [Segment]
    package let usage: TranscriptionObject.Usage

    package init(task: String, language: String?, duration: Double, text: String, segments: [Segment]) {
        (self.task, self.duration, self.text, self.segments) = (task, duration, text, segments)
        usage = TranscriptionObject.Usage(seconds: duration)
        self.language = language
    }
}

/// An event of a streamed transcript: `transcript.text.delta` for each piece, then `transcript.text.done`.
package struct TranscriptionEvent: Codable, Equatable, Sendable {
    package let type: String
    package let delta: String?
    package let text: String?
    package let usage: TranscriptionObject.Usage?

    package static func delta(_ text: String) -> TranscriptionEvent {
        TranscriptionEvent(type: "transcript.text.delta", delta: text, text: nil, usage: nil)
    }

    package static func done(_ text: String, seconds: Double) -> TranscriptionEvent {
        TranscriptionEvent(type: "transcript.text.done", delta: nil, text: text, usage: TranscriptionObject.Usage(seconds: seconds))
    }
}
