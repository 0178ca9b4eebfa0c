package import Tensors
package import Weights

/// An immutable set of tensors over the base weights: low-rank adapters, replaced tensors, or both.
///
/// Base weights never change. A request keeps its version until its end, and caches are keyed by ``id``.
package final class WeightVersion: Sendable {
    package let id: String
    /// The name of the encoder and projector weights. Versions with equal names have equal audio embeddings.
    package let hearing: String
    /// The low-rank adapters by the index of the matrix's ``Parameter``.
    package let adapters: [Int: LowRank]
    /// Replaced tensors by the index of the ``Parameter``.
    package let replacements: [Int: Tensor]
    /// The settings with which its adapters were trained.
    package let settings: AdapterSettings

    /// - Parameter hearing: The name of another version with the same encoder and projector; `id` if nil.
    package init(
        id: String, hearing: String? = nil, adapters: [Int: LowRank] = [:], replacements: [Int: Tensor] = [:],
        settings: AdapterSettings = AdapterSettings()
    ) {
        self.id = id
        self.hearing = hearing ?? id
        self.adapters = adapters
        self.replacements = replacements
        self.settings = settings
    }

    /// Every tensor of the version, for an optimiser or a file.
    package var tensors: [Tensor] {
        adapters.sorted { $0.key < $1.key }.flatMap { [$0.value.a, $0.value.b] }
            + replacements.sorted { $0.key < $1.key }.map(\.value)
    }
}

extension WeightVersion {
    /// The first invalid tensor, by its parameter's index, and the reason; nil if all are valid.
    package var fault: (parameter: Int, reason: String)? {
        for (index, adapter) in adapters.sorted(by: { $0.key < $1.key }) {
            if let reason = adapter.fault { return (index, reason) }
        }
        for (index, tensor) in replacements.sorted(by: { $0.key < $1.key }) {
            if let place = tensor.firstNotFinite { return (index, "element \(place) of \(tensor.shape) is not finite") }
        }
        return nil
    }
}

/// y += scale · B (A x), LoRA (Hu et al., 2021): A [rank, in], B [out, rank].
package struct LowRank: Sendable {
    package let a: Tensor
    package let b: Tensor
    package let scale: Float

    package init(a: Tensor, b: Tensor, scale: Float) {
        precondition(a.rows == b.columns, "adapter A \(a.shape) and B \(b.shape) do not meet")
        self.a = a
        self.b = b
        self.scale = scale
    }

    package func delta(_ x: Tensor, _ tape: Tape?) -> Tensor { linear(linear(x, a, tape), b, tape) }
}

extension LowRank {
    /// The largest change of a weight. Below it, activations stay far within float32.
    package static let largestChange = 1e18

    /// The reason why the change is invalid; nil if it is valid.
    ///
    /// No element of scale · B A, nor of A by itself, exceeds the product of the longest row of B and the longest column of A
    /// (Cauchy-Schwarz). This product is compared with ``largestChange``.
    package var fault: String? {
        if let place = a.firstNotFinite { return "element \(place) of the factor A \(a.shape) is not finite" }
        if let place = b.firstNotFinite { return "element \(place) of the factor B \(b.shape) is not finite" }
        guard scale.isFinite else { return "the scaling \(scale) is not finite" }
        var columns = [Double](repeating: 0, count: a.columns)
        for row in 0..<a.rows {
            let values = unsafe a.row(row)
            for column in 0..<a.columns {
                let value = unsafe Double(values[column])
                columns[column] += value * value
            }
        }
        var longest = 0.0
        for row in 0..<b.rows {
            let values = unsafe b.row(row)
            var sum = 0.0
            for column in 0..<b.columns { sum += unsafe Double(values[column]) * Double(values[column]) }
            longest = max(longest, sum)
        }
        let (first, second) = ((columns.max() ?? 0).squareRoot(), longest.squareRoot())
        guard max(first, second, first * second, first * second * Double(abs(scale))) <= Self.largestChange else {
            return
                "scaling \(scale) of B A, with rows of B up to \(second) long and columns of A up to \(first), exceeds \(Self.largestChange), beyond which activations leave float32"
        }
        return nil
    }
}
