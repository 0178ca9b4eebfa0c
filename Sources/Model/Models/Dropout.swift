import Randomness
package import Tensors

/// Dropout before the adapters under training, as peft's `lora_dropout`.
///
///     y = x ⊙ m / (1 − p)
///     m[row, column] = 0 where mixed((name of the row ⊕ hash of the module) + (column + 1) · γ) < p · 2⁶⁴, else 1
///
/// The mask depends on names alone. Neither threads nor the other rows of the batch change it, and a layer that is computed
/// again for its gradient sees the same mask. `mixed` and γ are SplitMix64's.
package struct Dropout: Sendable {
    private enum Names: Sendable {
        case listed([UInt64])
        /// The first row's name; the names of the following rows are consecutive.
        case counted(from: UInt64)
    }

    package let probability: Double
    private let names: Names

    /// - Parameters:
    ///   - probability: p, in [0, 1).
    ///   - rows: The name of each row.
    package init(_ probability: Double, rows: [UInt64]) { self.init(probability, .listed(rows)) }

    /// Creates dropout over any number of rows with consecutive names from `first`.
    package init(_ probability: Double, from first: UInt64) { self.init(probability, .counted(from: first)) }

    private init(_ probability: Double, _ names: Names) {
        precondition((0..<1).contains(probability), "dropout of \(probability)")
        self.probability = probability
        self.names = names
    }

    private func name(of row: Int) -> UInt64 {
        switch names {
        case .listed(let names): names[row]
        case .counted(let first): first &+ UInt64(row)
        }
    }

    /// The same dropout over a subset of the rows.
    func over(rows: [Int]) -> Dropout { Dropout(probability, .listed(rows.map(name))) }

    /// The dropout of one part of a batch whose rows are computed separately.
    func part(_ index: Int) -> Dropout { Dropout(probability, from: RandomStream(seed: name(of: 0), index: index).first) }

    /// x ⊙ m / (1 − p), with the mask of the module's name.
    package func callAsFunction(_ x: Tensor, module: String, _ tape: Tape?) -> Tensor {
        let y = Tensor(zeros: x.rows, x.columns)
        let key = StableHash.of(module)
        unsafe add(x, key, to: y.pointer)
        tape?.record(y, from: [x]) { dy, tape in
            unsafe tape.accumulate(into: x) { unsafe add(dy, key, to: $0) }
        }
        return y
    }

    /// y += x ⊙ m / (1 − p)
    @unsafe private func add(_ x: Tensor, _ key: UInt64, to y: UnsafeMutablePointer<Float>) {
        let scale = Float(1 / (1 - probability))
        let threshold = UInt64(probability * 0x1p64)
        for row in 0..<x.rows {
            var stream = RandomStream(seed: name(of: row) ^ key)
            for index in row * x.columns..<(row + 1) * x.columns where stream.next() >= threshold {
                unsafe y[index] += scale * x.pointer[index]
            }
        }
    }
}
