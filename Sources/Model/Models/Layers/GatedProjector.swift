import Tensors
import Weights

/// Ultravox's projector: two layers with a gate between them, row by row.
///
///     rows → norm → linear → [x, gate] → x · silu(gate) → norm → linear        from 0.5 on
///     rows → norm → linear → [x, gate] → x · silu(gate) → linear → norm        before
struct GatedProjector: Projector {
    private let normBefore: RMSNorm
    private let linear1: Linear
    private let normInside: RMSNorm?
    private let linear2: Linear
    private let normAfter: RMSNorm?

    /// - Parameter inner: The output columns of the first layer, x and gate together.
    init(
        _ weights: WeightCursor, from columns: Int, inner: Int, to size: Int, normalizesInside: Bool, _ table: ParameterTable
    ) throws {
        try requireMultiple(inner, by: 2, "hidden_size", "x and gate,")
        func norm(_ name: String, _ size: Int) throws -> RMSNorm { try RMSNorm(weights[name], table, size: size, epsilon: 1e-6) }
        normBefore = try norm("ln_pre", columns)
        linear1 = try Linear(weights["linear_1"], table, in: columns, out: inner, bias: false)
        normInside = normalizesInside ? try norm("ln_mid", inner / 2) : nil
        linear2 = try Linear(weights["linear_2"], table, in: inner / 2, out: size, bias: false)
        normAfter = normalizesInside ? nil : try norm("ln_post", size)
    }

    func rowCount(frames: Int, rows: Int) -> Int { rows }

    func callAsFunction(_ x: Tensor, frames: [Int], segments: [Pass.Run], _ pass: Pass) -> Tensor {
        let both = linear1(normBefore(x, pass), pass)
        let half = both.columns / 2
        let y = gated(selectColumns(both, half..<both.columns, pass.tape), selectColumns(both, 0..<half, pass.tape), pass.tape)
        let z = linear2(normInside.map { $0(y, pass) } ?? y, pass)
        return normAfter.map { $0(z, pass) } ?? z
    }
}
