import Glibc
package import Tensors
package import Weights

/// The decoder of every family: a causal transformer with grouped queries and rotary positions. Each layer has a
/// configuration of its own.
///
///     x = embedding(tokens), audio embeddings in their slots
///     x = block₁ … block_N (x);  hidden = norm(x);  logits = head(hidden)
///
/// Reference: transformers' `Qwen2ForCausalLM`.
package struct Decoder: Sendable {
    package let configuration: DecoderConfiguration
    package let embedding: Embedding
    let blocks: [DecoderBlock]
    let norm: RMSNorm
    package let head: Linear
    /// The published name of the head's matrix, which a checkpoint with a tied head may lack.
    package let headName: String

    /// - Parameters:
    ///   - model: the embeddings, the layers and the norm.
    ///   - head: The output head, if it is stored.
    package init(_ model: WeightCursor, head headWeights: WeightCursor, _ configuration: DecoderConfiguration, _ table: ParameterTable) throws {
        self.configuration = configuration
        let (vocabulary, size) = (configuration.vocabularySize, configuration.hiddenSize)
        let tied = configuration.tiesEmbeddings
        embedding = Embedding(table: try table.table(model["embed_tokens"], rows: vocabulary, columns: size, isHead: tied))
        blocks = try configuration.layers.enumerated().map { index, layer in
            try DecoderBlock(model["layers"][index], layer, size: size, epsilon: configuration.normEpsilon, table)
        }
        norm = try RMSNorm(model["norm"], table, size: size, epsilon: configuration.normEpsilon)
        headName = headWeights.path + ".weight"
        if tied, try !Self.differs(headWeights, from: model["embed_tokens"], shape: embedding.table.shape) {
            head = Linear(tied: embedding.table)
        } else {
            head = try Linear(headWeights, table, in: size, out: vocabulary, bias: false, isHead: true)
        }
    }

    /// Whether a checkpoint with a tied head stores another head, which transformers then uses.
    private static func differs(_ head: WeightCursor, from embedding: WeightCursor, shape: [Int]) throws -> Bool {
        guard let stored = try head.optional("weight", shape: shape), let table = try embedding.optional("weight", shape: shape) else {
            return false
        }
        return unsafe stored.dtype != table.dtype || memcmp(stored.bytes.baseAddress!, table.bytes.baseAddress!, table.byteCount) != 0
    }

    /// Whether the head is the table of embeddings.
    package var isTied: Bool { head.weight.index == embedding.table.index }

    package var cacheShape: KeyValueShape {
        let attention = configuration.layers[0].attention
        return KeyValueShape(layers: blocks.count, heads: attention.keyValueHeads, headSize: attention.headSize)
    }

    /// The floats that a backward pass over `rows` rows keeps, approximately: per layer ten rows of the hidden size and four of the inner.
    package func activations(rows: Int) -> Int {
        configuration.layers.reduce(0) { sum, layer in
            let inner = layer.experts.map { $0.chosen * $0.innerSize } ?? layer.innerSize
            return sum + rows * (10 * configuration.hiddenSize + 4 * inner)
        }
    }

    /// Hidden states [T, hidden] after the last norm, for packed `tokens` at `positions`. Row i of `audio` takes the place of the
    /// embedding in slot `audioSlots[i]`.
    ///
    /// - Parameter wanted: The rows whose hidden states the caller needs, with a pass over them; nil for all. They are the newest rows of each cached sequence. The result
    ///   has only these, in their order. For all other rows the last layer computes only keys and values.
    package func hidden(
        tokens: [Int32], positions: [Int32], audioSlots: [Int] = [], audio: Tensor? = nil, keyValues: KeyValueSource,
        wanted: (rows: [Int], pass: Pass)? = nil, _ pass: Pass
    ) -> Tensor {
        precondition(tokens.count == positions.count, "\(tokens.count) tokens at \(positions.count) positions")
        var x = embedding(tokens, pass)
        if let audio, !audioSlots.isEmpty { x = replacingRows(x, audioSlots, with: audio, pass.tape) }
        for (layer, block) in blocks.enumerated() {
            let wanted = layer == blocks.count - 1 ? wanted : nil
            x = checkpointed(x, pass.tape) { x, tape in block(x, positions, keyValues, layer: layer, wanted: wanted, pass.with(tape)) }
        }
        return norm(x, wanted?.pass ?? pass)
    }

    /// Logits [T, vocabulary] of hidden states.
    package func logits(_ hidden: Tensor, _ pass: Pass) -> Tensor { head(hidden, pass) }
}

