import JSON
import Weights

/// The thinker of Qwen2.5-Omni (Xu et al., 2025): an encoder that takes a clip in chunks of two seconds, a linear projector that lies in
/// the audio tower, a Qwen2 decoder. The modules for images and for spoken answers are skipped.
///
/// Its rotary positions have three axes, which are equal if a prompt has only text and sound.
///
/// Reference: transformers' `Qwen2_5OmniThinkerForConditionalGeneration`.
enum Qwen25Omni: ModelFamily {
    static let models = "Qwen2.5-Omni 3B, 7B (the thinker)"
    static let licence = "7B Apache-2.0, 3B Qwen Research, non-commercial"
    static let longestSeconds = 300
    static let tokensPerSecond = 25.0

    static let names = ModuleNames([
        ["thinker.model", "model", "model.language_model"],
        ["thinker.lm_head", "lm_head", "lm_head"],
        ["thinker.audio_tower", "audio_tower", "model.audio_tower"],
        ["thinker.visual", "visual", "model.visual"],
    ])

    static let passedOver = ["thinker.visual", "talker", "token2wav", "thinker.audio_tower.audio_bos_eos_token"]

    /// QwenLM/Qwen2.5-Omni, `cookbooks/universal_audio_understanding.ipynb`.
    static let transcription = TranscriptionPrompt(
        .init(
            "Transcribe the {language} audio into text without any punctuation marks.", system: "You are a speech recognition model."),
        translate: .init(
            "Listen to the provided {language} speech and produce a translation in English text.",
            system: "You are a speech translation model."))

    /// In positions. The table of positions is computed and not read, so that no tensor bounds its size.
    private static let longestChunk = 4096

    static func build(_ reader: ModelReader) throws -> ModelParts {
        // The configuration describes the thinker alone or the whole model.
        let at = reader.config.value("thinker_config") == nil ? "" : "thinker_config."
        let (config, weights) = (reader.config, reader.weights["thinker"])
        let shape = try WhisperEncoderConfiguration(config, at: at + "audio_config")
        let text = try DecoderConfiguration(
            config, at: at + "text_config",
            defaults: .init(
                vocabularySize: 152064, hiddenSize: 3584, innerSize: 18944, layers: 28, heads: 28, keyValueHeads: 4, theta: 1_000_000),
            .init(rotaryKinds: ["default", "mrope"]), ties: try config.boolean(at + "tie_word_embeddings", default: false))
        let chunk = 2 * (try config.integer(at + "audio_config.n_window", in: 1...min(shape.maxPositions, longestChunk), default: 100))
        let (tower, table) = (weights["audio_tower"], reader.table(.encoder))
        let encoder = try WhisperEncoder(
            tower, shape, stem: try ChunkedStem(tower, shape, chunkFrames: chunk, table),
            .init(norm: "ln_post", reach: chunk / 2), table)
        let projector = try Linear(tower["proj"], reader.table(.projector), in: shape.size, out: text.hiddenSize, bias: true)
        let slot = try config.token(
            at + "audio_token_index", at + "audio_token_id", vocabulary: text.vocabularySize, default: 151646)
        return ModelParts(
            audio: AudioPath(
                extractor: try reader.extractor(for: shape, anyWindow: true), cutting: .windows(1), placeholder: Placeholder(slot),
                encoder: encoder, projector: projector),
            decoder: try Decoder(weights["model"], head: weights["lm_head"], text, reader.table(.decoder)),
            ends: try .chatML(config, at + "text_config.eos_token_id"))
    }
}
