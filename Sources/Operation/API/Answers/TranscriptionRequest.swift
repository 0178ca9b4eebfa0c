/// The form fields beside the recording of `POST /v1/audio/transcriptions` and `…/translations`.
package struct TranscriptionRequest: WireObject, Sendable {
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

    package init(_ fields: Fields) throws {
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
    }
}
