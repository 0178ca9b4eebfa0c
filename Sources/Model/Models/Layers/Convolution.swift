import Tensors
import Weights

/// A convolution of width 3 over time, with a zero frame on either side.
struct Convolution: Sendable {
    let weight: Parameter
    let bias: Parameter
    let stride: Int

    init(_ weights: WeightCursor, _ table: ParameterTable, in channels: Int, out: Int, stride: Int) throws {
        weight = try table.convolution(weights, out: out, in: channels, taps: [3])
        bias = try table.vector(weights, "bias", size: out)
        self.stride = stride
    }

    func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
        product(windows(x, width: 3, stride: stride, padding: 1, pass.tape), weight, bias, pass)
    }
}

/// A convolution of 3 · 3 over time and mels with stride 2 and zeros around the image.
struct ImageConvolution: Sendable {
    let weight: Parameter
    let bias: Parameter

    init(_ weights: WeightCursor, _ table: ParameterTable, in channels: Int, out: Int) throws {
        weight = try table.convolution(weights, out: out, in: channels, taps: [3, 3])
        bias = try table.vector(weights, "bias", size: out)
    }

    /// x [mels · frames, channels], mel by mel, to [⌈mels/2⌉ · ⌈frames/2⌉, out].
    func callAsFunction(_ x: Tensor, mels: Int, _ pass: Pass) -> Tensor {
        product(imageWindows(x, height: mels, pass.tape), weight, bias, pass)
    }
}

/// The product of a convolution's windows and its weights. `pass` has one version.
private func product(_ windows: Tensor, _ weight: Parameter, _ bias: Parameter, _ pass: Pass) -> Tensor {
    let version = pass.runs[0].version
    let bias = version.vector(bias)
    if let replacement = version?.replacements[weight.index] { return linear(windows, replacement, bias: bias, pass.tape) }
    return linear(windows, weight.stored, bias: bias, arithmetic: pass.arithmetic, pass.tape)
}
