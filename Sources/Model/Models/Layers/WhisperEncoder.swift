package import JSON
import Tensors
package import Weights

/// Shapes of an audio encoder in Whisper's style.
package struct WhisperEncoderConfiguration: Sendable, Equatable {
    package let mels: Int
    package let size: Int
    package let layers: Int
    package let heads: Int
    package let innerSize: Int
    /// The positions of a whole window, two log-mel frames each, if they are stored.
    package let maxPositions: Int

    /// The defaults of a configuration class.
    struct Defaults {
        var size = 1280
        var layers = 32
        var heads = 20
        var innerSize = 5120
        var mels = 128
    }

    package init(_ config: JSONValue, at path: String) throws { try self.init(config, at: path, defaults: Defaults()) }

    /// Reads the object at `path`. Fields have the names of transformers' Whisper configuration, those that transformers gives to all encoders,
    /// or OpenAI's.
    init(_ config: JSONValue, at path: String, defaults: Defaults) throws {
        func size(_ names: String..., in range: ClosedRange<Int> = Claims.sizes, default fallback: Int) throws -> Int {
            let name = names.first { config.value(path + "." + $0) != nil } ?? names[0]
            return try config.integer(path + "." + name, in: range, default: fallback)
        }
        mels = try size("num_mel_bins", "n_mels", default: defaults.mels)
        self.size = try size("d_model", "hidden_size", "n_audio_state", default: defaults.size)
        layers = try size("encoder_layers", "num_hidden_layers", "n_audio_layer", in: Claims.layers, default: defaults.layers)
        heads = try size("encoder_attention_heads", "num_attention_heads", "n_audio_head", default: defaults.heads)
        innerSize = try size("encoder_ffn_dim", "intermediate_size", default: defaults.innerSize)
        maxPositions = try size("max_source_positions", "n_audio_ctx", default: 1500)
        try config.require(path + ".activation_function", is: "gelu")
        try config.require(path + ".scale_embedding", is: false)
        try requireMultiple(self.size, by: heads, "d_model", "encoder_attention_heads")
    }
}

