import Weights

/// Music Flamingo and Audio Flamingo Next (2025, 2026): Audio Flamingo 3, except that the encoder's rows are rotated by their time in the clip and
/// the processor adds tokens around a clip's slots.
///
/// Reference: transformers' `MusicFlamingoForConditionalGeneration`.
enum MusicFlamingo: ModelFamily {
    static let models = "Music Flamingo (music-flamingo-2601-hf), Audio Flamingo Next (audio-flamingo-next-hf)"
    static let licence = "NVIDIA OneWay, non-commercial"
    static let longestSeconds = 1200
    static let tokensPerSecond = 25.0
    static let names = AudioFlamingo3.names

    /// The prompt of Audio Flamingo 3.
    static let transcription = AudioFlamingo3.transcription

    static func build(_ reader: ModelReader) throws -> ModelParts {
        let config = reader.config
        return try AudioFlamingo3.build(
            reader, longest: longestSeconds,
            placeholder: { slot, vocabulary in
                Placeholder(
                    slot, opening: try config.token("audio_bos_token_id", vocabulary: vocabulary, default: 151670),
                    closing: try config.token("audio_eos_token_id", vocabulary: vocabulary, default: 151671))
            },
            time: { try TimeRotary(config, columns: $0.size, windowRows: $0.maxPositions / 2) })
    }
}
