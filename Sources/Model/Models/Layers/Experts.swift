import Tensors
import Weights

/// The part of a decoder layer after its attention, on normalised rows.
protocol FeedForward: Sendable {
    func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor
}

/// A mixture of experts. A router chooses a few experts for each row, and only their weights are read.
///
///     y = Σ weightₑ · SwiGLUₑ(x), over the experts e of the row
///
/// Rows are grouped by expert. A row's sum is in the order of the experts, independent of the other rows of the batch.
///
/// Reference: transformers' `Qwen3OmniMoeThinkerTextSparseMoeBlock`.
struct Experts: FeedForward {
    private let router: Parameter
    private let experts: [SwiGLU]
    private let shape: DecoderConfiguration.Experts

    init(_ weights: WeightCursor, _ table: ParameterTable, size: Int, _ shape: DecoderConfiguration.Experts) throws {
        self.shape = shape
        router = try table.router(weights["gate"], experts: shape.count, columns: size)
        experts = try (0..<shape.count).map { try SwiGLU(weights["experts"][$0], table, size: size, inner: shape.innerSize) }
    }

    func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
        let logits = pass.byVersion(x, replacing: [router]) { x, version in
            if let replacement = version?.replacements[router.index] { return linear(x, replacement, pass.tape) }
            return linear(x, router.stored, arithmetic: pass.arithmetic, pass.tape)
        }
        let routing = Routing(logits: logits, count: shape.chosen, normalizes: shape.normalizes, pass.tape)
        var places = [[(row: Int, slot: Int)]](repeating: [], count: experts.count)
        for (row, chosen) in routing.experts.enumerated() {
            for (slot, expert) in chosen.enumerated() { places[expert].append((row, slot)) }
        }
        let parts = zip(experts, places).compactMap { expert, places -> (values: Tensor, places: [(row: Int, slot: Int)])? in
            if places.isEmpty { return nil }
            let rows = places.map(\.row)
            return (expert(selectRows(x, rows, pass.tape), pass.over(rows: rows)), places)
        }
        return weightedSum(rows: x.rows, columns: x.columns, parts, weights: routing.weights, pass.tape)
    }
}
