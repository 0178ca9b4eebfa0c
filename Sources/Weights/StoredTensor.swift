import Glibc
package import Tensors

/// A tensor as it lies in a file: its elements are read in place, and the value keeps the file mapped.
@safe package struct StoredTensor: @unchecked Sendable {
    /// The name in the file, whatever the model calls it.
    package let name: String
    package let dtype: DType
    package let shape: [Int]
    private let base: UnsafeRawBufferPointer
    private let owner: AnyObject

    /// `bytes` are aligned to `dtype`, hold exactly `shape`, and live as long as `owner`.
    @unsafe package init(name: String, dtype: DType, shape: [Int], bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        precondition(bytes.count == shape.reduce(dtype.byteCount, *), "\(bytes.count) bytes for \(dtype) \(shape)")
        self.name = name
        self.dtype = dtype
        self.shape = shape
        unsafe self.base = bytes
        self.owner = owner
    }

    package var count: Int { shape.reduce(1, *) }
    package var byteCount: Int { unsafe base.count }

    /// The stored elements, valid while this value or a copy of it lives.
    @unsafe package var bytes: UnsafeRawBufferPointer { unsafe base }

    /// A matrix [rows, columns] over the elements, which must be as many: float32 and bfloat16 in place, float16 widened.
    package func matrix(rows: Int, columns: Int) throws(WeightError) -> StoredMatrix {
        guard rows * columns == count else {
            throw .wrongShape(name: name, stored: name, expected: [rows, columns], found: shape)
        }
        switch dtype {
        case .float32 where count > 0:
            return unsafe StoredMatrix(
                rows: rows, columns: columns, elements: .float32(base.bindMemory(to: Float.self).baseAddress!),
                owner: owner)
        case .bfloat16 where count > 0:
            return unsafe StoredMatrix(
                rows: rows, columns: columns, elements: .bfloat16(base.bindMemory(to: UInt16.self).baseAddress!),
                owner: owner)
        default: return StoredMatrix(try tensor(rows: rows, columns: columns))
        }
    }

    /// A float32 copy [rows, columns] of the elements, which must be as many, widened exactly.
    package func tensor(rows: Int, columns: Int) throws(WeightError) -> Tensor {
        guard rows * columns == count else {
            throw .wrongShape(name: name, stored: name, expected: [rows, columns], found: shape)
        }
        let result = Tensor(uninitialized: rows, columns)
        guard count > 0 else { return result }
        let destination = unsafe UnsafeMutableBufferPointer(start: result.pointer, count: count)
        switch dtype {
        case .float32:
            unsafe UnsafeMutableRawBufferPointer(destination).copyMemory(from: base)
        case .bfloat16:
            let source = unsafe base.bindMemory(to: UInt16.self)
            for i in 0..<count { unsafe destination[i] = Float(bitPattern: UInt32(source[i]) << 16) }
        case .float16:
            let source = unsafe base.bindMemory(to: UInt16.self)
            for i in 0..<count { unsafe destination[i] = Float(Float16(bitPattern: source[i])) }
        default:
            throw .wrongDType(name: name, expected: "F32, BF16 or F16", found: dtype)
        }
        return result
    }

    /// Throws, naming the element, where one is infinite or not a number. Reads all of them, at the speed of memory.
    package func requireFinite() throws(WeightError) {
        let format: FloatFormat
        switch dtype {
        case .float32: format = .float32
        case .bfloat16: format = .bfloat16
        case .float16: format = .float16
        default: return
        }
        guard let base = unsafe base.baseAddress, let index = unsafe format.firstNotFinite(base, count: count) else { return }
        let value: Float =
            switch format {
            case .float32: unsafe base.load(fromByteOffset: 4 * index, as: Float.self)
            case .bfloat16: unsafe Float(bitPattern: UInt32(base.load(fromByteOffset: 2 * index, as: UInt16.self)) << 16)
            case .float16: unsafe Float(base.load(fromByteOffset: 2 * index, as: Float16.self))
            }
        throw .notFinite(name: name, value: value.isNaN ? "nan" : "\(value)", index: index, shape: shape)
    }

    /// Whether the elements are those of `base`, or what these become in this tensor's own format.
    package func isCopy(of base: StoredTensor) throws(WeightError) -> Bool {
        guard shape == base.shape else { return false }
        if dtype == base.dtype { return unsafe byteCount == 0 || memcmp(bytes.baseAddress!, base.bytes.baseAddress!, byteCount) == 0 }
        let block = 1 << 16
        for start in stride(from: 0, to: count, by: block) {
            let range = start..<min(start + block, count)
            let theirs = try base.floats(range)
            for (own, value) in zip(try floats(range), theirs) where own != converted(value) { return false }
        }
        return true
    }

    /// `value` to the nearest of this tensor's format.
    private func converted(_ value: Float) -> Float {
        switch dtype {
        case .float16: Float(Float16(value))
        case .bfloat16: Float(bitPattern: (value.bitPattern + 0x7FFF + (value.bitPattern >> 16 & 1)) & 0xFFFF_0000)
        default: value
        }
    }

    private func floats(_ range: Range<Int>) throws(WeightError) -> [Float] {
        switch dtype {
        case .float32: return unsafe Array(base.assumingMemoryBound(to: Float.self)[range])
        case .bfloat16: return unsafe base.assumingMemoryBound(to: UInt16.self)[range].map { Float(bitPattern: UInt32($0) << 16) }
        case .float16: return unsafe base.assumingMemoryBound(to: UInt16.self)[range].map { Float(Float16(bitPattern: $0)) }
        default: throw .wrongDType(name: name, expected: "F32, BF16 or F16", found: dtype)
        }
    }

    /// Elements in a Swift array, for small tensors and tests.
    package func floats() throws(WeightError) -> [Float] { try tensor(rows: 1, columns: count).values }

    /// Elements of a 32-bit or 64-bit integer tensor.
    package func integers() throws(WeightError) -> [Int] {
        switch dtype {
        case .int32: return unsafe base.bindMemory(to: Int32.self).map { Int($0) }
        case .int64: return unsafe base.bindMemory(to: Int64.self).map { Int($0) }
        default: throw .wrongDType(name: name, expected: "I32 or I64", found: dtype)
        }
    }
}
