import CKernels

/// A weight matrix [rows, columns] as it is stored: one row per output of a linear layer.
///
/// Floats have the file's layout, often in a mapped file. Blocks are regrouped for the products in separate memory, which costs one
/// pass when a matrix is made, and no more bytes than the file has. The value keeps the bytes' owner alive.
@safe package struct StoredMatrix: @unchecked Sendable {
    package let rows: Int
    package let columns: Int
    package let format: StoredFormat
    private let elements: UnsafeRawPointer
    private let owner: AnyObject

    private init(rows: Int, columns: Int, format: StoredFormat, elements: UnsafeRawPointer, owner: AnyObject) {
        self.rows = rows
        self.columns = columns
        self.format = format
        unsafe self.elements = unsafe elements
        self.owner = owner
    }

    /// A matrix whose elements lie at `stored` as files have them, as long as `owner` lives.
    @unsafe package init(rows: Int, columns: Int, format: StoredFormat, stored: UnsafeRawPointer, owner: AnyObject) {
        guard format.blockElements > 1 else {
            unsafe self.init(rows: rows, columns: columns, format: format, elements: stored, owner: owner)
            return
        }
        unsafe self.init(rows: rows, columns: columns, format: format) { matrix, elements in
            withExtendedLifetime(owner) { unsafe ck_regroup(elements, matrix, stored, 0, rows) }
        }
    }

    package init(_ tensor: Tensor) {
        unsafe self.init(
            rows: tensor.rows, columns: tensor.columns, format: .float32, elements: tensor.pointer, owner: tensor.buffer)
    }

    /// Memory that `fill` writes in the kernels' order.
    private init(
        rows: Int, columns: Int, format: StoredFormat, fill: (_ matrix: ck_matrix, _ elements: UnsafeMutableRawPointer) -> Void
    ) {
        precondition(columns > 0, "a stored matrix [\(rows), \(columns)]")
        let memory = Memory(byteCount: ck_matrix_bytes(format.row, rows, columns))
        unsafe self.init(rows: rows, columns: columns, format: format, elements: memory.base, owner: memory)
        unsafe fill(matrix, memory.base)
    }

    var matrix: ck_matrix { unsafe ck_matrix(format: format.row, elements: elements, rows: rows, columns: columns) }

    /// The elements of a float32 matrix.
    @unsafe var floats: UnsafePointer<Float>? { unsafe format == .float32 ? elements.assumingMemoryBound(to: Float.self) : nil }

    /// The elements of a matrix of floats, as files have them.
    @unsafe package var storedFloats: UnsafeRawBufferPointer {
        precondition(format.blockElements == 1, "\(format) has no elements in order")
        return unsafe UnsafeRawBufferPointer(start: elements, count: byteCount)
    }

    /// Bytes that one product with a single row reads.
    package var byteCount: Int { ck_matrix_bytes(format.row, rows, columns) }

    /// Rows `range` widened to float32, exactly, into `destination`.
    @unsafe package func widen(_ range: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of [\(rows), \(columns)]")
        unsafe ck_widen(destination, matrix, range.lowerBound, range.count)
    }

    /// The whole matrix in float32.
    package func widened() -> Tensor {
        let result = Tensor(uninitialized: rows, columns)
        unsafe widen(0..<rows, into: result.pointer)
        return result
    }

    /// Rows `range` as files have them in a writable format, each element or block rounded to nearest.
    package func encoded(_ range: Range<Int>, as format: StoredFormat) -> [UInt8] {
        let wide = Buffer(count: range.count * columns)
        unsafe widen(range, into: wide.base)
        let count = format.byteCount(rows: range.count, columns: columns)
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, written in
            guard let base = bytes.baseAddress, count > 0 else { return }
            unsafe ck_encode(base, format.row, wide.base, range.count, columns)
            written = count
        }
    }

    /// A copy in another, writable format, each element or block rounded to nearest; the matrix itself if it has the format.
    package func converted(to format: StoredFormat) -> StoredMatrix {
        if format == self.format { return self }
        return unsafe StoredMatrix(rows: rows, columns: columns, format: format) { matrix, elements in
            // Whole groups of the kernels' sixteen rows, some megabytes each.
            let block = max(16, min(rows, (1 << 20) / columns) / 16 * 16)
            let wide = Buffer(count: min(rows, block) * columns)
            let stored = Memory(byteCount: format.byteCount(rows: min(rows, block), columns: columns))
            for start in stride(from: 0, to: rows, by: block) {
                let range = start..<min(rows, start + block)
                unsafe widen(range, into: wide.base)
                unsafe ck_encode(stored.base, format.row, wide.base, range.count, columns)
                unsafe ck_regroup(elements, matrix, stored.base, start, range.count)
            }
        }
    }
}

/// Bytes aligned to 64 that free themselves.
@safe private final class Memory: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    init(byteCount: Int) { unsafe base = .allocate(byteCount: max(1, byteCount), alignment: 64) }
    deinit { unsafe base.deallocate() }
}
