/// A value of a GGUF file's metadata.
package enum GGUFValue: Equatable, Sendable {
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case string(String)
    case array([GGUFValue])

    package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
}

/// The kinds of values, by the numbers that files have for them.
enum GGUFValueType: UInt32 {
    case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

    /// The fewest bytes that a value takes.
    var leastBytes: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64, .string: 8
        case .array: 12
        }
    }
}
