package import Tensors

/// The formats of weight matrices in memory.
package enum WeightStorage: String, Sendable, CaseIterable {
    /// The checkpoint's format, mapped from the file.
    case checkpoint
    case float32
    case bfloat16
    /// 8 bits with a scale for each 32 elements (Q8_0). Some matrices keep their format: tables, of which one row is read per token;
    /// convolutions, which have few products; and matrices whose rows are not whole blocks.
    case int8
    /// 4 bits with a scale for each 32 elements (Q4_0) in the decoder. The output head, the encoder and the projector have 8 bits, because their
    /// errors cost more than their bytes. The matrices that keep their format are those of int8.
    case int4

    /// The use of a matrix in the model.
    package enum Use: Sendable, CaseIterable {
        case linear, head, convolution
        /// A table whose rows are looked up.
        case table
    }

    /// The format that a matrix is converted to; nil if it keeps the checkpoint's.
    package func format(for use: Use, in part: Parameter.Part) -> StoredFormat? {
        switch self {
        case .checkpoint: nil
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .int8:
            switch use {
            case .linear, .head: .q8_0
            case .convolution, .table: nil
            }
        case .int4:
            switch use {
            case .linear: part == .decoder ? .q4_0 : .q8_0
            case .head: .q8_0
            case .convolution, .table: nil
            }
        }
    }

    /// The same for a matrix of `columns` columns, which must be whole blocks.
    func format(for use: Use, in part: Parameter.Part, columns: Int) -> StoredFormat? {
        format(for: use, in: part).flatMap { columns % $0.blockElements == 0 ? $0 : nil }
    }
}
