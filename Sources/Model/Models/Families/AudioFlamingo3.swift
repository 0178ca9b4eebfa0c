import Weights

/// Audio Flamingo 3 (Goel et al., 2025): Qwen2-Audio's encoder over windows of a long clip, a projector of two layers, a Qwen2 decoder.
///
/// Reference: transformers' `AudioFlamingo3ForConditionalGeneration`, whose processor cuts a clip that is too long; cord refuses it.
enum AudioFlamingo3: ModelFamily {
    static let models = "Audio Flamingo 3 (audio-flamingo-3-hf)"
    static let licence = "NVIDIA OneWay, non-commercial"
    static let longestSeconds = 600
    static let tokensPerSecond = 25.0
    static let names = Qwen2Audio.names

    /// transformers' `AudioFlamingo3Processor.apply_transcription_request`, and `strip_prefix` of its decoding.
    static let transcription = TranscriptionPrompt(
        .init("Transcribe the input speech."), place: .beforeClip,
        reading: .quoted(after: [
            "The spoken content of the audio is", "The transcription of the audio is", "The content of the input audio is",
        ]))

    static func build(_ reader: ModelReader) throws -> ModelParts {
        try build(reader, longest: longestSeconds, placeholder: { slot, _ in Placeholder(slot) }, time: { _ in nil })
    }

    /// - Parameters:
    ///   - longest: The seconds of the longest clip, if the processor's file does not have them.
    ///   - placeholder: Makes the placeholder from the slot's token and the size of the vocabulary.
    ///   - time: Makes the rotation of the encoder's rows from its shapes.
    static func build(
        _ reader: ModelReader, longest: Int, placeholder: (_ slot: Int32, _ vocabulary: Int) throws -> Placeholder,
        time: (WhisperEncoderConfiguration) throws -> TimeRotary?
    ) throws -> ModelParts {
        let (config, weights) = (reader.config, reader.weights)
        let shape = try WhisperEncoderConfiguration(config, at: "audio_config")
        let text = try DecoderConfiguration(config, at: "text_config")
        let encoder = try WhisperEncoder(weights["audio_tower"], whisper: shape, reader.table(.encoder))
        let projector = try LinearProjector(
            weights["multi_modal_projector"], config, from: shape.size, to: text.hiddenSize, reader.table(.projector))
        let decoder = try Decoder(
            weights["language_model.model"], head: weights["language_model.lm_head"], text, reader.table(.decoder))
        let extractor = try reader.extractor(for: shape)
        let slot = try config.token("audio_token_id", vocabulary: text.vocabularySize, default: 151669)
        return ModelParts(
            audio: AudioPath(
                extractor: extractor, cutting: .windows(try reader.windows(of: extractor, longest: longest)),
                placeholder: try placeholder(slot, text.vocabularySize), encoder: encoder, time: try time(shape), projector: projector),
            decoder: decoder, ends: try .chatML(config, "text_config.eos_token_id"))
    }
}
