import Tensors

/// The header of a GGUF file: its metadata, and each tensor's type, shape and place in the data that follow.
///
///     "GGUF" │ u32 version │ u64 tensors │ u64 values │ key, type, value … │ name, dimensions, type, offset … │ padding │ data
///
/// All numbers are little-endian. Every tensor's data begin at a multiple of `general.alignment`, right after the former's.
struct GGUFHeader {
    struct Entry {
        let dtype: DType
        /// The shape in the usual order: elements along the last dimension are adjacent. GGUF's own order is the reverse.
        let shape: [Int]
        let range: Range<Int>  // in the data
    }

    /// Element types by their numbers.
    static let types: [UInt32: DType] = {
        var types: [UInt32: DType] = [24: .int8, 25: .int16, 26: .int32, 27: .int64, 28: .float64]
        for format in StoredFormat.all { types[format.ggufType] = DType(format) }
        return types
    }()

    /// Names of types that are not read, for errors.
    static let unreadTypes: [UInt32: String] = [
        9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S", 22: "IQ2_S",
        29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
    ]

    private(set) var metadata: [String: GGUFValue] = [:]
    private(set) var entries: [String: Entry] = [:]
    /// The offset of the data in the file.
    private(set) var dataOffset = 0

    /// Reads the header of a whole file and checks every entry against it.
    init(_ bytes: UnsafeRawBufferPointer) throws(GGUFError.Problem) {
        var scanner = unsafe GGUFScanner(bytes)
        let magic = try scanner.number(as: UInt32.self, "the format's name")
        guard magic == 0x4655_4747 else { throw .notGGUF(found: magic.byteSwapped) }
        let version = try scanner.number(as: UInt32.self, "the version")
        guard version & 0xFFFF != 0 || version == 0 else { throw .bigEndian }
        guard version == 2 || version == 3 else { throw .unsupportedVersion(version) }
        // A tensor takes at least its name's length, a dimension, its type and its offset; a value its key's length, type and a byte.
        let tensorCount = try scanner.count("the number of tensors", bytesEach: 8 + 4 + 8 + 4 + 8)
        let valueCount = try scanner.count("the number of values", bytesEach: 8 + 4 + 1)
        for _ in 0..<valueCount {
            let key = try scanner.string("the key of a value")
            let type = try scanner.valueType(key)
            guard metadata.updateValue(try scanner.value(type, key), forKey: key) == nil else { throw .twice(what: key) }
        }
        let alignment = try alignment()
        var found: [(name: String, dtype: DType, shape: [Int], bytes: Int, offset: UInt64)] = []
        for _ in 0..<tensorCount {
            let name = try scanner.string("the name of a tensor")
            let shape = try Self.shape(of: name, &scanner)
            let number = try scanner.number(as: UInt32.self, name)
            guard let dtype = Self.types[number] else { throw .unknownType(tensor: name, number: number) }
            let offset = try scanner.number(as: UInt64.self, name)
            found.append((name, dtype, shape, try Self.byteCount(name, dtype, shape), offset))
        }
        guard !found.isEmpty else { return }
        dataOffset = (scanner.offset + alignment - 1) / alignment * alignment
        try place(found, alignment: alignment, dataCount: bytes.count - dataOffset)
    }

    private func alignment() throws(GGUFError.Problem) -> Int {
        let key = "general.alignment"
        guard let value = metadata[key] else { return 32 }
        guard let alignment = value.integer, alignment >= 8, alignment <= 1 << 20, alignment.nonzeroBitCount == 1 else {
            throw .wrongMetadata(key: key, expected: "a power of two from 8 to \(1 << 20)", found: String("\(value)".prefix(80)))
        }
        return alignment
    }

    private static func shape(of name: String, _ scanner: inout GGUFScanner) throws(GGUFError.Problem) -> [Int] {
        let count = try scanner.number(as: UInt32.self, name)
        guard (1...4).contains(count) else { throw .wrongDimensions(tensor: name, count: count) }
        var shape: [Int] = []
        for _ in 0..<count {
            let size = try scanner.number(as: UInt64.self, name)
            guard let size = Int(exactly: size) else { throw .tooLarge(what: "tensor " + name, number: size) }
            shape.insert(size, at: 0)
        }
        guard !shape.contains(0) else { throw .emptyTensor(tensor: name, shape: shape) }
        return shape
    }

    private static func byteCount(_ name: String, _ dtype: DType, _ shape: [Int]) throws(GGUFError.Problem) -> Int {
        guard let columns = shape.last, columns % dtype.blockElements == 0 else {
            throw .partialBlock(tensor: name, columns: shape.last ?? 1, block: dtype.blockElements, type: dtype.name)
        }
        // Elements are counted too: their number must be an Int as well.
        guard let bytes = dtype.byteCount(shape: shape), DType.int8.byteCount(shape: shape) != nil else {
            throw .sizeOverflow(tensor: name, shape: shape)
        }
        return bytes
    }

    /// Tensors in the order of their data, each of which begins where the former ends, but for padding.
    private mutating func place(
        _ found: [(name: String, dtype: DType, shape: [Int], bytes: Int, offset: UInt64)], alignment: Int, dataCount: Int
    ) throws(GGUFError.Problem) {
        var end = 0, last = ""
        for tensor in found.sorted(by: { ($0.offset, $0.name) < ($1.offset, $1.name) }) {
            guard tensor.offset % UInt64(alignment) == 0 else {
                throw .misaligned(tensor: tensor.name, offset: tensor.offset, alignment: alignment)
            }
            guard let begin = Int(exactly: tensor.offset), begin <= dataCount, tensor.bytes <= dataCount - begin else {
                let (end, overflow) = tensor.offset.addingReportingOverflow(UInt64(tensor.bytes))
                throw .beyondFile(tensor: tensor.name, end: Int(clamping: overflow ? UInt64.max : end), data: max(0, dataCount))
            }
            guard begin >= end else { throw .overlap(tensor: tensor.name, with: last) }
            let padded = (end + alignment - 1) / alignment * alignment
            guard begin == padded else { throw .hole(before: tensor.name, bytes: begin - end) }
            let entry = Entry(dtype: tensor.dtype, shape: tensor.shape, range: begin..<begin + tensor.bytes)
            guard entries.updateValue(entry, forKey: tensor.name) == nil else { throw .twice(what: "tensor " + tensor.name) }
            (end, last) = (begin + tensor.bytes, tensor.name)
        }
        guard dataCount - end < alignment else { throw .trailingBytes(dataCount - end) }
    }
}
