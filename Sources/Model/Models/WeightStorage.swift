package import Tensors

/// How weight matrices are kept in memory.
package enum WeightStorage: String, Sendable, CaseIterable {
    /// As in the checkpoint: floats mapped.
    case checkpoint
    case float32
    case bfloat16
    /// 8 bits with a scale for each 32 elements (Q8_0). Tables whose rows are looked up stay as they are: a row of them is read per token.
    case int8
    /// 4 bits with a scale for each 32 elements (Q4_0); 8 bits for the output head and the convolutions, whose errors cost more than their
    /// bytes. Tables stay as they are.
    case int4

    /// What a matrix does in the model.
    package enum Use: Sendable, CaseIterable {
        case linear, head, convolution
        /// Rows that are looked up.
        case table
    }

    /// The format that a matrix is converted to; nil where it stays as the checkpoint has it.
    package func format(for use: Use) -> StoredFormat? {
        switch self {
        case .checkpoint: nil
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .int8:
            switch use {
            case .linear, .head, .convolution: .q8_0
            case .table: nil
            }
        case .int4:
            switch use {
            case .linear: .q4_0
            case .head, .convolution: .q8_0
            case .table: nil
            }
        }
    }
}
