import Glibc
import Synchronization

/// A block of 32-bit floats, aligned to 64 bytes, that frees itself.
///
/// Blocks come from and return to a small pool by exact size: a forward pass asks for the same sizes again and again, and
/// fresh pages from the kernel cost more than the arithmetic of a small model.
///
/// A buffer is written by the operation that creates it and only read afterwards, which is what makes sharing it between
/// threads sound.
@safe package final class Buffer: @unchecked Sendable {
    package let count: Int
    @unsafe package var elements: UnsafeMutablePointer<Float> { unsafe base }
    let base: UnsafeMutablePointer<Float>
    private let bytes: Int

    package init(count: Int) {
        precondition(count >= 0, "a buffer of \(count) floats")
        self.count = count
        bytes = BufferPool.roundedBytes(count)
        unsafe base = BufferPool.take(bytes)
    }

    deinit { unsafe BufferPool.give(base, bytes) }
}

/// Freed blocks kept for reuse, at most ``capacity`` bytes of them.
private enum BufferPool {
    static let capacity = 192 << 20

    @unsafe struct State: @unchecked Sendable {
        var free: [Int: [UnsafeMutableRawPointer]] = unsafe [:]
        var bytes = 0
    }
    static let state = unsafe Mutex(State())

    static func roundedBytes(_ count: Int) -> Int {
        let bytes = max(64, count * MemoryLayout<Float>.stride)
        let step = bytes < 4096 ? 64 : 4096
        return (bytes + step - 1) / step * step
    }

    static func take(_ bytes: Int) -> UnsafeMutablePointer<Float> {
        let address: Int = unsafe state.withLock { state in
            guard let block = unsafe state.free[bytes]?.popLast() else { return 0 }
            unsafe state.bytes -= bytes
            return Int(bitPattern: block)
        }
        if let block = unsafe UnsafeMutableRawPointer(bitPattern: address) {
            return unsafe block.assumingMemoryBound(to: Float.self)
        }
        guard let block = unsafe aligned_alloc(64, bytes) else {
            fatalError("out of memory: a buffer of \(bytes) bytes could not be allocated")
        }
        return unsafe block.assumingMemoryBound(to: Float.self)
    }

    static func give(_ pointer: UnsafeMutablePointer<Float>, _ bytes: Int) {
        let address = Int(bitPattern: pointer)
        let kept = unsafe state.withLock { state in
            guard unsafe state.bytes + bytes <= capacity, let block = unsafe UnsafeMutableRawPointer(bitPattern: address)
            else { return false }
            unsafe state.free[bytes, default: []].append(block)
            unsafe state.bytes += bytes
            return true
        }
        if !kept { unsafe free(pointer) }
    }
}
