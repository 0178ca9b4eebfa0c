package import Tensors

/// How weight matrices are kept in memory.
package enum WeightStorage: String, Sendable, CaseIterable {
    /// As in the checkpoint: floats mapped.
    case checkpoint
    case float32
    case bfloat16
    /// 8 bits with a scale for each 32 elements (Q8_0). Wider stay tables whose rows are looked up, as one row is read per token,
    /// convolutions, whose products are few, and matrices whose rows are no whole blocks.
    case int8
    /// In the decoder 4 bits with a scale for each 32 elements (Q4_0). 8 bits for the output head, the encoder and the projector, whose
    /// errors cost more than their bytes. What stays wider is that of int8.
    case int4

    /// What a matrix does in the model.
    package enum Use: Sendable, CaseIterable {
        case linear, head, convolution
        /// Rows that are looked up.
        case table
    }

    /// The format that a matrix is converted to; nil where it stays as the checkpoint has it.
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

    /// The same for a matrix of `columns`, of which blocks must be whole.
    func format(for use: Use, in part: Parameter.Part, columns: Int) -> StoredFormat? {
        format(for: use, in: part).flatMap { columns % $0.blockElements == 0 ? $0 : nil }
    }
}
