import JSON
import Weights

/// Qwen3-ASR (2026): an encoder over chunks of one second as images, a projector of two layers, a Qwen3 decoder.
///
/// The reference's extractor pads the clips of a batch to the longest before their log-mel. Here each clip is computed alone.
///
/// Reference: transformers' `Qwen3ASRForConditionalGeneration`.
enum Qwen3ASR: ModelFamily {
    static let models = "Qwen3-ASR 0.6B, 1.7B (-hf)"
    static let licence = "Apache-2.0"
    static let longestSeconds = 1200
    static let tokensPerSecond = 13.0

    static let names = ModuleNames([
        ["model.language_model"], ["lm_head"], ["model.audio_tower"], ["model.multi_modal_projector"],
    ])

    /// transformers' `Qwen3ASRProcessor.apply_transcription_request`: the clip alone; terms in the system turn.
    static let transcription = TranscriptionPrompt(.init(""), takesContext: true, reading: .tagged("<asr_text>"))

    static func build(_ reader: ModelReader) throws -> ModelParts {
        let (config, weights) = (reader.config, reader.weights["model"])
        let shape = try WhisperEncoderConfiguration(
            config, at: "audio_config", defaults: .init(size: 1024, layers: 24, heads: 16, innerSize: 4096))
        let text = try DecoderConfiguration(
            config, at: "text_config",
            defaults: .init(
                hiddenSize: 2048, innerSize: 6144, layers: 28, heads: 16, keyValueHeads: 8, headSize: 128, maxPositions: 65536,
                tiesEmbeddings: true),
            .init(hasBiases: false, normalizesHeads: true))
        // The processor counts 13 positions per chunk, independent of the chunk's length.
        try config.require("audio_config.n_window", is: 50)
        let chunk = 100
        let window = try config.integer("audio_config.n_window_infer", in: chunk...Claims.sizes.upperBound, default: 800)
        try requireMultiple(window, by: chunk, "n_window_infer", "2 · n_window")
        let channels = try config.integer("audio_config.downsample_hidden_size", in: Claims.sizes, default: 480)
        let (tower, table) = (weights["audio_tower"], reader.table(.encoder))
        let stem = try ImageStem(tower, shape, channels: channels, chunkFrames: chunk, table)
        let encoder = try WhisperEncoder(
            tower, shape, stem: stem,
            .init(norm: "ln_post", pooling: .none, reach: window / chunk * stem.positionCount(frames: chunk), keyBias: true), table)
        let projector = weights["multi_modal_projector"]
        let projection = reader.table(.projector)
        let slot = try config.token("audio_token_id", vocabulary: text.vocabularySize, default: 151676)
        return ModelParts(
            audio: AudioPath(
                extractor: try reader.extractor(for: shape, type: "Qwen3ASRFeatureExtractor", anyWindow: true),
                cutting: .clip(least: try reader.feature("min_length", in: 0...1 << 20, default: 8000), seconds: longestSeconds),
                placeholder: Placeholder(slot), encoder: encoder, time: nil,
                projector: LinearProjector(layers: [
                    try Linear(projector["linear_1"], projection, in: shape.size, out: shape.size, bias: true),
                    try Linear(projector["linear_2"], projection, in: shape.size, out: text.hiddenSize, bias: true),
                ])),
            decoder: try Decoder(weights["language_model"], head: reader.weights["lm_head"], text, reader.table(.decoder)),
            ends: try .chatML(config, "eos_token_id", "text_config.eos_token_id"))
    }
}
