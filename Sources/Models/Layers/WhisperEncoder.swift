import Tensors
import Weights

/// Shapes of an audio encoder in Whisper's style.
package struct WhisperEncoderConfiguration: Sendable, Equatable {
    package let mels: Int
    package let size: Int
    package let layers: Int
    package let heads: Int
    package let innerSize: Int
    /// Positions of a whole segment, two log-mel frames each.
    package let maxPositions: Int

    /// Reads the object at `path`. Fields have the names of Whisper's configuration or those that transformers gives to all encoders;
    /// absent ones have the defaults that all families share.
    init(_ config: JSONValue, at path: String) throws {
        func size(_ names: String..., in range: ClosedRange<Int> = Claims.sizes, default fallback: Int) throws -> Int {
            let name = names.first { config.value(path + "." + $0) != nil } ?? names[0]
            return try config.integer(path + "." + name, in: range, default: fallback)
        }
        mels = try size("num_mel_bins", default: 128)
        self.size = try size("d_model", "hidden_size", default: 1280)
        layers = try size("encoder_layers", "num_hidden_layers", in: Claims.layers, default: 32)
        heads = try size("encoder_attention_heads", "num_attention_heads", default: 20)
        innerSize = try size("encoder_ffn_dim", "intermediate_size", default: 5120)
        maxPositions = try size("max_source_positions", default: 1500)
        try config.require(path + ".activation_function", is: "gelu")
        try config.require(path + ".scale_embedding", is: false)
        try requireMultiple(self.size, by: heads, "d_model", "encoder_attention_heads")
    }
}

/// The audio encoder of Qwen2-Audio and its kin: Whisper's, with pairs of its positions averaged at the end.
///
///     log-mel [F, mels] → conv(3) gelu → conv(3, stride 2) gelu → + positions → N blocks → averaged pairs → norm
///
/// Only the frames that the audio has are computed. transformers pads each segment to the whole window and masks the padding in the
/// attention, so the numbers are the same; the convolutions look at most two frames past the end of the sound, which is why
/// ``featureFrames(valid:)`` asks for them.
///
/// Reference: transformers' `Qwen2AudioEncoder`.
package struct WhisperEncoder: Sendable {
    package let configuration: WhisperEncoderConfiguration
    private let convolution1: Convolution
    private let convolution2: Convolution
    private let positions: Parameter
    private let blocks: [WhisperBlock]
    private let norm: LayerNorm

    init(_ weights: WeightCursor, _ configuration: WhisperEncoderConfiguration, _ table: ParameterTable) throws {
        self.configuration = configuration
        let size = configuration.size
        convolution1 = try Convolution(weights["conv1"], table, in: configuration.mels, out: size, stride: 1)
        convolution2 = try Convolution(weights["conv2"], table, in: size, out: size, stride: 2)
        positions = try table.table(
            weights["embed_positions"], rows: configuration.maxPositions, columns: size, isHead: false)
        blocks = try (0..<configuration.layers).map { try WhisperBlock(weights["layers"]["\($0)"], configuration, table) }
        norm = try LayerNorm(weights["layer_norm"], table, size: size)
    }

    /// Encoder positions of a segment with `frames` log-mel frames.
    package func positionCount(frames: Int) -> Int { frames <= 0 ? 0 : (frames - 1) / 2 + 1 }

    /// Rows that the encoder makes of a segment with `frames` log-mel frames.
    package func rowCount(frames: Int) -> Int { positionCount(frames: frames) / 2 }

    /// Log-mel frames needed to encode a segment of `valid` frames: its own and up to two of the silence that follows it.
    package func featureFrames(valid: Int) -> Int {
        min(2 * positionCount(frames: valid) + 1, 2 * configuration.maxPositions)
    }

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
        var lengths: [Int] = []
        var runs: [Pass.Run] = []
        for (segment, version) in zip(segments, versions) {
            let count = positionCount(frames: segment.validFrames)
            precondition(
                segment.logMel.rows == featureFrames(valid: segment.validFrames) && count <= configuration.maxPositions,
                "encoder: \(segment.logMel.rows) log-mel frames for \(segment.validFrames) valid ones")
            let pass = Pass(version: version, rows: segment.logMel.rows, arithmetic: arithmetic, tape: tape)
            var x = gelu(convolution1(segment.logMel, pass), tape)
            x = gelu(convolution2(x, pass), tape)
            x = selectRows(x, Array(0..<count), tape)
            let table = version?.replacements[positions.index]
            let places = table.map { selectRows($0, Array(0..<count), tape) }
                ?? embeddingRows(positions.stored, Array(0..<count))
            parts.append(add(x, places, tape))
            let start = runs.last?.rows.upperBound ?? 0
            runs.append(Pass.Run(rows: start..<start + count, version: version))
            lengths.append(count)
        }
        let spans = PackedSegment.sequences(lengths, causal: false)
        var x = concatenated(parts, tape)
        let pass = Pass(runs: Self.merged(runs), arithmetic: arithmetic, tape: tape)
        for block in blocks {
            x = checkpointed(x, tape) { x, tape in block(x, spans, pass.with(tape)) }
        }
        return pooled(x, runs, arithmetic: arithmetic, tape)
    }

    private func pooled(
        _ x: Tensor, _ runs: [Pass.Run], arithmetic: Arithmetic, _ tape: Tape?
    ) -> (Tensor, Pass) {
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

/// A convolution of width 3 over time.
private struct Convolution: Sendable {
    let weight: Parameter
    let bias: Parameter
    let stride: Int

    init(_ weights: WeightCursor, _ table: ParameterTable, in channels: Int, out: Int, stride: Int) throws {
        weight = try table.convolution(weights, out: out, in: channels, width: 3)
        bias = try table.vector(weights, "bias", size: out)
        self.stride = stride
    }

    func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
        let version = pass.runs[0].version
        let frames = windows(x, width: 3, stride: stride, padding: 1, pass.tape)
        let bias = version.vector(bias)
        if let replacement = version?.replacements[weight.index] {
            return linear(frames, replacement, bias: bias, pass.tape)
        }
        return linear(frames, weight.stored, bias: bias, arithmetic: pass.arithmetic, pass.tape)
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

    init(_ weights: WeightCursor, _ configuration: WhisperEncoderConfiguration, _ table: ParameterTable) throws {
        let size = configuration.size
        shape = AttentionShape(
            heads: configuration.heads, keyValueHeads: configuration.heads, headSize: size / configuration.heads)
        norm1 = try LayerNorm(weights["self_attn_layer_norm"], table, size: size)
        let attention = weights["self_attn"]
        query = try Linear(attention["q_proj"], table, in: size, out: size, bias: true)
        key = try Linear(attention["k_proj"], table, in: size, out: size, bias: false)
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
