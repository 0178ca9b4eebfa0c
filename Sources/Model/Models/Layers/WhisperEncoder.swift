import JSON
import Tensors
import Weights

/// Shapes of an audio encoder in Whisper's style.
package struct WhisperEncoderConfiguration: Sendable, Equatable {
    package let mels: Int
    package let size: Int
    package let layers: Int
    package let heads: Int
    package let innerSize: Int
    /// Positions of a whole window, two log-mel frames each, where they are stored.
    package let maxPositions: Int

    /// What a configuration class has where a file says nothing.
    struct Defaults {
        var size = 1280
        var layers = 32
        var heads = 20
        var innerSize = 5120
    }

    /// Reads the object at `path`. Fields have the names of Whisper's configuration or those that transformers gives to all encoders.
    init(_ config: JSONValue, at path: String, defaults: Defaults = Defaults()) throws {
        func size(_ names: String..., in range: ClosedRange<Int> = Claims.sizes, default fallback: Int) throws -> Int {
            let name = names.first { config.value(path + "." + $0) != nil } ?? names[0]
            return try config.integer(path + "." + name, in: range, default: fallback)
        }
        mels = try size("num_mel_bins", default: 128)
        self.size = try size("d_model", "hidden_size", default: defaults.size)
        layers = try size("encoder_layers", "num_hidden_layers", in: Claims.layers, default: defaults.layers)
        heads = try size("encoder_attention_heads", "num_attention_heads", default: defaults.heads)
        innerSize = try size("encoder_ffn_dim", "intermediate_size", default: defaults.innerSize)
        maxPositions = try size("max_source_positions", default: 1500)
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
struct WhisperEncoder: Sendable {
    /// What follows the blocks, and which positions they see.
    struct Options {
        /// The norm's module.
        var norm = "layer_norm"
        /// Whether neighbouring positions are averaged.
        var averagesPairs = true
        /// Consecutive positions that attend to one another; nil for all of a segment.
        var reach: Int?
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
            try WhisperBlock(weights["layers"][$0], configuration, keyBias: options.keyBias, table)
        }
        norm = try LayerNorm(weights[options.norm], table, size: configuration.size)
    }

    /// The encoder that Qwen2-Audio and its kin have: Whisper's, with pairs of its positions averaged.
    init(_ weights: WeightCursor, whisper configuration: WhisperEncoderConfiguration, _ table: ParameterTable) throws {
        try self.init(weights, configuration, stem: WhisperStem(weights, configuration, table), Options(), table)
    }

    /// Positions of a segment with `frames` log-mel frames.
    func positionCount(frames: Int) -> Int { stem.positionCount(frames: frames) }

    /// Rows that the encoder makes of a segment with `frames` log-mel frames.
    func rowCount(frames: Int) -> Int { options.averagesPairs ? positionCount(frames: frames) / 2 : positionCount(frames: frames) }

    /// Log-mel frames needed to encode a segment of `valid` frames.
    func featureFrames(valid: Int) -> Int { stem.featureFrames(valid: valid) }

    /// Floats that a backward pass over `frames` log-mel frames keeps, roughly.
    func activations(frames: Int) -> Int {
        frames / 2 * configuration.layers * (10 * configuration.size + 3 * configuration.innerSize)
    }

    /// Encodes segments, each with ``featureFrames(valid:)`` rows of log-mel, to [Σ rowCount, size], one after the other. Each attends
    /// to itself alone; `versions` names its weights.
    func callAsFunction(
        _ segments: [AudioSegment], versions: [WeightVersion?], arithmetic: Arithmetic, _ tape: Tape?
    ) -> (Tensor, Pass) {
        var parts: [Tensor] = []
        var spans: [Int] = []
        var runs: [Pass.Run] = []
        for (segment, version) in zip(segments, versions) {
            precondition(
                segment.logMel.rows == featureFrames(valid: segment.validFrames),
                "encoder: \(segment.logMel.rows) log-mel frames for \(segment.validFrames) valid ones")
            let pass = Pass(version: version, rows: segment.logMel.rows, arithmetic: arithmetic, tape: tape)
            let x = stem(segment, pass)
            let start = runs.last?.rows.upperBound ?? 0
            runs.append(Pass.Run(rows: start..<start + x.rows, version: version))
            let reach = options.reach ?? x.rows
            spans += stride(from: 0, to: x.rows, by: reach).map { min(reach, x.rows - $0) }
            parts.append(x)
        }
        let attention = PackedSegment.sequences(spans, causal: false)
        var x = concatenated(parts, tape)
        let pass = Pass(runs: Self.merged(runs), arithmetic: arithmetic, tape: tape)
        for block in blocks {
            x = checkpointed(x, tape) { x, tape in block(x, attention, pass.with(tape)) }
        }
        guard options.averagesPairs else { return (norm(x, pass), pass) }
        return averaged(x, runs, arithmetic: arithmetic, tape)
    }

    private func averaged(_ x: Tensor, _ runs: [Pass.Run], arithmetic: Arithmetic, _ tape: Tape?) -> (Tensor, Pass) {
        var pooledRuns: [Pass.Run] = []
        let parts = runs.map { run in
            let start = pooledRuns.last?.rows.upperBound ?? 0
            pooledRuns.append(Pass.Run(rows: start..<start + run.rows.count / 2, version: run.version))
            return averagedPairs(runs.count == 1 ? x : selectRows(x, Array(run.rows), tape), tape)
        }
        let pass = Pass(runs: Self.merged(pooledRuns), arithmetic: arithmetic, tape: tape)
        return (norm(concatenated(parts, tape), pass), pass)
    }

    /// Neighbouring runs of one version joined.
    private static func merged(_ runs: [Pass.Run]) -> [Pass.Run] {
        var result: [Pass.Run] = []
        for run in runs {
            if let last = result.last, last.version === run.version {
                result[result.count - 1] = Pass.Run(rows: last.rows.lowerBound..<run.rows.upperBound, version: run.version)
            } else {
                result.append(run)
            }
        }
        return result
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

    init(_ weights: WeightCursor, _ configuration: WhisperEncoderConfiguration, keyBias: Bool, _ table: ParameterTable) throws {
        let size = configuration.size
        shape = AttentionShape(
            heads: configuration.heads, keyValueHeads: configuration.heads, headSize: size / configuration.heads)
        norm1 = try LayerNorm(weights["self_attn_layer_norm"], table, size: size)
        let attention = weights["self_attn"]
        query = try Linear(attention["q_proj"], table, in: size, out: size, bias: true)
        key = try Linear(attention["k_proj"], table, in: size, out: size, bias: keyBias)
        value = try Linear(attention["v_proj"], table, in: size, out: size, bias: true)
        output = try Linear(attention["out_proj"], table, in: size, out: size, bias: true)
        norm2 = try LayerNorm(weights["final_layer_norm"], table, size: size)
        fc1 = try Linear(weights["fc1"], table, in: size, out: configuration.innerSize, bias: true)
        fc2 = try Linear(weights["fc2"], table, in: configuration.innerSize, out: size, bias: true)
    }

    func callAsFunction(_ x: Tensor, _ spans: [PackedSegment], _ pass: Pass) -> Tensor {
        let n = norm1(x, pass)
        let attended = attention(query(n, pass), key(n, pass), value(n, pass), shape, spans, pass.tape)
        let h = add(x, output(attended, pass), pass.tape)
        return add(h, fc2(gelu(fc1(norm2(h, pass), pass), pass.tape), pass), pass.tape)
    }
}
