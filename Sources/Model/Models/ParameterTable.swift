import Tensors
import Weights

/// The parameters of a model under construction, numbered in the order of reading.
final class ParameterList {
    fileprivate(set) var all: [Parameter] = []
    fileprivate let storage: WeightStorage

    init(storage: WeightStorage) { self.storage = storage }
}

/// Reads the parameters of one part of a model.
package struct ParameterTable {
    private let list: ParameterList
    private let part: Parameter.Part

    init(_ part: Parameter.Part, in list: ParameterList) {
        self.list = list
        self.part = part
    }

    /// A matrix [rows, columns] of a linear layer.
    func matrix(_ cursor: WeightCursor, _ key: String = "weight", rows: Int, columns: Int, isHead: Bool = false) throws -> Parameter {
        let tensor = try cursor.tensor(key, shape: [rows, columns])
        return add(cursor, key, .linear, try tensor.matrix(rows: rows, columns: columns), for: isHead ? .head : .linear)
    }

    /// The router of experts, in its stored width.
    func router(_ cursor: WeightCursor, experts: Int, columns: Int) throws -> Parameter {
        let tensor = try cursor.tensor("weight", shape: [experts, columns])
        return append(cursor, "weight", .router, try tensor.matrix(rows: experts, columns: columns))
    }

    /// A table whose rows are looked up.
    func table(_ cursor: WeightCursor, _ key: String = "weight", rows: Int, columns: Int, isHead: Bool) throws -> Parameter {
        let tensor = try cursor.tensor(key, shape: [rows, columns])
        return add(cursor, key, .table, try tensor.matrix(rows: rows, columns: columns), for: isHead ? .head : .table)
    }

    /// A convolution, [out, in, taps…] in the checkpoint.
    func convolution(_ cursor: WeightCursor, out: Int, in channels: Int, taps: [Int]) throws -> Parameter {
        let tensor = try cursor.tensor("weight", shape: [out, channels] + taps)
        let count = taps.reduce(1, *)
        let wide = try tensor.matrix(rows: out, columns: channels * count).widened()
        let turned = StoredMatrix(wide.turned(inner: count, outer: channels))
        let narrow = tensor.dtype == .bfloat16 && list.storage == .checkpoint
        return add(cursor, "weight", .convolution(taps: taps), narrow ? turned.converted(to: .bfloat16) : turned, for: .convolution)
    }

    /// A vector: a bias or the scale of a norm.
    func vector(_ cursor: WeightCursor, _ key: String, size: Int) throws -> Parameter {
        let wide = try cursor.tensor(key, shape: [size]).matrix(rows: 1, columns: size).widened()
        return append(cursor, key, .vector, StoredMatrix(wide), vector: wide)
    }

    private func add(
        _ cursor: WeightCursor, _ key: String, _ kind: Parameter.Kind, _ matrix: StoredMatrix, for use: WeightStorage.Use
    ) -> Parameter {
        let format = list.storage.format(for: use, in: part, columns: matrix.columns)
        return append(cursor, key, kind, format.map(matrix.converted) ?? matrix)
    }

    private func append(
        _ cursor: WeightCursor, _ key: String, _ kind: Parameter.Kind, _ stored: StoredMatrix, vector: Tensor? = nil
    ) -> Parameter {
        let parameter = Parameter(
            index: list.all.count, name: cursor.path + "." + key, kind: kind, part: part, stored: stored, vector: vector)
        list.all.append(parameter)
        return parameter
    }
}
