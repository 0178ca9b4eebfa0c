/// The request of `POST /v1/answers`, as JSON or as form fields: a typed or spoken question, and how to answer it.
package struct AnswerRequest: WireObject, Encodable, Equatable, Sendable {
    /// The typed question, or the words that go with the audio.
    package var text: String?
    /// An instruction placed before the question, as a system message.
    package var system: String?
    package var model: String?
    package var sampling: SamplingFields
    package var stream = false
    /// A spoken question in a JSON body; a form sends it as a file instead.
    package var audio: AudioReference?

    package init(system: String?, model: String?, sampling: SamplingFields) { (self.system, self.model, self.sampling) = (system, model, sampling) }

    /// Forms may call `text` by the name `prompt`.
    package init(_ fields: Fields) throws {
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
        let clip: Clip? = try fields.optional("audio", "base64 text, a data URL, or an object with `data`, `file_id` or `path`")
        audio = clip?.reference
        fields.ignoreBookkeeping()
    }

    /// Takes what another request says where this one says nothing.
    package mutating func fill(from other: AnswerRequest) {
        (text, system, model) = (text ?? other.text, system ?? other.system, model ?? other.model)
        sampling.fill(from: other.sampling)
        stream = stream || other.stream
    }

    /// A clip as a string, or as the object that `input_audio` and pairs use.
    private struct Clip: Decodable {
        let reference: AudioReference

        init(from decoder: any Decoder) throws {
            let isText = (try? decoder.singleValueContainer().decode(String.self)) != nil
            reference = isText ? .data(try Base64(from: decoder).bytes) : try AudioReference(from: decoder)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(text, forKey: .text)
        try container.encodeIfPresent(system, forKey: .system)
        try container.encodeIfPresent(model, forKey: .model)
        try container.encode(stream, forKey: .stream)
        try container.encodeIfPresent(audio, forKey: .audio)
        try sampling.encode(to: encoder)
    }

    private enum CodingKeys: String, CodingKey { case text, system, model, stream, audio }
}
