import Foundation

/// A stream of pseudo-random numbers that is the same on every machine and in every version of the standard library:
/// SplitMix64 (Steele, Lea and Flood, 2014), a counter put through a mixing function.
///
///     state ← state + 0x9E3779B97F4A7C15
///     output = mixed(state)
///
/// Everything that a seed names draws from one of these, passed in: question sets, sampled answers, bootstraps. The draws are
/// part of the format, so they never change; `Int.random(in:using:)` may change how it consumes a generator.
package struct RandomStream: RandomNumberGenerator, Sendable, Equatable, Codable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// An independent stream for one part of a whole, so that adding a part does not move the others.
    package init(seed: UInt64, part: String) {
        state = seed ^ StableHash.of(part)
        _ = next()
    }

    /// Creates one of many independent streams, such as those of the answers to one prompt.
    package init(seed: UInt64, index: Int) {
        var mixer = RandomStream(seed: seed)
        state = mixer.next() ^ (UInt64(bitPattern: Int64(index)) &* 0xD134_2543_DE82_EF95)
        _ = next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return StableHash.mixed(state)
    }

    /// The first number of a stream that is used only once.
    package var first: UInt64 {
        var stream = self
        return stream.next()
    }

    /// A uniform number of [0, 1), of 53 bits.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A standard normal number (Box and Muller), of two uniform ones: the radius first.
    package mutating func normal() -> Double { (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit()) }

    /// A uniform integer of `range`, by rejection.
    package mutating func integer(_ range: ClosedRange<Int>) -> Int {
        let width = UInt64(range.upperBound - range.lowerBound) + 1
        let unbiased = UInt64.max - UInt64.max % width
        while true {
            let value = next()
            if value < unbiased { return range.lowerBound + Int(value % width) }
        }
    }

    /// An index in 0..<count, from one number always: the high word of a 128-bit product. Its bias is below count/2⁶⁴.
    package mutating func index(below count: Int) -> Int {
        precondition(count > 0, "an index needs at least one choice, found \(count)")
        return Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }

    package mutating func pick<Element>(_ elements: [Element]) -> Element {
        precondition(!elements.isEmpty, "cannot pick from nothing")
        return elements[integer(0...elements.count - 1)]
    }

    package mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var result = elements
        guard result.count > 1 else { return result }
        for index in stride(from: result.count - 1, through: 1, by: -1) {
            result.swapAt(index, integer(0...index))
        }
        return result
    }

    /// `count` different elements in random order.
    package mutating func sample<Element>(_ count: Int, of elements: [Element]) -> [Element] {
        precondition(count <= elements.count, "cannot sample \(count) of \(elements.count) elements")
        return Array(shuffled(elements).prefix(count))
    }
}
