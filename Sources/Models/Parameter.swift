package import Tensors
import Weights

/// One tensor of a checkpoint as a model holds it: never changed after loading.
///
/// Matrices keep their storage (mapped bfloat16, 8 bit, …); vectors are float32. What a weight version replaces or adapts is looked
/// up by ``index``.
package final class Parameter: Sendable {
    package let index: Int
    /// The tensor's name in the published checkpoint's layout, as `language_model.model.norm.weight`.
    package let name: String
    package let stored: StoredMatrix
    /// The elements in float32, for vectors.
    package let vector: Tensor?

    init(index: Int, name: String, stored: StoredMatrix, vector: Tensor?) {
        self.index = index
        self.name = name
        self.stored = stored
        self.vector = vector
    }

    package var shape: [Int] { vector == nil ? [stored.rows, stored.columns] : [stored.columns] }
}

/// Hands out the parameters of a model while it is being built, and remembers them by name.
package final class ParameterTable {
    package private(set) var all: [Parameter] = []
    private let storage: WeightStorage

    package init(storage: WeightStorage) { self.storage = storage }

    /// A matrix [rows, columns].
    func matrix(_ cursor: WeightCursor, _ key: String = "weight", rows: Int, columns: Int) throws -> Parameter {
        let tensor = try cursor.tensor(key, shape: [rows, columns])
        return add(cursor.path + "." + key, try tensor.matrix(rows: rows, columns: columns), .linear)
    }

    /// A table whose rows are looked up.
    func table(_ cursor: WeightCursor, _ key: String = "weight", rows: Int, columns: Int, isHead: Bool) throws -> Parameter {
        let tensor = try cursor.tensor(key, shape: [rows, columns])
        return add(cursor.path + "." + key, try tensor.matrix(rows: rows, columns: columns), isHead ? .head : .table)
    }

    /// A convolution over time, [out, in, width] in the checkpoint, kept as [out, width · in] for products with windows.
    func convolution(_ cursor: WeightCursor, out: Int, in channels: Int, width: Int) throws -> Parameter {
        let tensor = try cursor.tensor("weight", shape: [out, channels, width])
        let wide = try tensor.matrix(rows: out, columns: channels * width).widened()
        let turned = Tensor(uninitialized: out, width * channels)
        for row in 0..<out {
            let from = unsafe wide.row(row)
            let to = unsafe turned.row(row)
            for channel in 0..<channels {
                for tap in 0..<width { unsafe to[tap * channels + channel] = unsafe from[channel * width + tap] }
            }
        }
        let narrow = tensor.dtype == .bfloat16 && storage == .checkpoint
        let kept = narrow ? StoredMatrix(turned).converted(to: .bfloat16) : StoredMatrix(turned)
        return add(cursor.path + ".weight", kept, .convolution)
    }

    /// A vector: a bias or the scale of a norm.
    func vector(_ cursor: WeightCursor, _ key: String, size: Int) throws -> Parameter {
        let tensor = try cursor.tensor(key, shape: [size])
        let wide = try tensor.matrix(rows: 1, columns: size).widened()
        return append(Parameter(index: all.count, name: cursor.path + "." + key, stored: StoredMatrix(wide), vector: wide))
    }

    private func add(_ name: String, _ matrix: StoredMatrix, _ use: WeightStorage.Use) -> Parameter {
        let kept = storage.format(for: use).map(matrix.converted) ?? matrix
        return append(Parameter(index: all.count, name: name, stored: kept, vector: nil))
    }

    private func append(_ parameter: Parameter) -> Parameter {
        all.append(parameter)
        return parameter
    }
}