/// One decoder layer: attention, then a gated MLP or a mixture of experts, each on a normalised copy of the residual stream `x` [T, hidden].
///
///     h = x + attention(norm₁(x));  y = h + mlp(norm₂(h))
struct DecoderBlock: Sendable {
    let norm1: RMSNorm
    let attention: DecoderAttention
    let norm2: RMSNorm
    let mlp: any FeedForward

    init(_ weights: WeightCursor, _ layer: DecoderConfiguration.Layer, size: Int, epsilon: Float, _ table: ParameterTable) throws {
        norm1 = try RMSNorm(weights["input_layernorm"], table, size: size, epsilon: epsilon)
        attention = try DecoderAttention(weights["self_attn"], layer, size: size, epsilon: epsilon, table)
        norm2 = try RMSNorm(weights["post_attention_layernorm"], table, size: size, epsilon: epsilon)
        mlp =
            if let experts = layer.experts {
                try Experts(weights["mlp"], table, size: size, experts)
            } else {
                try SwiGLU(weights["mlp"], table, size: size, inner: layer.innerSize)
            }
    }

    func callAsFunction(
        _ x: Tensor, _ positions: [Int32], _ keyValues: KeyValueSource, layer: Int, wanted: (rows: [Int], pass: Pass)?, _ pass: Pass
    ) -> Tensor {
        let attended = attention(norm1(x, pass), positions, keyValues, layer: layer, wanted: wanted, pass)
        let (rows, pass) = wanted.map { (selectRows(x, $0.rows), $0.pass) } ?? (x, pass)
        let h = add(rows, attended, pass.tape)
        return add(h, mlp(norm2(h, pass), pass), pass.tape)
    }
}

/// Causal attention with grouped queries; the output projection has no bias.
struct DecoderAttention: Sendable {
    let query: Linear
    let key: Linear
    let value: Linear
    let output: Linear
    /// The norm of each head, before its rotation.
    let queryNorm: RMSNorm?
    let keyNorm: RMSNorm?
    let shape: AttentionShape
    let rotary: Rotary

    init(_ weights: WeightCursor, _ layer: DecoderConfiguration.Layer, size: Int, epsilon: Float, _ table: ParameterTable) throws {
        shape = layer.attention
        rotary = Rotary(frequencies: layer.frequencies)
        query = try Linear(weights["q_proj"], table, in: size, out: shape.queryColumns, bias: layer.hasBiases)
        key = try Linear(weights["k_proj"], table, in: size, out: shape.keyValueColumns, bias: layer.hasBiases)
        value = try Linear(weights["v_proj"], table, in: size, out: shape.keyValueColumns, bias: layer.hasBiases)
        output = try Linear(weights["o_proj"], table, in: shape.queryColumns, out: size, bias: false)
        let headSize = shape.headSize
        func norm(_ name: String) throws -> RMSNorm? {
            layer.normalizesHeads ? try RMSNorm(weights[name], table, size: headSize, epsilon: epsilon) : nil
        }
        queryNorm = try norm("q_norm")
        keyNorm = try norm("k_norm")
    }

    func callAsFunction(
        _ x: Tensor, _ positions: [Int32], _ keyValues: KeyValueSource, layer: Int, wanted: (rows: [Int], pass: Pass)?, _ pass: Pass
    ) -> Tensor {
        let k = turned(key(x, pass), keyNorm, positions, pass)
        let v = value(x, pass)
        if let wanted {
            let q = turned(query(selectRows(x, wanted.rows), wanted.pass), queryNorm, wanted.rows.map { positions[$0] }, wanted.pass)
            return output(keyValues.attend(q, of: wanted.rows, k, v, shape, layer: layer, nil), wanted.pass)
        }
        let q = turned(query(x, pass), queryNorm, positions, pass)
        return output(keyValues.attend(q, k, v, shape, layer: layer, pass.tape), pass)
    }
}

extension DecoderAttention {
    private func turned(_ x: Tensor, _ norm: RMSNorm?, _ positions: [Int32], _ pass: Pass) -> Tensor {
        rotary(norm.map { $0(x, pass) } ?? x, positions: positions, pass.tape)
    }
}

/// down(silu(gate(x)) · up(x))
struct SwiGLU: FeedForward {
    let gate: Linear
    let up: Linear
    let down: Linear

    init(_ weights: WeightCursor, _ table: ParameterTable, size: Int, inner: Int) throws {
        gate = try Linear(weights["gate_proj"], table, in: size, out: inner, bias: false)
        up = try Linear(weights["up_proj"], table, in: size, out: inner, bias: false)
        down = try Linear(weights["down_proj"], table, in: inner, out: size, bias: false)
    }

    func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
        down(gated(gate(x, pass), up(x, pass), pass.tape), pass)
    }
}