/// An audio encoder in Whisper's style.
///
///     log-mel → stem → N blocks → (averaged pairs) → norm
///
/// Reference: transformers' `Qwen2AudioEncoder`.
package struct WhisperEncoder: Sendable {
    /// The names of its modules in checkpoints.
    struct Names {
        var positions = "embed_positions"
        var blocks = "layers"
        var norm1 = "self_attn_layer_norm"
        var (query, key, value, output) = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj")
        var norm2 = "final_layer_norm"
        var (fc1, fc2) = ("fc1", "fc2")

        /// The names in OpenAI's code.
        static let openAI = Names(
            positions: "positional_embedding", blocks: "blocks", norm1: "attn_ln", query: "attn.query", key: "attn.key", value: "attn.value",
            output: "attn.out", norm2: "mlp_ln", fc1: "mlp.0", fc2: "mlp.2")
    }

    /// The reduction of neighbouring positions after the blocks.
    enum Pooling: Sendable {
        case none
        /// Each pair is averaged before the norm. A single last position is dropped.
        case averagedPairs
        /// This many positions are concatenated in one row, after the norm. Zeros fill the last row.
        case stacked(Int)
    }

    /// The layers after the blocks, and the positions that the blocks attend to.
    struct Options {
        var names = Names()
        /// The norm's module.
        var norm = "layer_norm"
        var pooling = Pooling.averagedPairs
        /// The number of consecutive positions that attend to each other; nil for the whole segment.
        var reach: Int?
        /// Whether they also attend to all positions before them.
        var seesEarlier = false
        /// Whether keys have a bias.
        var keyBias = false
    }

    let configuration: WhisperEncoderConfiguration
    private let options: Options
    private let stem: any AudioStem
    private let blocks: [WhisperBlock]
    private let norm: LayerNorm

    init(
        _ weights: WeightCursor, _ configuration: WhisperEncoderConfiguration, stem: any AudioStem, _ options: Options,
        _ table: ParameterTable
    ) throws {
        self.configuration = configuration
        self.options = options
        self.stem = stem
        blocks = try (0..<configuration.layers).map {
            try WhisperBlock(weights[options.names.blocks][$0], configuration, options, table)
        }
        norm = try LayerNorm(weights[options.norm], table, size: configuration.size)
    }

    /// The encoder of Qwen2-Audio and similar families: Whisper's, with averaged pairs of positions.
    package init(_ weights: WeightCursor, whisper configuration: WhisperEncoderConfiguration, _ table: ParameterTable) throws {
        try self.init(weights, configuration, stem: WhisperStem(weights, configuration, table), Options(), table)
    }

    /// The number of positions of a segment with `frames` log-mel frames.
    func positionCount(frames: Int) -> Int { stem.positionCount(frames: frames) }

    /// The number of the encoder's rows for a segment with `frames` log-mel frames.
    func rowCount(frames: Int) -> Int {
        let count = positionCount(frames: frames)
        switch options.pooling {
        case .none: return count
        case .averagedPairs: return count / 2
        case .stacked(let number): return (count + number - 1) / number
        }
    }

    /// The columns of its rows.
    var columns: Int {
        if case .stacked(let number) = options.pooling { number * configuration.size } else { configuration.size }
    }

    /// Log-mel frames needed to encode a segment of `valid` frames.
    func featureFrames(valid: Int) -> Int { stem.featureFrames(valid: valid) }

    /// The log-mel frames of a window with `valid` frames of sound, including the zeros after them that its rows see.
    func filledFrames(valid: Int) -> Int {
        guard case .stacked(let number) = options.pooling else { return featureFrames(valid: valid) }
        return min(2 * number * rowCount(frames: valid) + 1, windowFrames)
    }

    /// The log-mel frames of the longest segment.
    var windowFrames: Int { 2 * configuration.maxPositions }

    /// The floats that a backward pass over `frames` log-mel frames keeps, approximately.
    func activations(frames: Int) -> Int {
        frames / 2 * configuration.layers * (10 * configuration.size + 3 * configuration.innerSize)
    }

    /// Encodes segments, each with ``featureFrames(valid:)`` rows of log-mel, or ``filledFrames(valid:)`` in a filled window, to [Σ rowCount, size], one after the other. Each segment attends
    /// only to itself; `versions` has its weights.
    func callAsFunction(
        _ segments: [AudioSegment], versions: [WeightVersion?], arithmetic: Arithmetic, dropout: Dropout?, _ tape: Tape?
    ) -> (Tensor, Pass) {
        var parts: [Tensor] = []
        var attention: [PackedSegment] = []
        var runs: [Pass.Run] = []
        for (number, (segment, version)) in zip(segments, versions).enumerated() {
            precondition(
                segment.logMel.rows >= featureFrames(valid: segment.validFrames),
                "encoder: \(segment.logMel.rows) log-mel frames for \(segment.validFrames) valid ones")
            let pass = Pass(
                version: version, rows: segment.logMel.rows, arithmetic: arithmetic, tape: tape, dropout: dropout?.part(number))
            let x = stem(segment, pass)
            let start = runs.last?.rows.upperBound ?? 0
            runs.append(Pass.Run(rows: start..<start + x.rows, version: version))
            let (reach, seen) = (options.reach ?? x.rows, start + stem.visibleCount(frames: segment.validFrames))
            attention += stride(from: start, to: start + x.rows, by: reach).map { first in
                let last = min(first + reach, start + x.rows)
                let start = options.seesEarlier ? start : first
                return PackedSegment(queries: first..<last, keys: [start..<min(last, seen)], causal: false)
            }
            parts.append(x)
        }
        var x = concatenated(parts, tape)
        let pass = Pass(segments: runs, arithmetic: arithmetic, tape: tape, dropout: dropout)
        for block in blocks {
            x = checkpointed(x, tape) { x, tape in block(x, attention, pass.with(tape)) }
        }
        switch options.pooling {
        case .none: return (norm(x, pass), pass)
        case .averagedPairs:
            let (pooled, rowPass) = pass.bySegment(x, runs) { rows, _ in averagedPairs(rows, tape) }
            return (norm(pooled, rowPass), rowPass)
        case .stacked(let number):
            return pass.bySegment(norm(x, pass), runs) { rows, _ in
                let missing = (number - rows.rows % number) % number
                let filled = missing == 0 ? rows : concatenated([rows, Tensor(zeros: missing, rows.columns)], tape)
                return windows(filled, width: number, stride: number, padding: 0, tape)
            }
        }
    }
}

/// One encoder layer: h = x + attention(norm₁(x));  y = h + fc₂(gelu(fc₁(norm₂(h))))
private struct WhisperBlock: Sendable {
    let norm1: LayerNorm
    let query: Linear
    let key: Linear
    let value: Linear
    let output: Linear
    let norm2: LayerNorm
    let fc1: Linear
    let fc2: Linear
    let shape: AttentionShape

    init(_ weights: WeightCursor, _ configuration: WhisperEncoderConfiguration, _ options: WhisperEncoder.Options, _ table: ParameterTable) throws {
        let (size, names) = (configuration.size, options.names)
        shape = AttentionShape(
            heads: configuration.heads, keyValueHeads: configuration.heads, headSize: size / configuration.heads)
        norm1 = try LayerNorm(weights[names.norm1], table, size: size)
        query = try Linear(weights[names.query], table, in: size, out: size, bias: true)
        key = try Linear(weights[names.key], table, in: size, out: size, bias: options.keyBias)
        value = try Linear(weights[names.value], table, in: size, out: size, bias: true)
        output = try Linear(weights[names.output], table, in: size, out: size, bias: true)
        norm2 = try LayerNorm(weights[names.norm2], table, size: size)
        fc1 = try Linear(weights[names.fc1], table, in: size, out: configuration.innerSize, bias: true)
        fc2 = try Linear(weights[names.fc2], table, in: configuration.innerSize, out: size, bias: true)
    }

    func callAsFunction(_ x: Tensor, _ spans: [PackedSegment], _ pass: Pass) -> Tensor {
        let n = norm1(x, pass)
        let attended = attention(query(n, pass), key(n, pass), value(n, pass), shape, spans, pass.tape)
        let h = add(x, output(attended, pass), pass.tape)
        return add(h, fc2(gelu(fc1(norm2(h, pass), pass), pass.tape), pass), pass.tape)
    }
}
