import CKernels

/// The storage format of a weight's elements: a row of the kernels' table (`Sources/Arithmetic/ADD_A_FORMAT.md`).
package struct StoredFormat: Hashable, Sendable, CustomStringConvertible {
    let row: ck_format

    private init(_ row: ck_format) { self.row = row }

    package static let float32 = StoredFormat(ck_format_f32)
    package static let float16 = StoredFormat(ck_format_f16)
    package static let bfloat16 = StoredFormat(ck_format_bf16)
    /// Blocks of 32 bytes with a scale.
    package static let q8_0 = StoredFormat(ck_format_q8_0)
    /// Blocks of 32 four-bit integers with a scale.
    package static let q4_0 = StoredFormat(ck_format_q4_0)

    package static let all = (0..<ck_format_count.rawValue).map { StoredFormat(ck_format(rawValue: $0)) }

    private var facts: ck_format_facts { unsafe ck_facts(row).pointee }

    /// Its name in files: `BF16`, `Q4_K`.
    package var name: String { unsafe String(cString: facts.name) }
    package var description: String { name }
    /// GGUF's number for it.
    package var ggufType: UInt32 { unsafe facts.gguf }
    /// The elements and bytes of a block along a row. Formats of floats have blocks of one element.
    package var blockElements: Int { unsafe facts.block_elements }
    package var blockBytes: Int { unsafe facts.block_bytes }
    /// Whether matrices can be converted to it.
    package var isWritable: Bool { ck_is_writable(row) }

    /// The bytes of a matrix in a file. A row that is not whole blocks ends with a partly filled block.
    package func byteCount(rows: Int, columns: Int) -> Int { rows * ck_row_bytes(row, columns) }

    /// Where the first of `count` elements at `stored`, as files have them, stands that is infinite or not a number or whose scale is; nil
    /// where all are finite.
    @unsafe package func firstNotFinite(_ stored: UnsafeRawPointer, count: Int) -> Int? {
        let index = unsafe ck_find_not_finite(row, stored, count)
        return index < count ? index : nil
    }
}
