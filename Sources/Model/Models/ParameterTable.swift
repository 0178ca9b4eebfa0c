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
        return try add(cursor, key, .linear, tensor, rows: rows, columns: columns, for: isHead ? .head : .linear)
    }

    /// The router of experts, in its stored width.
    func router(_ cursor: WeightCursor, experts: Int, columns: Int) throws -> Parameter {
        let tensor = try cursor.tensor("weight", shape: [experts, columns])
        return append(cursor, "weight", .router, try tensor.matrix(rows: experts, columns: columns))
    }

    /// A table whose rows are looked up.
    func table(_ cursor: WeightCursor, _ key: String = "weight", rows: Int, columns: Int, isHead: Bool) throws -> Parameter {
        let tensor = try cursor.tensor(key, shape: [rows, columns])
        return try add(cursor, key, .table, tensor, rows: rows, columns: columns, for: isHead ? .head : .table)
    }

    /// A convolution, [out, in, taps…] in the checkpoint.
    func convolution(_ cursor: WeightCursor, out: Int, in channels: Int, taps: [Int]) throws -> Parameter {
        let tensor = try cursor.tensor("weight", shape: [out, channels] + taps)
        let count = taps.reduce(1, *)
        let wide = try tensor.matrix(rows: out, columns: channels * count).widened()
        let turned = StoredMatrix(wide.turned(inner: count, outer: channels))
        let narrow = tensor.dtype == .bfloat16 && list.storage == .checkpoint
        let format = list.storage.format(for: .convolution, in: part, columns: turned.columns) ?? (narrow ? .bfloat16 : .float32)
        tensor.releasePages()
        return append(cursor, "weight", .convolution(taps: taps), turned.converted(to: format))
    }

    /// A vector: a bias or the scale of a norm.
    func vector(_ cursor: WeightCursor, _ key: String, size: Int) throws -> Parameter {
        let wide = try cursor.tensor(key, shape: [size]).matrix(rows: 1, columns: size).widened()
        return append(cursor, key, .vector, StoredMatrix(wide), vector: wide)
    }

    /// A matrix [rows, columns] over the elements, or a copy in the format that its use asks for.
    private func add(
        _ cursor: WeightCursor, _ key: String, _ kind: Parameter.Kind, _ tensor: StoredTensor, rows: Int, columns: Int, for use: WeightStorage.Use
    ) throws -> Parameter {
        let stored = try tensor.matrix(rows: rows, columns: columns)
        guard let format = list.storage.format(for: use, in: part, columns: columns), format != stored.format else {
            return append(cursor, key, kind, stored)
        }
        defer { tensor.releasePages() }
        return append(cursor, key, kind, stored.converted(to: format))
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
