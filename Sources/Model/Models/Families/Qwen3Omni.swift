import JSON
import Weights

/// The thinker of Qwen3-Omni (2025): Qwen3-ASR's encoder with its projector inside the audio tower, a Qwen3 decoder whose layers are mixtures of
/// experts. The modules for images and for spoken answers are skipped.
///
/// A clip of fewer than 201 samples, which the reference's transform cannot reflect, is filled to 201. Rotary positions have three axes,
/// which are equal if a prompt has only text and sound.
///
/// Reference: transformers' `Qwen3OmniMoeThinkerForConditionalGeneration`.
enum Qwen3Omni: ModelFamily {
    static let models = "Qwen3-Omni 30B-A3B Instruct, Thinking, Captioner (the thinker)"
    static let licence = "Apache-2.0"
    static let longestSeconds = 2400
    static let tokensPerSecond = 13.0
    static let names = Qwen25Omni.names
    static let passedOver = ["thinker.visual", "talker", "code2wav"]

    /// QwenLM/Qwen3-Omni, `cookbooks/speech_recognition.ipynb` and `speech_translation.ipynb`.
    static let transcription = TranscriptionPrompt(
        .init("Transcribe the {language} audio into text."),
        translate: .init("Listen to the provided {language} speech and produce a translation in English text."))

    static func build(_ reader: ModelReader) throws -> ModelParts {
        // The configuration describes the thinker alone or the whole model.
        let at = reader.config.value("thinker_config") == nil ? "" : "thinker_config."
        let (config, weights) = (reader.config, reader.weights["thinker"])
        let shape = try WhisperEncoderConfiguration(config, at: at + "audio_config")
        let text = try DecoderConfiguration(
            config, at: at + "text_config",
            defaults: .init(
                vocabularySize: 3584, hiddenSize: 2048, innerSize: 18944, layers: 28, heads: 28, keyValueHeads: 4, theta: 1_000_000),
            .init(
                hasBiases: false, normalizesHeads: true, rotaryKinds: ["default", "mrope"],
                experts: .init(count: 128, chosen: 8, innerSize: 768, normalizes: true)),
            ties: try config.boolean(at + "tie_word_embeddings", default: false))
        // The processor counts 13 positions per chunk, independent of the chunk's length.
        try config.require(at + "audio_config.n_window", is: 50)
        try config.require(at + "audio_config.output_dim", is: Double(text.hiddenSize))
        let chunk = 100
        let window = try config.integer(at + "audio_config.n_window_infer", in: chunk...Claims.sizes.upperBound, default: 800)
        try requireMultiple(window, by: chunk, "n_window_infer", "2 · n_window")
        let channels = try config.integer(at + "audio_config.downsample_hidden_size", in: Claims.sizes, default: 480)
        let (tower, table, projection) = (weights["audio_tower"], reader.table(.encoder), reader.table(.projector))
        let stem = try ImageStem(tower, shape, channels: channels, chunkFrames: chunk, fillsAlone: false, table)
        let encoder = try WhisperEncoder(
            tower, shape, stem: stem,
            .init(norm: "ln_post", pooling: .none, reach: window / chunk * stem.positionCount(frames: chunk), keyBias: true), table)
        let projector = LinearProjector(layers: [
            try Linear(tower["proj1"], projection, in: shape.size, out: shape.size, bias: true),
            try Linear(tower["proj2"], projection, in: shape.size, out: text.hiddenSize, bias: true),
        ])
        let slot = try config.token(at + "audio_token_id", vocabulary: text.vocabularySize, default: 151646)
        return ModelParts(
            audio: AudioPath(
                extractor: try reader.extractor(for: shape, anyWindow: true), cutting: .clip(least: 201, seconds: longestSeconds),
                placeholder: Placeholder(slot), encoder: encoder, time: nil, projector: projector),
            decoder: try Decoder(weights["model"], head: weights["lm_head"], text, reader.table(.decoder)),
            ends: try .chatML(config, at + "text_config.eos_token_id"))
    }
}
