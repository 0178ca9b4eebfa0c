import Glibc
import Synchronization

/// A block of 32-bit floats, aligned to 64 bytes, that frees itself.
///
/// Blocks come from and return to a small pool by size: a forward pass asks for the same sizes again and again, and
/// fresh pages from the kernel cost more than the arithmetic of a small model.
///
/// A buffer is written by the operation that creates it and only read afterwards, which is what makes sharing it between
/// threads sound.
@safe package final class Buffer: @unchecked Sendable {
    package let count: Int
    @unsafe package var elements: UnsafeMutablePointer<Float> { unsafe base }
    let base: UnsafeMutablePointer<Float>
    private let size: SizeClass

    package init(count: Int) {
        precondition(count >= 0, "a buffer of \(count) floats")
        self.count = count
        size = SizeClass(holding: count * MemoryLayout<Float>.stride)
        unsafe base = BufferPool.take(size)
    }

    deinit { unsafe BufferPool.give(base, size) }

    /// Bytes of freed blocks that are kept for reuse, by all of this process.
    package static var pooledBytes: Int { BufferPool.state.withLock { $0.bytes } }
}

/// Sizes of blocks: eight steps an octave, 64 bytes apart at least.
private struct SizeClass {
    let bytes: Int
    /// Below 512, for all sizes that there are.
    let index: Int

    /// The smallest that holds so many bytes.
    init(holding count: Int) {
        let wanted = max(64, count)
        let step = Self.step(of: wanted)
        bytes = (wanted + step - 1) / step * step
        index = Self.octave(of: bytes) * 8 + (bytes - Self.power(of: bytes)) / Self.step(of: bytes)
    }

    private static func octave(of bytes: Int) -> Int { Int.bitWidth - 1 - bytes.leadingZeroBitCount }
    private static func power(of bytes: Int) -> Int { 1 << octave(of: bytes) }
    private static func step(of bytes: Int) -> Int { max(64, power(of: bytes) / 8) }
}

/// Freed blocks for reuse, at most ``capacity`` bytes. Beyond that, the blocks of the least recently used size are freed.
///
/// Batches differ in rows from one pass to the next: kept by exact size, blocks that fit nothing any more would fill the pool.
private enum BufferPool {
    static let capacity = 192 << 20

    struct Shelf {
        /// Addresses.
        var free: [UInt] = []
        var bytesEach = 0
        var lastUse = 0
    }

    struct State {
        var shelves = [Shelf](repeating: Shelf(), count: 512)
        var bytes = 0
        var clock = 0

        mutating func take(_ size: SizeClass) -> UInt? {
            clock += 1
            shelves[size.index].lastUse = clock
            guard let address = shelves[size.index].free.popLast() else { return nil }
            bytes -= size.bytes
            return address
        }

        mutating func keep(_ address: UInt, _ size: SizeClass) {
            shelves[size.index].bytesEach = size.bytes
            shelves[size.index].free.append(address)
            bytes += size.bytes
        }

        mutating func takeOldest() -> UInt? {
            guard let oldest = shelves.indices.filter({ !shelves[$0].free.isEmpty }).min(by: { shelves[$0].lastUse < shelves[$1].lastUse })
            else { return nil }
            bytes -= shelves[oldest].bytesEach
            return shelves[oldest].free.popLast()
        }
    }

    static let state = Mutex(State())

    static func take(_ size: SizeClass) -> UnsafeMutablePointer<Float> {
        let known = unsafe state.withLock { $0.take(size) }.flatMap { unsafe UnsafeMutableRawPointer(bitPattern: $0) }
        guard let block = unsafe known ?? aligned_alloc(64, size.bytes) else {
            fatalError("out of memory: a buffer of \(size.bytes) bytes could not be allocated")
        }
        return unsafe block.assumingMemoryBound(to: Float.self)
    }

    static func give(_ pointer: UnsafeMutablePointer<Float>, _ size: SizeClass) {
        let address = UInt(bitPattern: pointer)
        state.withLock { state in
            state.keep(address, size)
            while state.bytes > capacity, let oldest = state.takeOldest() {
                unsafe free(UnsafeMutableRawPointer(bitPattern: oldest))
            }
        }
    }
}
