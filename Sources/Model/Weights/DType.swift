package import Tensors

/// The type of a tensor's elements in a file, little-endian: a stored format of weights, or another kind of number.
package struct DType: Hashable, Sendable, CustomStringConvertible {
    /// The name in files and errors: `BF16`, `I64`, `Q4_K`.
    package let name: String
    /// The elements and bytes of a block along the last dimension. Plain formats have one element per block.
    package let blockElements: Int
    package let blockBytes: Int
    /// The stored format, if weights may have it.
    package let format: StoredFormat?

    package init(_ format: StoredFormat) {
        name = format.name
        blockElements = format.blockElements
        blockBytes = format.blockBytes
        self.format = format
    }

    private init(_ name: String, bytes: Int) {
        self.name = name
        blockElements = 1
        blockBytes = bytes
        format = nil
    }

    package static let float32 = DType(.float32)
    package static let float16 = DType(.float16)
    package static let bfloat16 = DType(.bfloat16)
    package static let float64 = DType("F64", bytes: 8)
    package static let int64 = DType("I64", bytes: 8)
    package static let int32 = DType("I32", bytes: 4)
    package static let int16 = DType("I16", bytes: 2)
    package static let int8 = DType("I8", bytes: 1)
    package static let uint64 = DType("U64", bytes: 8)
    package static let uint32 = DType("U32", bytes: 4)
    package static let uint16 = DType("U16", bytes: 2)
    package static let uint8 = DType("U8", bytes: 1)
    package static let bool = DType("BOOL", bytes: 1)

    /// The types of the safetensors format, with one element per block. The block's bytes are also the alignment.
    package static let safetensors = [
        float64, float32, float16, bfloat16, int64, int32, int16, int8, uint64, uint32, uint16, uint8, bool,
    ]

    package var description: String { name }

    /// Bytes of a tensor; nil if its last dimension is not in whole blocks, or they are more than an Int holds.
    package func byteCount(shape: [Int]) -> Int? {
        guard (shape.last ?? 1) % blockElements == 0 else { return nil }
        var bytes = blockBytes
        for (dimension, size) in shape.enumerated() {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension == shape.count - 1 ? size / blockElements : size)
            guard !overflow else { return nil }
            bytes = product
        }
        return bytes
    }
}
