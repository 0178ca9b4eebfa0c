package import JSON
package import Tensors
import Weights

/// Shapes of a decoder and of each of its layers.
package struct DecoderConfiguration: Sendable, Equatable {
    /// The configuration of one layer.
    package struct Layer: Sendable, Equatable {
        package let attention: AttentionShape
        /// Radians per position of each pair of a head's elements.
        package let frequencies: [Float]
        /// Whether queries, keys and values have biases.
        package let hasBiases: Bool
        /// Whether each head of queries and keys is normalised before its rotation.
        package let normalizesHeads: Bool
        /// Columns inside the gated MLP.
        package let innerSize: Int
        /// Nil if there is one MLP for all rows.
        package let experts: Experts?
    }

    /// A mixture of gated MLPs.
    package struct Experts: Sendable, Equatable {
        package let count: Int
        /// The number of experts per row.
        package let chosen: Int
        /// The columns inside each expert.
        package let innerSize: Int
        /// Whether the weights of a row's experts sum to one.
        package let normalizes: Bool
    }

    package let vocabularySize: Int
    package let hiddenSize: Int
    package let layers: [Layer]
    package let normEpsilon: Float
    /// The base of the rotary frequencies.
    package let theta: Double
    /// Longest sequence of tokens, prompt and answer together.
    package let maxPositions: Int
    /// Whether the head is the table of embeddings.
    package let tiesEmbeddings: Bool
}

extension DecoderConfiguration {
    /// The defaults of a configuration class. Published checkpoints omit members that equal them. These are the defaults of transformers'
    /// `Qwen2Config`.
    struct Defaults {
        var vocabularySize = 151936
        var hiddenSize = 4096
        var innerSize = 22016
        var layers = 32
        var heads = 32
        var keyValueHeads = 32
        /// Nil if the heads share the hidden size.
        var headSize: Int?
        var theta = 10_000.0
        var epsilon = 1e-6
        var maxPositions = 32768
        var tiesEmbeddings = false
    }

    /// The traits of a layer's arithmetic that no file contains.
    struct Traits {
        var hasBiases = true
        var normalizesHeads = false
        /// Kinds of rotary frequencies: unscaled ones, and "llama3".
        var rotaryKinds: Set = ["default"]
        /// The defaults of a mixture of experts; nil if layers have none.
        var experts: Experts?
    }

    package init(_ config: JSONValue, at path: String) throws { try self.init(config, at: path, defaults: Defaults()) }

