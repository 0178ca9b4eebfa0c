import CKernels

/// Formats of floating-point elements in files.
package enum FloatFormat: Sendable {
    case float32, bfloat16, float16

    /// Where the first of `count` elements at `base` stands that is infinite or not a number; nil where all are finite.
    @unsafe package func firstNotFinite(_ base: UnsafeRawPointer, count: Int) -> Int? {
        let index =
            switch self {
            case .float32: unsafe ck_find_not_finite_32(base.assumingMemoryBound(to: UInt32.self), count, 0x7F80_0000)
            case .bfloat16: unsafe ck_find_not_finite_16(base.assumingMemoryBound(to: UInt16.self), count, 0x7F80)
            case .float16: unsafe ck_find_not_finite_16(base.assumingMemoryBound(to: UInt16.self), count, 0x7C00)
            }
        return index < count ? index : nil
    }
}
