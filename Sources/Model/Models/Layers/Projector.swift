import JSON
import Tensors
import Weights

/// The layers from the encoder's rows to the decoder's width.
protocol Projector: Sendable {
    /// The number of embeddings of a segment with `frames` log-mel frames and `rows` rows of the encoder.
    func rowCount(frames: Int, rows: Int) -> Int

    /// - Parameters:
    ///   - x: the rows of all segments, one segment after the other.
    ///   - frames: valid log-mel frames of each segment.
    ///   - segments: the rows of each, and its weights.
    func callAsFunction(_ x: Tensor, frames: [Int], segments: [Pass.Run], _ pass: Pass) -> Tensor
}

/// Linear layers with GELU between them, row by row.
struct LinearProjector: Projector {
    let layers: [Linear]

    init(layers: [Linear]) { self.layers = layers }

    /// Two layers, as in several families. `config` may turn their biases off.
    init(_ weights: WeightCursor, _ config: JSONValue, from columns: Int, to size: Int, _ table: ParameterTable) throws {
        try config.require("projector_hidden_act", is: "gelu")
        let bias = try config.boolean("projector_bias", default: true)
        layers = [
            try Linear(weights["linear_1"], table, in: columns, out: size, bias: bias),
            try Linear(weights["linear_2"], table, in: size, out: size, bias: bias),
        ]
    }

    func rowCount(frames: Int, rows: Int) -> Int { rows }

    func callAsFunction(_ x: Tensor, frames: [Int], segments: [Pass.Run], _ pass: Pass) -> Tensor {
        layers.dropFirst().reduce(layers[0](x, pass)) { y, layer in layer(gelu(y, pass.tape), pass) }
    }
}

/// Step-Audio 2's projector: a convolution with stride 2 over each segment's rows, then two layers.
///
///     rows → conv(3, stride 2) gelu → linear → ReLU → linear
///
/// The convolution sees rows after the sound's end. Its outputs from these rows alone are removed.
struct StridedProjector: Projector {
    private let convolution: Convolution
    private let linear1: Linear
    private let linear2: Linear

    init(_ weights: WeightCursor, from columns: Int, inner: Int, to size: Int, _ table: ParameterTable) throws {
        convolution = try Convolution(weights["conv"], table, in: columns, out: columns, stride: 2)
        linear1 = try Linear(weights["linear1"], table, in: columns, out: inner, bias: true)
        linear2 = try Linear(weights["linear2"], table, in: inner, out: size, bias: true)
    }

    func rowCount(frames: Int, rows: Int) -> Int { ((frames + 1) / 2 / 2 + 1) / 2 }

    func callAsFunction(_ x: Tensor, frames: [Int], segments: [Pass.Run], _ pass: Pass) -> Tensor {
        var left = frames[...]
        let (halved, halvedPass) = pass.bySegment(x, segments) { rows, pass in
            let wanted = rowCount(frames: left.removeFirst(), rows: rows.rows)
            return selectRows(gelu(convolution(rows, pass), pass.tape), Array(0..<wanted), pass.tape)
        }
        return linear2(relu(linear1(halved, halvedPass), pass.tape), halvedPass)
    }
}