    /// Reads the object at `path`, or the whole configuration if `path` is empty, for Qwen's and Llama's decoders.
    ///
    /// - Parameter ties: Whether the head is tied; nil if the object decides.
    init(
        _ config: JSONValue, at path: String, defaults: Defaults = Defaults(), _ traits: Traits = Traits(), ties: Bool? = nil
    ) throws {
        func at(_ field: String) -> String { path.isEmpty ? field : path + "." + field }
        vocabularySize = try config.integer(at("vocab_size"), in: Claims.sizes, default: defaults.vocabularySize)
        hiddenSize = try config.integer(at("hidden_size"), in: Claims.sizes, default: defaults.hiddenSize)
        let innerSize = try config.integer(at("intermediate_size"), in: Claims.sizes, default: defaults.innerSize)
        let count = try config.integer(at("num_hidden_layers"), in: Claims.layers, default: defaults.layers)
        let heads = try config.integer(at("num_attention_heads"), in: Claims.sizes, default: defaults.heads)
        let keyValueHeads = try config.integer(at("num_key_value_heads"), in: Claims.sizes, default: defaults.keyValueHeads)
        let headSize = try config.integer(at("head_dim"), in: 1...256, default: defaults.headSize ?? hiddenSize / heads)
        normEpsilon = Float(try config.number(at("rms_norm_eps"), in: 0...1, default: defaults.epsilon))
        maxPositions = try config.integer(at("max_position_embeddings"), in: Claims.sizes, default: defaults.maxPositions)
        tiesEmbeddings =
            try ties
            ?? config.boolean(
                at("tie_word_embeddings"), default: config.boolean("tie_word_embeddings", default: defaults.tiesEmbeddings))
        try config.require(at("hidden_act"), is: "silu")
        try config.require(at("use_sliding_window"), is: false)
        try config.require(at("use_mrope"), is: false)
        try config.require(at("mlp_bias"), is: false)
        if !traits.hasBiases { try config.require(at("attention_bias"), is: false) }
        for type in try config.strings(at("layer_types"), default: []) where type != "full_attention" {
            throw ModelError("config.json: \(at("layer_types")) has \"\(type)\"; only \"full_attention\" is supported")
        }
        theta = try Self.theta(config, path.isEmpty ? "" : path + ".", default: defaults.theta, kinds: traits.rotaryKinds)
        try requireMultiple(heads, by: keyValueHeads, "num_attention_heads", "num_key_value_heads")
        if headSize % 8 != 0 {
            throw ModelError("config.json: heads of \(headSize); supported are multiples of 8 up to 256")
        }
        let layer = Layer(
            attention: AttentionShape(heads: heads, keyValueHeads: keyValueHeads, headSize: headSize),
            frequencies: try Rotary.frequencies(headSize: headSize, theta: theta, config, at: path), hasBiases: traits.hasBiases,
            normalizesHeads: traits.normalizesHeads, innerSize: innerSize,
            experts: try traits.experts.map { try Experts(config, at, defaults: $0) })
        layers = Array(repeating: layer, count: count)
    }

    /// The base of the rotary frequencies.
    ///
    /// transformers reads `rope_scaling`, the older member, instead of `rope_parameters`; either names its kind `rope_type` or, before that,
    /// `type`, and may contain `rope_theta`, which then takes precedence over the outer one.
    private static func theta(_ config: JSONValue, _ prefix: String, default fallback: Double, kinds: Set<String>) throws -> Double {
        let beside = try config.number(prefix + "rope_theta", in: Claims.thetas, default: fallback)
        var theta = beside
        try config.require(prefix + "partial_rotary_factor", is: 1)
        for member in [prefix + "rope_parameters", prefix + "rope_scaling"] {
            let settings = try config.object(member, default: [:])
            if let nested = settings.keys.first(where: { if case .object? = settings[$0] { true } else { false } }) {
                throw ModelError("config.json: \(member) has settings of its own for \(nested); only one for all layers is supported")
            }
            for field in [member + ".rope_type", member + ".type"] {
                let kind = try config.string(field, default: "default")
                guard !kinds.contains(kind) else { continue }
                let names = kinds.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
                throw ModelError("config.json: \(field) is \"\(kind)\"; only \(names) \(kinds.count == 1 ? "is" : "are") supported")
            }
            try config.require(member + ".partial_rotary_factor", is: 1)
            if !settings.keys.isEmpty { theta = try config.number(member + ".rope_theta", in: Claims.thetas, default: beside) }
        }
        return theta
    }
}

extension DecoderConfiguration.Experts {
    /// Reads the experts, which every layer has.
    fileprivate init(_ config: JSONValue, _ at: (String) -> String, defaults: Self) throws {
        count = try config.integer(at("num_experts"), in: 1...Claims.experts, default: defaults.count)
        chosen = try config.integer(at("num_experts_per_tok"), in: 1...count, default: min(defaults.chosen, count))
        innerSize = try config.integer(at("moe_intermediate_size"), in: Claims.sizes, default: defaults.innerSize)
        normalizes = try config.boolean(at("norm_topk_prob"), default: defaults.normalizes)
        try config.require(at("decoder_sparse_step"), is: 1)
        if let dense = config.value(at("mlp_only_layers")), dense != .null, dense != .array([]) {
            throw ModelError("config.json: \(at("mlp_only_layers")) is \(dense.summary); only experts in every layer are supported")
        }
    }
}
