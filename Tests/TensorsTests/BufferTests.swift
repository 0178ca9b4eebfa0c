import Tensors
import Testing

@Suite struct BufferTests {
    /// Batches differ in rows from pass to pass: what the pool keeps must not grow with the number of sizes seen.
    @Test func buffersOfManySizesAreReused() {
        let before = Buffer.pooledBytes
        for count in stride(from: 100_000, to: 800_000, by: 1100) { _ = Buffer(count: count) }
        #expect(Buffer.pooledBytes - before < 48 << 20)
    }

    @Test func thePoolHasABound() {
        var kept = (0..<96).map { _ in Buffer(count: 1 << 20) }
        kept.removeAll()
        #expect(Buffer.pooledBytes <= 192 << 20)
    }

    @Test func roundedSizesHoldWhatWasAskedFor() {
        for count in [0, 1, 15, 16, 17, 1023, 1024, 1025, 33_333, (1 << 20) - 1, 1 << 20, (1 << 20) + 1] {
            let buffer = Buffer(count: count)
            #expect(buffer.count == count)
            for index in 0..<count { unsafe buffer.elements[index] = Float(index) }
            if count > 0 { #expect(unsafe buffer.elements[count - 1] == Float(count - 1)) }
        }
    }
}
