package import JSON
import Weights

/// Qwen2-Audio (Chu et al., 2024): an audio encoder, a linear projector and a Qwen2 decoder.
///
/// Reference: transformers' `Qwen2AudioForConditionalGeneration`.
enum Qwen2Audio: ModelFamily {
    static let models = "Qwen2-Audio 7B, 7B Instruct; cord-nano"
    static let licence = "Apache-2.0"
    static let longestSeconds = 30
    static let tokensPerSecond = 25.0

    /// The published checkpoints have the module names of transformers 4.
    static let names = ModuleNames([
        ["language_model.model", "model.language_model"],
        ["language_model.lm_head", "lm_head"],
        ["audio_tower", "model.audio_tower"],
        ["multi_modal_projector", "model.multi_modal_projector"],
    ])

    /// QwenLM/Qwen2-Audio, `eval_audio`. The language tags there belong to the base model, not to the chat model.
    static let transcription = TranscriptionPrompt(
        .init("Detect the language and recognize the speech:"),
        translate: .init("Detect the language and translate the speech into English:"))

    static func build(_ reader: ModelReader) throws -> ModelParts {
        let (weights, configuration) = (reader.weights, try Qwen2AudioConfiguration(reader.config))
        let encoder = try WhisperEncoder(weights["audio_tower"], whisper: configuration.audio, reader.table(.encoder))
        let projector = try Linear(
            weights["multi_modal_projector.linear"], reader.table(.projector), in: configuration.audio.size,
            out: configuration.text.hiddenSize, bias: true)
        return ModelParts(
            audio: AudioPath(
                extractor: try reader.extractor(for: configuration.audio), cutting: .windows(1),
                placeholder: Placeholder(configuration.audioToken), encoder: encoder, projector: projector),
            decoder: try Decoder(
                weights["language_model.model"], head: weights["language_model.lm_head"], configuration.text, reader.table(.decoder)),
            ends: try .chatML(reader.config, "text_config.eos_token_id"))
    }
}

/// `config.json` of a Qwen2-Audio checkpoint.
package struct Qwen2AudioConfiguration: Sendable, Equatable {
    package let audio: WhisperEncoderConfiguration
    package let text: DecoderConfiguration
    package let audioToken: Int32

    package init(_ config: JSONValue) throws {
        audio = try WhisperEncoderConfiguration(config, at: "audio_config")
        text = try DecoderConfiguration(config, at: "text_config")
        audioToken = try config.token("audio_token_index", "audio_token_id", vocabulary: text.vocabularySize, default: 151646)
    }
}
