import Glibc

/// Bytes in memory that C libraries read like a file: the bytes and the read position.
///
/// The bytes are those of `head` and then of `bytes`, so that a header can be put before sound that is not copied.
@unsafe struct MemoryCursor {
    var head: [UInt8] = []
    let bytes: UnsafeRawBufferPointer
    var position = 0

    var count: Int { unsafe head.count + bytes.count }

    /// Copies what lies at the position, at most `count` bytes, and moves on; returns how many.
    mutating func read(_ destination: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let length = unsafe max(0, min(count, self.count - position))
        let fromHead = unsafe max(0, min(length, head.count - position))
        if fromHead > 0 {
            unsafe head.withUnsafeBytes { unsafe destination.copyMemory(from: $0.baseAddress! + position, byteCount: fromHead) }
        }
        if length > fromHead {
            let start = unsafe position + fromHead - head.count
            unsafe (destination + fromHead).copyMemory(from: bytes.baseAddress! + start, byteCount: length - fromHead)
        }
        unsafe position += length
        return length
    }

    /// As lseek(2), but never beyond the end; −1 before the start.
    mutating func seek(_ offset: Int, _ origin: Int32) -> Int {
        let start =
            switch origin {
            case SEEK_SET: 0
            case SEEK_CUR: unsafe position
            default: unsafe count
            }
        let (target, overflows) = start.addingReportingOverflow(offset)
        guard !overflows, target >= 0 else { return -1 }
        unsafe position = min(target, count)
        return unsafe position
    }
}
