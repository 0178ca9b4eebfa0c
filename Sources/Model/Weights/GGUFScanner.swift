/// Reads the pieces of a GGUF header one after the other, never past the end of the file.
///
/// Counts come from strangers: nothing is allocated for what the rest of the file cannot hold, and the values of all metadata are counted.
@safe struct GGUFScanner {
    /// Values of metadata in a file, each element of an array being one. Vocabularies have some hundred thousand.
    static let valueLimit = 4 << 20
    static let depthLimit = 4

    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0
    private var values = 0

    /// `bytes` live as long as the scanner.
    @unsafe init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = unsafe bytes }

    private var left: Int { unsafe bytes.count - offset }

    mutating func number<Value: BitwiseCopyable>(as type: Value.Type, _ what: String) throws(GGUFError.Problem) -> Value {
        guard MemoryLayout<Value>.size <= left else { throw .truncated(what: what, offset: offset) }
        defer { offset += MemoryLayout<Value>.size }
        return unsafe bytes.loadUnaligned(fromByteOffset: offset, as: Value.self)
    }

    /// A count of things that take at least `bytesEach`.
    mutating func count(_ what: String, bytesEach: Int) throws(GGUFError.Problem) -> Int {
        let count = UInt64(littleEndian: try number(as: UInt64.self, what))
        guard count <= UInt64(left / bytesEach) else { throw .countBeyondFile(what: what, count: count, offset: offset) }
        return Int(count)
    }

    mutating func string(_ what: String) throws(GGUFError.Problem) -> String {
        let length = try count(what, bytesEach: 1)
        defer { offset += length }
        guard let text = unsafe String(validating: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length]), as: UTF8.self) else {
            throw .notText(what: what, offset: offset)
        }
        return text
    }

    mutating func valueType(_ what: String) throws(GGUFError.Problem) -> GGUFValueType {
        let number = try number(as: UInt32.self, what)
        guard let type = GGUFValueType(rawValue: number) else { throw .unknownValueType(what: what, number: number) }
        return type
    }

    mutating func value(_ type: GGUFValueType, _ what: String, depth: Int = 0) throws(GGUFError.Problem) -> GGUFValue {
        values += 1
        guard values <= Self.valueLimit else { throw .tooManyValues(limit: Self.valueLimit) }
        switch type {
        case .uint8: return .integer(Int(try number(as: UInt8.self, what)))
        case .int8: return .integer(Int(try number(as: Int8.self, what)))
        case .uint16: return .integer(Int(try number(as: UInt16.self, what)))
        case .int16: return .integer(Int(try number(as: Int16.self, what)))
        case .uint32: return .integer(Int(try number(as: UInt32.self, what)))
        case .int32: return .integer(Int(try number(as: Int32.self, what)))
        case .int64: return .integer(Int(try number(as: Int64.self, what)))
        case .uint64:
            let number = try number(as: UInt64.self, what)
            guard let value = Int(exactly: number) else { throw .tooLarge(what: what, number: number) }
            return .integer(value)
        case .float32: return .number(Double(Float(bitPattern: try number(as: UInt32.self, what))))
        case .float64: return .number(Double(bitPattern: try number(as: UInt64.self, what)))
        case .bool: return .boolean(try number(as: UInt8.self, what) != 0)
        case .string: return .string(try string(what))
        case .array:
            guard depth < Self.depthLimit else { throw .tooDeep(what: what, limit: Self.depthLimit) }
            let type = try valueType(what), count = try count(what, bytesEach: type.leastBytes)
            guard count <= Self.valueLimit - values else { throw .tooManyValues(limit: Self.valueLimit) }
            var elements: [GGUFValue] = []
            elements.reserveCapacity(count)
            for _ in 0..<count { elements.append(try value(type, what, depth: depth + 1)) }
            return .array(elements)
        }
    }
}
