package import Tensors

/// One tensor of a model. It never changes after loading.
///
/// Matrices keep their storage (mapped bfloat16, 8 bit, …); vectors are float32. The replacements and adapters of a weight version are looked
/// up by ``index``.
package final class Parameter: Sendable {
    /// Parts of an audio language model.
    package enum Part: String, Sendable, Codable, CaseIterable {
        case decoder, projector, encoder

        /// The prefix of the part's tensors in Qwen2-Audio, which data folders of earlier programs use as the part's name.
        package var formerPrefix: String {
            switch self {
            case .decoder: "language_model"
            case .projector: "multi_modal_projector"
            case .encoder: "audio_tower"
            }
        }
    }

    /// The use of a tensor. It decides the tensor's storage and which adapters may change it.
    package enum Kind: Sendable, Equatable {
        /// The matrix [out, in] of a linear layer.
        case linear
        /// The matrix [experts, in] that chooses experts. No adapter changes it.
        case router
        /// A convolution, [out, in, taps…] on disk, kept as [out, taps · in] for products with windows.
        case convolution(taps: [Int])
        /// A table whose rows are looked up: embeddings, positions.
        case table
        /// A bias or the scale of a norm.
        case vector
    }

    package let index: Int
    /// The tensor's name in published checkpoints.
    package let name: String
    package let kind: Kind
    package let part: Part
    package let stored: StoredMatrix
    /// The elements in float32, for vectors.
    package let vector: Tensor?

    init(index: Int, name: String, kind: Kind, part: Part, stored: StoredMatrix, vector: Tensor? = nil) {
        self.index = index
        self.name = name
        self.kind = kind
        self.part = part
        self.stored = stored
        self.vector = vector
    }

    /// The module that holds the tensor: its name without the last part.
    package var moduleName: String { name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name }

    /// Whether the tensor belongs to an expert of a mixture.
    package var isOfExpert: Bool { name.contains(".experts.") }

    /// The shape in checkpoint files.
    package var shape: [Int] {
        switch kind {
        case .linear, .router, .table: [stored.rows, stored.columns]
        case .convolution(let taps): [stored.rows, stored.columns / taps.reduce(1, *)] + taps
        case .vector: [stored.columns]
        }
    }

    /// A replacement of this tensor, converted from the model's order of elements to that of checkpoint files.
    package func published(_ kept: Tensor) -> Tensor {
        guard case .convolution(let taps) = kind else { return kept }
        let count = taps.reduce(1, *)
        return kept.turned(inner: kept.columns / count, outer: count)
    }

    /// The reverse of ``published(_:)``.
    package func kept(_ published: Tensor) -> Tensor {
        guard case .convolution(let taps) = kind else { return published }
        let count = taps.reduce(1, *)
        return published.turned(inner: count, outer: published.columns / count)
    }
}

extension Tensor {
    /// Each row as a matrix [outer, inner], transposed.
    func turned(inner: Int, outer: Int) -> Tensor {
        let result = Tensor(uninitialized: rows, columns)
        for row in 0..<rows {
            let from = unsafe self.row(row)
            let to = unsafe result.row(row)
            for i in 0..<outer {
                for j in 0..<inner { unsafe to[j * outer + i] = unsafe from[i * inner + j] }
            }
        }
        return result
    }
}
