import Foundation
import Models
import Tensors
import Weights

/// How weights are stored and multiplied (`--dtype`).
package enum ModelPrecision: String, Sendable, CaseIterable {
    /// Quantised files are used as they are, in integers. Others use float32 below a billion parameters; above, bfloat16 if the checkpoint has 16
    /// bits.
    case auto
    /// float32 arithmetic on the weights as stored; gives transformers' float32 numbers.
    case float32
    /// Weights in bfloat16; activations are rounded to bfloat16 in products.
    case bfloat16
    /// Weights in 8 bits with one scale per 32 elements (Q8_0). Activations are rounded likewise, and products use integers.
    case int8
    /// The same with weights in 4 bits (Q4_0); the output head keeps 8.
    case int4
}

/// The formats that a precision gives to one checkpoint.
struct ModelWidth {
    let name: String
    let storage: WeightStorage
    let arithmetic: Arithmetic

    /// - Throws: ``ModelError`` if weights are already quantised and would be quantised again, unless `requantizes` allows it.
    init(_ precision: ModelPrecision, of checkpoint: Checkpoint, requantizes: Bool) throws {
        let quantized = Self.quantized(checkpoint)
        switch precision {
        case .auto:
            if let quantized {
                (name, storage, arithmetic) = (quantized, .checkpoint, .narrow)
            } else if Self.isLargeAndNarrow(checkpoint) {
                (name, storage, arithmetic) = (ModelPrecision.bfloat16.rawValue, .bfloat16, .narrow)
            } else {
                (name, storage, arithmetic) = (ModelPrecision.float32.rawValue, .checkpoint, .float32)
            }
            return
        case .float32: (storage, arithmetic) = (.checkpoint, .float32)
        case .bfloat16: (storage, arithmetic) = (.bfloat16, .narrow)
        case .int8: (storage, arithmetic) = (.int8, .narrow)
        case .int4: (storage, arithmetic) = (.int4, .narrow)
        }
        name = precision.rawValue
        if let quantized, storage != .checkpoint, !requantizes {
            throw ModelError(
                """
                \(checkpoint.directory.path) is quantised already, most of it in \(quantized); --dtype \(name) would round it once more. Leave \
                --dtype away to compute with it as it is, take float32 for exact arithmetic on it, or add --requantize
                """)
        }
    }

    /// The block format of most quantised weights; nil if there are none.
    private static func quantized(_ checkpoint: Checkpoint) -> String? {
        let blocks = checkpoint.tensors.values.filter { $0.dtype.blockElements > 1 }
        let sizes = Dictionary(grouping: blocks, by: \.dtype.name).mapValues { $0.reduce(0) { $0 + $1.count } }
        return sizes.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
    }

    private static func isLargeAndNarrow(_ checkpoint: Checkpoint) -> Bool {
        let count = checkpoint.tensors.values.reduce(0) { $0 + $1.count }
        return count >= 1_000_000_000 && checkpoint.tensors.values.contains { $0.dtype == .bfloat16 || $0.dtype == .float16 }
    }
}
