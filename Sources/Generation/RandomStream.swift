/// SplitMix64 (Steele, Lea and Flood, 2014): a small generator whose streams are told apart by seed and index.
///
/// The same seed and index give the same numbers on every machine.
package struct RandomStream: RandomNumberGenerator, Sendable, Equatable, Codable {
    private var state: UInt64

    package init(seed: UInt64, index: Int = 0) {
        var mixer = RandomStream(state: seed)
        let first = mixer.next()
        state = first ^ (UInt64(bitPattern: Int64(index)) &* 0xD134_2543_DE82_EF95)
        _ = next()
    }

    private init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in [0, 1), of 53 bits.
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}
