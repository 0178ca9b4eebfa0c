package import Tensors

/// An immutable set of tensors over the base weights: low-rank adapters, replaced tensors, or both.
///
/// Base weights never change. A session pins its version for life, and what it caches is keyed by ``id``.
package final class WeightVersion: Sendable {
    package let id: String
    /// What audio embeddings depend on: versions with equal names for it hear alike, though they answer differently.
    package let hearing: String
    /// Low-rank additions by the index of the matrix's ``Parameter``.
    package let adapters: [Int: LowRank]
    /// Whole tensors by the index of the ``Parameter`` that they stand for.
    package let replacements: [Int: Tensor]

    /// - Parameter hearing: another version's, where encoder and projector are the same; `id` where nil.
    package init(id: String, hearing: String? = nil, adapters: [Int: LowRank] = [:], replacements: [Int: Tensor] = [:]) {
        self.id = id
        self.hearing = hearing ?? id
        self.adapters = adapters
        self.replacements = replacements
    }

    /// Every tensor of the version, for an optimiser or a file.
    package var tensors: [Tensor] {
        adapters.sorted { $0.key < $1.key }.flatMap { [$0.value.a, $0.value.b] }
            + replacements.sorted { $0.key < $1.key }.map(\.value)
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
