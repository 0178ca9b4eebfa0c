import Glibc
package import Tensors
import Weights

/// The Qwen2 decoder: a causal transformer with grouped queries, biases on queries, keys and values, and rotary positions.
///
///     x = embedding(tokens), audio embeddings in their slots
///     x = block₁ … block_N (x);  hidden = norm(x);  logits = head(hidden)
///
/// Reference: transformers' `Qwen2ForCausalLM`.
package struct Qwen2Decoder: Sendable {
    package let configuration: Qwen2Configuration
    let embedding: Embedding
    let blocks: [Qwen2Block]
    let norm: RMSNorm
    package let head: Linear

    /// `weights` stands at the causal language model (with `model` and, untied, `lm_head` below it).
    init(_ weights: WeightCursor, _ configuration: Qwen2Configuration, _ table: ParameterTable) throws {
        self.configuration = configuration
        let model = weights["model"]
        let tied = configuration.tiesEmbeddings
        embedding = Embedding(
            table: try table.table(
                model["embed_tokens"], rows: configuration.vocabularySize, columns: configuration.hiddenSize, isHead: tied))
        blocks = try (0..<configuration.layers).map {
            try Qwen2Block(model["layers"]["\($0)"], configuration, table)
        }
        norm = try RMSNorm(model["norm"], table, size: configuration.hiddenSize, epsilon: configuration.normEpsilon)
        if tied, try !Self.hasOwnHead(weights, equalTo: embedding.table) {
            head = Linear(tied: embedding.table)
        } else {
            head = try Linear(
                weights["lm_head"], table, in: configuration.hiddenSize, out: configuration.vocabularySize, bias: false)
        }
    }

    /// Whether a checkpoint that ties its head stores one all the same that differs from the embedding: transformers then uses it.
    private static func hasOwnHead(_ weights: WeightCursor, equalTo embedding: Parameter) throws -> Bool {
        guard let stored = try weights["lm_head"].optional("weight", shape: embedding.shape),
            let table = try weights["model.embed_tokens"].optional("weight", shape: embedding.shape)
        else { return false }
        return unsafe stored.dtype != table.dtype || memcmp(stored.bytes.baseAddress!, table.bytes.baseAddress!, table.byteCount) != 0
    }

    package var cacheShape: KeyValueShape {
        KeyValueShape(layers: blocks.count, columns: configuration.attention.keyValueColumns)
    }

    /// Hidden states [T, hidden] after the last norm, for packed `tokens` at `positions`. Row i of `audio` takes the place of the
    /// embedding in slot `audioSlots[i]`.
    ///
    /// - Parameter wanted: the only rows that anyone reads, each the newest of its cached sequence, with a pass over them: hidden states
    ///   of these alone, in their order. Of the others the last layer computes keys and values alone.
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

/// One decoder layer: attention, then a gated MLP, each on a normalised copy of the residual stream `x` [T, hidden].
///
///     h = x + attention(norm₁(x));  y = h + mlp(norm₂(h))
struct Qwen2Block: Sendable {
    let norm1: RMSNorm
    let attention: Qwen2Attention
    let norm2: RMSNorm
    let mlp: SwiGLU

    init(_ weights: WeightCursor, _ configuration: Qwen2Configuration, _ table: ParameterTable) throws {
        let (size, epsilon) = (configuration.hiddenSize, configuration.normEpsilon)
        norm1 = try RMSNorm(weights["input_layernorm"], table, size: size, epsilon: epsilon)
        attention = try Qwen2Attention(weights["self_attn"], configuration, table)
        norm2 = try RMSNorm(weights["post_attention_layernorm"], table, size: size, epsilon: epsilon)
        mlp = try SwiGLU(weights["mlp"], table, size: size, inner: configuration.intermediateSize)
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

/// Causal attention with grouped queries; only the output projection has no bias.
struct Qwen2Attention: Sendable {
    let query: Linear
    let key: Linear
    let value: Linear
    let output: Linear
    let shape: AttentionShape
    let rotary: Rotary

    init(_ weights: WeightCursor, _ configuration: Qwen2Configuration, _ table: ParameterTable) throws {
        shape = configuration.attention
        rotary = configuration.rotary
        let size = configuration.hiddenSize
        query = try Linear(weights["q_proj"], table, in: size, out: shape.queryColumns, bias: true)
        key = try Linear(weights["k_proj"], table, in: size, out: shape.keyValueColumns, bias: true)
        value = try Linear(weights["v_proj"], table, in: size, out: shape.keyValueColumns, bias: true)
        output = try Linear(weights["o_proj"], table, in: shape.queryColumns, out: size, bias: false)
    }

    func callAsFunction(
        _ x: Tensor, _ positions: [Int32], _ keyValues: KeyValueSource, layer: Int, wanted: (rows: [Int], pass: Pass)?, _ pass: Pass
    ) -> Tensor {
        let k = rotary(key(x, pass), positions: positions, pass.tape)
        let v = value(x, pass)
        if let wanted {
            let q = rotary(query(selectRows(x, wanted.rows), wanted.pass), positions: wanted.rows.map { positions[$0] }, nil)
            return output(keyValues.attend(q, of: wanted.rows, k, v, shape, layer: layer, nil), wanted.pass)
        }
        let q = rotary(query(x, pass), positions: positions, pass.tape)
        return output(keyValues.attend(q, k, v, shape, layer: layer, pass.tape), pass)
    }
}

/// down(silu(gate(x)) · up(x))
struct SwiGLU: Sendable {
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
