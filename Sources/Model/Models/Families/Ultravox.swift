import Audio
import JSON
import Weights

/// Ultravox (Fixie, 2024–2025): Whisper's encoder, a gated projector over eight rows at a time, and a decoder of Llama 3 or Qwen3 whose
/// tokenizer has no audio tokens. A checkpoint may name its encoder and decoder instead of containing them; their adapters are merged.
///
/// A clip is filled to whole frames, scaled by one maximum and cut into windows of the encoder's length. The last of several windows is filled
/// with zeros, which the rows at the sound's end see; a clip of one window is not filled. The reference fills shorter clips of a prompt to
/// the longest; cord computes each clip alone. The reference does not bound the length of a clip; cord does. Releases before 0.5 count whole frames,
/// ⌊n/160⌋; the newest code, which cord follows, has ⌈n/160⌉.
///
/// Reference: `ultravox_model.py`, `ultravox_processing.py` and `ultravox_config.py` of fixie-ai/ultravox and of the checkpoints.
enum Ultravox: ModelFamily {
    static let models = "Ultravox 0.3 to 0.6 over Llama 3.x and Qwen3"
    static let licence = "MIT, with that of the base"
    static let longestSeconds = 1200
    static let tokensPerSecond = 6.25
    static let reference = "PyTorch after the checkpoints' own Python"

    /// The checkpoints' own Python code uses the stored module names.
    static let names = ModuleNames([["language_model"], ["audio_tower"], ["multi_modal_projector"]])
    static let passedOver = ["audio_model_id"]

    static let parts = [
        CheckpointPart(
            name: "audio_model_id", config: "audio_config", adapter: "audio_model_lora_config", module: "audio_tower",
            prefixes: ["model.encoder", "encoder"], files: ["preprocessor_config.json"]),
        CheckpointPart(
            name: "text_model_id", config: "text_config", adapter: "text_model_lora_config", module: "language_model",
            files: [
                "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "chat_template.json", "generation_config.json",
                "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
            ]),
    ]

    /// ultravox/data/datasets.py, for transcription only.
    static let transcription = TranscriptionPrompt(.init("Transcribe"), place: .beforeClip)

    static let soundInText: String? = "<|audio|>"

    static func build(_ reader: ModelReader) throws -> ModelParts {
        let (config, weights) = (reader.config, reader.weights)
        let shape = try WhisperEncoderConfiguration(
            config, at: "audio_config", defaults: .init(size: 384, layers: 4, heads: 6, innerSize: 1536, mels: 80))
        let text = try decoder(config)
        let stack = try config.integer("stack_factor", in: 1...1024, default: 8)
        let latency = try config.value("audio_latency_block_size").map { _ in
            try config.integer("audio_latency_block_size", in: 1...2 * shape.maxPositions)
        }
        let (tower, table) = (weights["audio_tower"], reader.table(.encoder))
        let encoder = try WhisperEncoder(
            tower, shape, stem: WhisperStem(tower, shape, beyond: .nothing, table),
            .init(pooling: .stacked(stack), reach: latency, seesEarlier: true), table)
        try config.require("projector_act", is: "swiglu")
        let projector = try GatedProjector(
            weights["multi_modal_projector"], from: encoder.columns, inner: config.integer("hidden_size", in: Claims.sizes, default: 4096),
            to: text.hiddenSize, normalizesInside: config.boolean("projector_ln_mid", default: false), reader.table(.projector))
        // The tokenizer's end-of-text token fills the slots.
        let end = try reader.special("eos_token", vocabulary: text.vocabularySize)
        return ModelParts(
            audio: AudioPath(
                extractor: LogMelExtractor(try reader.features(for: shape)), cutting: .cutFrames(seconds: longestSeconds),
                placeholder: Placeholder(end.id), encoder: encoder, time: nil, projector: projector),
            decoder: try Decoder(
                weights["language_model.model"], head: weights["language_model.lm_head"], text, reader.table(.decoder)),
            ends: EndTokens(
                turn: end.spelling, others: ["<|eot_id|>", "<|end_of_text|>", "<|eom_id|>", "<|im_end|>", "<|endoftext|>"],
                ids: try config.tokens("text_config.eos_token_id")))
    }

    private static func decoder(_ config: JSONValue) throws -> DecoderConfiguration {
        let type = try config.string("text_config.model_type", default: "llama")
        switch type {
        case "llama":
            let heads = try config.integer("text_config.num_attention_heads", in: Claims.sizes, default: 32)
            return try DecoderConfiguration(
                config, at: "text_config",
                defaults: .init(vocabularySize: 32000, innerSize: 11008, keyValueHeads: heads, maxPositions: 2048),
                .init(hasBiases: false, rotaryKinds: ["default", "llama3", "factors"]))
        case "qwen3":
            return try DecoderConfiguration(
                config, at: "text_config", defaults: .init(headSize: 128), .init(hasBiases: false, normalizesHeads: true))
        default: throw ModelError("config.json: text_config.model_type is \"\(type)\"; decoders served here are llama and qwen3")
        }
    }
}
