/// A small seeded generator: Steele, Lea and Flood's SplitMix64 (2014), a counter put through a mixing function.
///
///     state ← state + 0x9E3779B97F4A7C15
///     output = mix(state)
///
/// Everything random in an evaluation draws from one of these, passed in, so that a report can be made again bit for bit.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// An index in 0..<count: the high word of a 128-bit product. Its bias is below count/2⁶⁴. The standard library's
    /// `random(in:)` is not used because its algorithm may change between Swift versions, and with it a report's numbers.
    package mutating func index(below count: Int) -> Int {
        precondition(count > 0, "an index needs at least one choice, found \(count)")
        return Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }
}
