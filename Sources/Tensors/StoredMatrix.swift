import CKernels

/// A weight matrix [rows, columns] as it is stored: one row per output of a linear layer.
///
/// The bytes belong to `owner`, a mapped file or a block of memory, which the value keeps alive.
@safe package struct StoredMatrix: @unchecked Sendable {
    @unsafe package enum Elements {
        case float32(UnsafePointer<Float>)
        case bfloat16(UnsafePointer<UInt16>)
        /// Symmetric 8-bit integers with one scale per row.
        case int8(UnsafePointer<Int8>, scales: UnsafePointer<Float>)
    }

    package let rows: Int
    package let columns: Int
    package let elements: Elements
    private let owner: AnyObject

    package init(rows: Int, columns: Int, elements: Elements, owner: AnyObject) {
        self.rows = rows
        self.columns = columns
        unsafe self.elements = unsafe elements
        self.owner = owner
    }

    package init(_ tensor: Tensor) {
        unsafe self.init(
            rows: tensor.rows, columns: tensor.columns, elements: .float32(tensor.pointer), owner: tensor.buffer)
    }

    /// Bytes that one product with a single row reads.
    package var byteCount: Int {
        switch unsafe elements {
        case .float32: rows * columns * 4
        case .bfloat16: rows * columns * 2
        case .int8: rows * columns + rows * 4
        }
    }

    /// Rows `range` widened to float32, exactly, into `destination`.
    @unsafe package func widen(_ range: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of [\(rows), \(columns)]")
        let offset = range.lowerBound * columns
        let count = range.count * columns
        switch unsafe elements {
        case .float32(let pointer): unsafe destination.update(from: pointer + offset, count: count)
        case .bfloat16(let pointer): unsafe ck_widen_bf16(destination, pointer + offset, count)
        case .int8(let pointer, let scales):
            unsafe ck_widen_q8(destination, pointer + offset, scales + range.lowerBound, range.count, columns)
        }
    }

    /// The whole matrix in float32.
    package func widened() -> Tensor {
        let result = Tensor(uninitialized: rows, columns)
        unsafe widen(0..<rows, into: result.pointer)
        return result
    }

    /// A copy rounded to nearest even; float32 and 8-bit matrices become half or twice as large.
    package func narrowed() -> StoredMatrix {
        let bits = Words<UInt16>(count: rows * columns)
        unsafe inRowBlocks { rows, wide in
            unsafe ck_narrow_bf16(bits.base + rows.lowerBound * columns, wide, rows.count * columns)
        }
        return unsafe StoredMatrix(rows: rows, columns: columns, elements: .bfloat16(bits.base), owner: bits)
    }

    /// A copy in 8-bit integers, each row scaled by its largest magnitude.
    package func quantized() -> StoredMatrix {
        let bytes = Words<Int8>(count: rows * columns)
        let scales = Words<Float>(count: rows)
        unsafe inRowBlocks { rows, wide in
            unsafe ck_quantize_q8(
                bytes.base + rows.lowerBound * columns, scales.base + rows.lowerBound, wide, rows.count, columns)
        }
        return unsafe StoredMatrix(
            rows: rows, columns: columns, elements: .int8(bytes.base, scales: scales.base), owner: Pair(bytes, scales))
    }

    /// Calls `body` with blocks of rows widened to float32, so that converting a large matrix needs little memory.
    @unsafe private func inRowBlocks(_ body: (Range<Int>, UnsafePointer<Float>) -> Void) {
        let block = max(1, min(rows, (1 << 20) / max(columns, 1)))
        let scratch = Buffer(count: block * columns)
        for start in stride(from: 0, to: rows, by: block) {
            let range = start..<min(rows, start + block)
            unsafe widen(range, into: scratch.base)
            unsafe body(range, scratch.base)
        }
    }
}

/// Memory for `count` elements that frees itself.
@safe package final class Words<Element: BitwiseCopyable>: @unchecked Sendable {
    package let base: UnsafeMutablePointer<Element>
    package init(count: Int) {
        unsafe base = UnsafeMutableRawPointer.allocate(byteCount: max(1, count * MemoryLayout<Element>.stride), alignment: 64)
            .bindMemory(to: Element.self, capacity: count)
    }
    deinit { unsafe UnsafeMutableRawPointer(base).deallocate() }
}

private final class Pair {
    let first: AnyObject
    let second: AnyObject
    init(_ first: AnyObject, _ second: AnyObject) {
        self.first = first
        self.second = second
    }
}
