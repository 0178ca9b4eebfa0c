/// A stream of pseudo-random numbers that is the same on every machine and in every version of the standard library:
/// SplitMix64 (Steele, Lea and Flood 2014), with bounded draws by rejection.
///
/// `Int.random(in:using:)` is free to change how it consumes a generator, so a seed would not name a question set for
/// good; the draws here are part of the format.
package struct RandomStream: Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    /// An independent stream for one part of a whole, so that adding a part does not move the others.
    package init(seed: UInt64, part: String) {
        state = seed ^ StableHash.of(part)
        _ = next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return StableHash.mixed(state)
    }

    /// A uniform integer of `range`.
    package mutating func integer(_ range: ClosedRange<Int>) -> Int {
        let width = UInt64(range.upperBound - range.lowerBound) + 1
        let unbiased = UInt64.max - UInt64.max % width
        while true {
            let value = next()
            if value < unbiased { return range.lowerBound + Int(value % width) }
        }
    }

    /// A uniform number of [0, 1).
    package mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
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

/// FNV-1a over UTF-8, finished by SplitMix64's mixing function: equal on every machine, unlike `Hasher`.
package enum StableHash {
    package static func of(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        return mixed(hash)
    }

    static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
