import Glibc
package import Tensors

/// A tensor as it lies in a file: its elements are read in place, and the value keeps the file mapped.
@safe package struct StoredTensor: @unchecked Sendable {
    /// The name in the file, which may differ from the model's.
    package let name: String
    package let dtype: DType
    package let shape: [Int]
    private let base: UnsafeRawBufferPointer
    private let owner: AnyObject

    /// `bytes` are aligned to an element of `dtype`, hold exactly `shape`, and live as long as `owner`.
    @unsafe package init(name: String, dtype: DType, shape: [Int], bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        precondition(bytes.count == dtype.byteCount(shape: shape), "\(bytes.count) bytes for \(dtype) \(shape)")
        self.name = name
        self.dtype = dtype
        self.shape = shape
        unsafe self.base = bytes
        self.owner = owner
    }

    /// A matrix in memory.
    package init(name: String, _ matrix: Tensor) {
        unsafe self.init(
            name: name, dtype: .float32, shape: [matrix.rows, matrix.columns],
            bytes: UnsafeRawBufferPointer(start: matrix.pointer, count: matrix.count * MemoryLayout<Float>.size), owner: matrix.buffer)
    }

    /// The same elements under another name and another shape of as many.
    package func renamed(_ name: String, shape: [Int]) -> StoredTensor {
        unsafe StoredTensor(name: name, dtype: dtype, shape: shape, bytes: base, owner: owner)
    }

    /// The slices along the first axis, in place.
    package func slices() -> [StoredTensor] {
        let size = byteCount / max(1, shape[0])
        return (0..<shape[0]).map { index in
            unsafe StoredTensor(
                name: "\(name)[\(index)]", dtype: dtype, shape: Array(shape.dropFirst()),
                bytes: UnsafeRawBufferPointer(rebasing: base[index * size..<(index + 1) * size]), owner: owner)
        }
    }

    /// A copy whose row i is row `source(i)`.
    package func rowsReordered(_ source: (Int) -> Int) -> StoredTensor {
        defer { releasePages() }
        let size = byteCount / max(1, shape[0])
        let copy = Tensor(uninitialized: 1, (byteCount + 3) / 4)
        let bytes = unsafe UnsafeMutableRawBufferPointer(start: copy.pointer, count: byteCount)
        for row in 0..<shape[0] {
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[row * size..<(row + 1) * size])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: base[source(row) * size..<(source(row) + 1) * size]))
        }
        return unsafe StoredTensor(name: name, dtype: dtype, shape: shape, bytes: UnsafeRawBufferPointer(bytes), owner: copy.buffer)
    }

    package var count: Int { shape.reduce(1, *) }
    package var byteCount: Int { unsafe base.count }

    /// The stored elements, valid while this value or a copy of it lives.
    @unsafe package var bytes: UnsafeRawBufferPointer { unsafe base }

    /// A matrix [rows, columns] over the elements, which must be as many. Floats stay in place; blocks are regrouped for the products.
    package func matrix(rows: Int, columns: Int) throws(WeightError) -> StoredMatrix {
        guard rows * columns == count, columns % dtype.blockElements == 0 else {
            throw .wrongShape(name: name, stored: name, expected: [rows, columns], found: shape)
        }
        let format = try format()
        guard let base = unsafe base.baseAddress, count > 0 else { return StoredMatrix(Tensor(uninitialized: rows, columns)) }
        let matrix = unsafe StoredMatrix(rows: rows, columns: columns, format: format, stored: base, owner: owner)
        if format.blockElements > 1 { releasePages() }
        return matrix
    }

    /// Gives back the memory of the mapped pages that hold the elements, which come again where they are touched. For those who keep a copy.
    package func releasePages() {
        guard let file = owner as? MappedFile, let start = unsafe base.baseAddress, let first = unsafe file.bytes.baseAddress else { return }
        let offset = unsafe start - first
        file.release(offset..<offset + byteCount)
    }

    /// A float32 copy [rows, columns] of the elements, which must be as many, widened exactly.
    package func tensor(rows: Int, columns: Int) throws(WeightError) -> Tensor {
        try matrix(rows: rows, columns: columns).widened()
    }

    private func format() throws(WeightError) -> StoredFormat {
        guard let format = dtype.format else {
            throw .wrongDType(name: name, expected: "floats or GGML's blocks", found: dtype)
        }
        return format
    }

    /// Throws, naming the element, where one is infinite or not a number. Reads all of them, at the speed of memory.
    package func requireFinite() throws(WeightError) {
        guard let format = dtype.format, let base = unsafe base.baseAddress,
            let index = unsafe format.firstNotFinite(base, count: count)
        else { return }
        let block = index / format.blockElements * format.blockElements
        let value = try floats(block..<block + format.blockElements)[index - block]
        throw .notFinite(name: name, value: value.isNaN ? "nan" : "\(value)", index: index, shape: shape)
    }

    /// Whether the elements equal those of `base`, or their conversion to this tensor's format.
    package func isCopy(of base: StoredTensor) throws(WeightError) -> Bool {
        guard shape == base.shape else { return false }
        if dtype == base.dtype { return unsafe byteCount == 0 || memcmp(bytes.baseAddress!, base.bytes.baseAddress!, byteCount) == 0 }
        let format = try format()
        guard format.isWritable else { return false }
        let piece = 1 << 16  // whole blocks
        for start in stride(from: 0, to: count, by: piece) {
            let range = start..<min(start + piece, count)
            let theirs = StoredMatrix(Tensor(row: try base.floats(range))).converted(to: format).widened().values
            for (own, value) in zip(try floats(range), theirs) where own != value { return false }
        }
        return true
    }

    /// Elements `range`, which begins and ends with a block.
    private func floats(_ range: Range<Int>) throws(WeightError) -> [Float] {
        let offset = range.lowerBound / dtype.blockElements * dtype.blockBytes
        let part = unsafe StoredMatrix(
            rows: 1, columns: range.count, format: try format(), stored: base.baseAddress! + offset, owner: owner)
        return part.widened().values
    }

    /// Elements in a Swift array, for small tensors and tests.
    package func floats() throws(WeightError) -> [Float] { try tensor(rows: 1, columns: count).values }

    /// Elements of a 32-bit or 64-bit integer tensor.
    package func integers() throws(WeightError) -> [Int] {
        if dtype == .int32 { return unsafe base.bindMemory(to: Int32.self).map { Int($0) } }
        if dtype == .int64 { return unsafe base.bindMemory(to: Int64.self).map { Int($0) } }
        throw .wrongDType(name: name, expected: "I32 or I64", found: dtype)
    }
}
