import Tensors
import Weights

/// How weight matrices are kept in memory.
package enum WeightStorage: String, Sendable, CaseIterable {
    /// As in the checkpoint: mapped where it is float32 or bfloat16 (float16 is widened).
    case checkpoint
    case float32
    case bfloat16
    /// 8-bit integers with a scale per output.
    case int8
}

/// Hands out the parameters of a model while it is being built, numbered in the order of reading.
final class ParameterList {
    fileprivate(set) var all: [Parameter] = []
    fileprivate let storage: WeightStorage

    init(storage: WeightStorage) { self.storage = storage }
}

/// Reads the parameters of one part of a model.
struct ParameterTable {
    private let list: ParameterList
    private let part: Parameter.Part

    init(_ part: Parameter.Part, in list: ParameterList) {
        self.list = list
        self.part = part
    }

    /// A matrix [rows, columns] of a linear layer.
    func matrix(_ cursor: WeightCursor, _ key: String = "weight", rows: Int, columns: Int) throws -> Parameter {
        let tensor = try cursor.tensor(key, shape: [rows, columns])
        return add(cursor, key, .linear, try tensor.matrix(rows: rows, columns: columns).kept(as: list.storage))
    }

    /// A table whose rows are looked up. It is never quantised to 8 bit unless it also serves as the output head.
    func table(_ cursor: WeightCursor, _ key: String = "weight", rows: Int, columns: Int, isHead: Bool) throws -> Parameter {
        let tensor = try cursor.tensor(key, shape: [rows, columns])
        let storage = list.storage == .int8 && !isHead ? .checkpoint : list.storage
        return add(cursor, key, .table, try tensor.matrix(rows: rows, columns: columns).kept(as: storage))
    }

    /// A convolution, [out, in, taps…] in the checkpoint.
    func convolution(_ cursor: WeightCursor, out: Int, in channels: Int, taps: [Int]) throws -> Parameter {
        let tensor = try cursor.tensor("weight", shape: [out, channels] + taps)
        let count = taps.reduce(1, *)
        let wide = try tensor.matrix(rows: out, columns: channels * count).widened()
        let turned = StoredMatrix(wide.turned(inner: count, outer: channels))
        let narrow = tensor.dtype == .bfloat16 && list.storage == .checkpoint
        return add(cursor, "weight", .convolution(taps: taps), turned.kept(as: narrow ? .bfloat16 : list.storage))
    }

    /// A vector: a bias or the scale of a norm.
    func vector(_ cursor: WeightCursor, _ key: String, size: Int) throws -> Parameter {
        let wide = try cursor.tensor(key, shape: [size]).matrix(rows: 1, columns: size).widened()
        return add(cursor, key, .vector, StoredMatrix(wide), vector: wide)
    }

    private func add(
        _ cursor: WeightCursor, _ key: String, _ kind: Parameter.Kind, _ stored: StoredMatrix, vector: Tensor? = nil
    ) -> Parameter {
        let parameter = Parameter(
            index: list.all.count, name: cursor.path + "." + key, kind: kind, part: part, stored: stored, vector: vector)
        list.all.append(parameter)
        return parameter
    }
}

extension StoredMatrix {
    fileprivate func kept(as storage: WeightStorage) -> StoredMatrix {
        switch (storage, unsafe elements) {
        case (.checkpoint, _), (.float32, .float32), (.bfloat16, .bfloat16), (.int8, .int8): self
        case (.float32, _): StoredMatrix(widened())
        case (.bfloat16, _): narrowed()
        case (.int8, _): quantized()
        }
    }
}
