/// A matrix of 32-bit floats, row-major and contiguous: activations `x [T, hidden]`, parameters being trained, gradients.
///
/// A tensor is a value that shares its storage. Operations make new tensors; only code that has just created one may write
/// through ``pointer``.
package struct Tensor: Sendable {
    package let rows: Int
    package let columns: Int
    package let buffer: Buffer

    /// Storage without defined contents: the caller writes every element.
    package init(uninitialized rows: Int, _ columns: Int) {
        self.rows = rows
        self.columns = columns
        buffer = Buffer(count: rows * columns)
    }

    package init(zeros rows: Int, _ columns: Int) {
        self.init(uninitialized: rows, columns)
        unsafe pointer.initialize(repeating: 0, count: count)
    }

    /// `values` by rows; there must be `rows · columns` of them.
    package init(_ values: [Float], rows: Int, columns: Int) {
        precondition(values.count == rows * columns, "\(values.count) values for [\(rows), \(columns)]")
        self.init(uninitialized: rows, columns)
        for index in values.indices { unsafe pointer[index] = values[index] }
    }

    package init(row values: [Float]) { self.init(values, rows: 1, columns: values.count) }

    package var count: Int { rows * columns }
    package var shape: String { "[\(rows), \(columns)]" }

    /// The elements. Valid while the tensor lives; written by its creator alone.
    @unsafe package var pointer: UnsafeMutablePointer<Float> { unsafe buffer.base }

    @unsafe package func row(_ index: Int) -> UnsafeMutablePointer<Float> {
        precondition(index >= 0 && index < rows, "row \(index) of \(shape)")
        return unsafe buffer.base + index * columns
    }

    package var values: [Float] { unsafe Array(UnsafeBufferPointer(start: pointer, count: count)) }

    /// The index of the first element that is infinite or not a number; nil if all are finite.
    package var firstNotFinite: Int? { unsafe StoredFormat.float32.firstNotFinite(UnsafeRawPointer(pointer), count: count) }

    package subscript(row: Int, column: Int) -> Float {
        precondition(row >= 0 && row < rows && column >= 0 && column < columns, "[\(row), \(column)] of \(shape)")
        return unsafe pointer[row * columns + column]
    }

    /// The identity of the tensor's storage, which distinguishes tensors.
    var identity: ObjectIdentifier { ObjectIdentifier(buffer) }

    package func copy() -> Tensor { rowsCopy(0..<rows) }

    /// Rows `range` as a tensor of their own.
    package func rowsCopy(_ range: Range<Int>) -> Tensor {
        let result = Tensor(uninitialized: range.count, columns)
        if range.count > 0 { unsafe result.pointer.update(from: row(range.lowerBound), count: range.count * columns) }
        return result
    }
}
