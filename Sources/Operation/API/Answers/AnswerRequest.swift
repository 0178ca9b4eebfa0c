/// The request of `POST /v1/answers`, as JSON or as form fields: a typed or spoken question, and how to answer it.
package struct AnswerRequest: Codable, Equatable, Sendable {
    /// The typed question, or the words that go with the audio.
    package var text: String?
    /// An instruction placed before the question, as a system message.
    package var system: String?
    package var model: String?
    package var sampling: SamplingFields
    package var stream = false
    /// A spoken question in a JSON body; a form sends it as a file instead.
    package var audio: Base64?

    package init(system: String?, model: String?, sampling: SamplingFields) { (self.system, self.model, self.sampling) = (system, model, sampling) }

    /// Forms may call `text` by the name `prompt`.
    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        let prompt = try fields.text("prompt")
        text = try fields.text("text")
        if let prompt {
            guard text == nil else {
                throw fields.invalid("prompt", expected: "nothing beside `text`, which is the same")
            }
            text = prompt
        }
        system = try fields.text("system")
        model = try fields.model()
        sampling = try SamplingFields(fields)
        stream = try fields.flag("stream") ?? false
        let clip: Clip? = try fields.optional("audio", "base64 text, a data URL, or an object with `data`")
        audio = clip?.data
        fields.ignoreBookkeeping()
        try fields.end()
    }

    /// A clip as a string, or as the object that `input_audio` and pairs use.
    private struct Clip: Decodable {
        let data: Base64

        init(from decoder: any Decoder) throws {
            if (try? decoder.singleValueContainer().decode(String.self)) != nil {
                data = try Base64(from: decoder)
                return
            }
            let fields = try Fields(decoder)
            data = try fields.required("data", "base64 text, or a data URL")
            _ = try fields.text("format", maxLength: 32)
            try fields.end()
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(text, forKey: .text)
        try container.encodeIfPresent(system, forKey: .system)
        try container.encodeIfPresent(model, forKey: .model)
        try sampling.encode(to: encoder)
        if stream { try container.encode(stream, forKey: .stream) }
        try container.encodeIfPresent(audio, forKey: .audio)
    }

    private enum CodingKeys: String, CodingKey { case text, system, model, stream, audio }
}
