package import Tensors
import Weights

/// Shapes of a decoder and of each of its layers.
package struct DecoderConfiguration: Sendable, Equatable {
    /// What one layer is.
    package struct Layer: Sendable, Equatable {
        package let attention: AttentionShape
        /// Radians per position of each pair of a head's elements.
        package let frequencies: [Float]
        /// Whether queries, keys and values have biases.
        package let hasBiases: Bool
        /// Columns inside the gated MLP.
        package let innerSize: Int
    }

    package let vocabularySize: Int
    package let hiddenSize: Int
    package let layers: [Layer]
    package let normEpsilon: Float
    /// Longest sequence of tokens, prompt and answer together.
    package let maxPositions: Int
    /// Whether the head is the table of embeddings.
    package let tiesEmbeddings: Bool
}

extension DecoderConfiguration {
    /// Reads the object at `path`, of transformers' `Qwen2Config`. Absent fields have its defaults: published checkpoints leave out what
    /// equals them.
    init(qwen2 config: JSONValue, at path: String, tiesAt outer: String = "tie_word_embeddings") throws {
        func at(_ field: String) -> String { path + "." + field }
        vocabularySize = try config.integer(at("vocab_size"), in: Claims.sizes, default: 151936)
        hiddenSize = try config.integer(at("hidden_size"), in: Claims.sizes, default: 4096)
        let innerSize = try config.integer(at("intermediate_size"), in: Claims.sizes, default: 22016)
        let count = try config.integer(at("num_hidden_layers"), in: Claims.layers, default: 32)
        let heads = try config.integer(at("num_attention_heads"), in: Claims.sizes, default: 32)
        let keyValueHeads = try config.integer(at("num_key_value_heads"), in: Claims.sizes, default: 32)
        let headSize = try config.integer(at("head_dim"), in: 1...256, default: hiddenSize / heads)
        normEpsilon = Float(try config.number(at("rms_norm_eps"), in: 0...1, default: 1e-6))
        maxPositions = try config.integer(at("max_position_embeddings"), in: Claims.sizes, default: 32768)
        tiesEmbeddings = try config.boolean(at("tie_word_embeddings"), default: try config.boolean(outer, default: false))
        try config.require(at("hidden_act"), is: "silu")
        try config.require(at("use_sliding_window"), is: false)
        try config.require(at("use_mrope"), is: false)
        for type in try config.strings(at("layer_types"), default: []) where type != "full_attention" {
            throw ModelError("config.json: \(at("layer_types")) has \"\(type)\"; only \"full_attention\" is supported")
        }
        let theta = try Self.theta(config, path)
        try requireMultiple(heads, by: keyValueHeads, "num_attention_heads", "num_key_value_heads")
        if headSize % 8 != 0 {
            throw ModelError("config.json: heads of \(headSize); supported are multiples of 8 up to 256")
        }
        let layer = Layer(
            attention: AttentionShape(heads: heads, keyValueHeads: keyValueHeads, headSize: headSize),
            frequencies: Rotary.frequencies(headSize: headSize, theta: theta), hasBiases: true, innerSize: innerSize)
        layers = Array(repeating: layer, count: count)
    }

    /// The base of the rotary frequencies, which stand unscaled.
    ///
    /// transformers reads `rope_scaling`, the older member, instead of `rope_parameters`; either names its kind `rope_type` or, before that,
    /// `type`, and may hold `rope_theta`, which then goes before the one beside it.
    private static func theta(_ config: JSONValue, _ path: String) throws -> Double {
        let beside = try config.number(path + ".rope_theta", in: Claims.thetas, default: 10_000)
        var theta = beside
        try config.require(path + ".partial_rotary_factor", is: 1)
        for member in [path + ".rope_parameters", path + ".rope_scaling"] {
            let settings = try config.object(member, default: [:])
            if let nested = settings.keys.first(where: { if case .object? = settings[$0] { true } else { false } }) {
                throw ModelError("config.json: \(member) has settings of its own for \(nested); only one for all layers is supported")
            }
            try config.require(member + ".rope_type", is: "default")
            try config.require(member + ".type", is: "default")
            try config.require(member + ".partial_rotary_factor", is: 1)
            if !settings.keys.isEmpty { theta = try config.number(member + ".rope_theta", in: Claims.thetas, default: beside) }
        }
        return theta
    }
}
