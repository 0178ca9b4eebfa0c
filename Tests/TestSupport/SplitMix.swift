/// SplitMix64: random numbers that a seed fixes, so that what a test found is found again.
package struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// `bytes` with some replaced by others. Half of the changes go to the first `head` bytes, where they hurt most.
    package mutating func replacing(_ changes: ClosedRange<Int>, in bytes: [UInt8], head: Int) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: changes, using: &self) {
            let end = Bool.random(using: &self) ? min(head, bytes.count) : bytes.count
            bytes[Int.random(in: 0..<end, using: &self)] = UInt8.random(in: 0...255, using: &self)
        }
        return bytes
    }

    /// `bytes` with one to four pieces changed, taken out, doubled, or put in from `words`; never empty.
    package mutating func spoiling(_ bytes: [UInt8], with words: [String]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...(next() % 4) {
            let place = Int(next() % UInt64(bytes.count + 1))
            switch next() % 5 {
            case 0: if place < bytes.count { bytes[place] = UInt8(truncatingIfNeeded: next()) }
            case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + Int(next() % 8)))
            case 2: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + Int(next() % 40))], at: place)
            case 3: if place < bytes.count { bytes[place] ^= 1 << UInt8(next() % 8) }
            default: bytes.insert(contentsOf: Array(words[Int(next() % UInt64(words.count))].utf8), at: place)
            }
            if bytes.isEmpty { bytes = [0] }
        }
        return bytes
    }
}
