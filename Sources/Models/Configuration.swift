package import JSON
package import Tensors
import Weights

/// A model directory that cannot be served: what was read, what was expected and what was found.
package struct ModelError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// `config.json` of a Qwen2-Audio checkpoint. Absent fields have the defaults of transformers' configuration classes: published
/// checkpoints leave out what equals them.
package struct Qwen2AudioConfiguration: Sendable, Equatable {
    package let audio: WhisperEncoderConfiguration
    package let text: Qwen2Configuration
    /// The placeholder token that audio embeddings replace.
    package let audioToken: Int32

    package init(_ config: JSONValue) throws {
        audio = try WhisperEncoderConfiguration(config)
        text = try Qwen2Configuration(config)
        let tokens = 0...text.vocabularySize - 1
        audioToken = Int32(
            try config.value("audio_token_index") == nil
                ? config.integer("audio_token_id", in: tokens, default: 151646) : config.integer("audio_token_index", in: tokens))
    }
}

/// Sizes that a checkpoint may claim. Products of two stay far within an integer; whether there are so many weights, the tensors tell.
private let sizes = 1...1 << 24
private let layerCounts = 1...4096
private let thetas = 1...1e15

/// Shapes of the audio encoder (`Qwen2AudioEncoderConfig`).
package struct WhisperEncoderConfiguration: Sendable, Equatable {
    package let mels: Int
    package let size: Int
    package let layers: Int
    package let heads: Int
    package let innerSize: Int
    /// Positions of the whole window, two log-mel frames each.
    package let maxPositions: Int

    init(_ config: JSONValue) throws {
        mels = try config.integer("audio_config.num_mel_bins", in: sizes, default: 128)
        size = try config.integer("audio_config.d_model", in: sizes, default: 1280)
        layers = try config.integer("audio_config.encoder_layers", in: layerCounts, default: 32)
        heads = try config.integer("audio_config.encoder_attention_heads", in: sizes, default: 20)
        innerSize = try config.integer("audio_config.encoder_ffn_dim", in: sizes, default: 5120)
        maxPositions = try config.integer("audio_config.max_source_positions", in: sizes, default: 1500)
        try config.require("audio_config.activation_function", is: "gelu")
        try config.require("audio_config.scale_embedding", is: false)
        try requireMultiple(size, by: heads, "d_model", "encoder_attention_heads")
    }
}

/// Shapes of the decoder (`Qwen2Config`).
package struct Qwen2Configuration: Sendable, Equatable {
    package let vocabularySize: Int
    package let hiddenSize: Int
    package let intermediateSize: Int
    package let layers: Int
    package let heads: Int
    package let keyValueHeads: Int
    package let headSize: Int
    package let normEpsilon: Float
    package let ropeTheta: Double
    package let maxPositions: Int
    package let tiesEmbeddings: Bool

    init(_ config: JSONValue) throws {
        vocabularySize = try config.integer("text_config.vocab_size", in: sizes, default: 151936)
        hiddenSize = try config.integer("text_config.hidden_size", in: sizes, default: 4096)
        intermediateSize = try config.integer("text_config.intermediate_size", in: sizes, default: 22016)
        layers = try config.integer("text_config.num_hidden_layers", in: layerCounts, default: 32)
        heads = try config.integer("text_config.num_attention_heads", in: sizes, default: 32)
        keyValueHeads = try config.integer("text_config.num_key_value_heads", in: sizes, default: 32)
        headSize = try config.integer("text_config.head_dim", in: 1...256, default: hiddenSize / heads)
        normEpsilon = Float(try config.number("text_config.rms_norm_eps", in: 0...1, default: 1e-6))
        maxPositions = try config.integer("text_config.max_position_embeddings", in: sizes, default: 32768)
        tiesEmbeddings = try config.boolean("text_config.tie_word_embeddings", default: try config.boolean("tie_word_embeddings", default: false))
        try config.require("text_config.hidden_act", is: "silu")
        try config.require("text_config.use_sliding_window", is: false)
        try config.require("text_config.use_mrope", is: false)
        for type in try config.strings("text_config.layer_types", default: []) where type != "full_attention" {
            throw ModelError("config.json: text_config.layer_types has \"\(type)\"; only \"full_attention\" is supported")
        }
        ropeTheta = try Self.ropeTheta(config)
        try requireMultiple(heads, by: keyValueHeads, "num_attention_heads", "num_key_value_heads")
        if headSize % 8 != 0 {
            throw ModelError("config.json: heads of \(headSize); supported are multiples of 8 up to 256")
        }
    }

    /// The base of the rotary frequencies, which stand unscaled.
    ///
    /// transformers reads `rope_scaling`, the older member, instead of `rope_parameters`; either names its kind `rope_type` or, before that,
    /// `type`, and may hold `rope_theta`, which then goes before the one beside it.
    private static func ropeTheta(_ config: JSONValue) throws -> Double {
        let beside = try config.number("text_config.rope_theta", in: thetas, default: 10_000)
        var theta = beside
        try config.require("text_config.partial_rotary_factor", is: 1)
        for member in ["text_config.rope_parameters", "text_config.rope_scaling"] {
            let settings = try config.object(member, default: [:])
            if let nested = settings.keys.first(where: { if case .object? = settings[$0] { true } else { false } }) {
                throw ModelError("config.json: \(member) has settings of its own for \(nested); only one for all layers is supported")
            }
            try config.require(member + ".rope_type", is: "default")
            try config.require(member + ".type", is: "default")
            try config.require(member + ".partial_rotary_factor", is: 1)
            if !settings.keys.isEmpty { theta = try config.number(member + ".rope_theta", in: thetas, default: beside) }
        }
        return theta
    }

    package var attention: AttentionShape {
        AttentionShape(heads: heads, keyValueHeads: keyValueHeads, headSize: headSize)
    }

    var rotary: Rotary { Rotary(headSize: headSize, theta: ropeTheta) }
}

extension JSONValue {
    /// Refuses a field whose value is not implemented; an absent field has the value expected.
    fileprivate func require(_ path: String, is expected: String) throws {
        let found = try string(path, default: expected)
        if found != expected { throw ModelError("config.json: \(path) is \"\(found)\"; only \"\(expected)\" is supported") }
    }

    fileprivate func require(_ path: String, is expected: Double) throws {
        let found = try number(path, default: expected)
        if found != expected { throw ModelError("config.json: \(path) is \(found); only \(expected) is supported") }
    }

    fileprivate func require(_ path: String, is expected: Bool) throws {
        if try boolean(path, default: expected) != expected {
            throw ModelError("config.json: \(path) is \(!expected); only \(expected) is supported")
        }
    }
}

private func requireMultiple(_ a: Int, by b: Int, _ nameA: String, _ nameB: String) throws {
    if b <= 0 || a <= 0 || a % b != 0 {
        throw ModelError("config.json: \(nameA) \(a) is not a positive multiple of \(nameB) \(b)")
    }
}
