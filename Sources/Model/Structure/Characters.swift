/// A set of characters, as ordered ranges of code points that neither touch nor overlap, without surrogates.
struct CharacterRanges: Sendable, Equatable {
    private(set) var ranges: [ClosedRange<UInt32>]

    static let all = CharacterRanges([0...0xD7FF, 0xE000...0x10FFFF])
    static let none = CharacterRanges([])

    init(_ ranges: [ClosedRange<UInt32>]) {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound &+ 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    init(_ characters: String) { self.init(characters.unicodeScalars.map { $0.value...$0.value }) }

    func union(_ other: CharacterRanges) -> CharacterRanges { CharacterRanges(ranges + other.ranges) }

    func intersection(_ other: CharacterRanges) -> CharacterRanges {
        CharacterRanges(
            ranges.flatMap { a in
                other.ranges.compactMap { b in
                    let (low, high) = (max(a.lowerBound, b.lowerBound), min(a.upperBound, b.upperBound))
                    return low <= high ? low...high : nil
                }
            })
    }

    var inverted: CharacterRanges {
        var left: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { left.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { left.append(next...0x10FFFF) }
        return CharacterRanges(left).intersection(.all)
    }

    func subtracting(_ other: CharacterRanges) -> CharacterRanges { intersection(other.inverted) }
}

extension Grammar {
    /// The forms in which characters are written.
    enum Writing {
        case plain
        /// Within the quotes of a JSON string. Characters that cannot be there are escaped, in the shortest form.
        case quoted
    }

    /// One character of `set`.
    mutating func character(_ set: CharacterRanges, _ writing: Writing, from: Node) throws(StructureError) -> Node {
        let out = try node()
        var plain = set
        if writing == .quoted {
            let escaped = CharacterRanges([0...0x1F, 0x22...0x22, 0x5C...0x5C])
            plain = set.subtracting(escaped)
            for range in set.intersection(escaped).ranges {
                for value in range { free(try literal(Self.escape(value), from: from), to: out) }
            }
        }
        for range in plain.ranges {
            for sequence in Self.utf8(range) {
                var place = from
                for bytes in sequence.dropLast() {
                    let next = try node()
                    read(bytes, from: place, to: next)
                    place = next
                }
                if let last = sequence.last { read(last, from: place, to: out) }
            }
        }
        return out
    }

    /// The shortest JSON escape of a character that needs one.
    static func escape(_ value: UInt32) -> String {
        switch value {
        case 0x22: return "\\\""
        case 0x5C: return "\\\\"
        case 0x08: return "\\b"
        case 0x09: return "\\t"
        case 0x0A: return "\\n"
        case 0x0C: return "\\f"
        case 0x0D: return "\\r"
        default:
            let hex = String(value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        }
    }

    /// The UTF-8 of a range of code points, as sequences of ranges of bytes.
    static func utf8(_ range: ClosedRange<UInt32>) -> [[ClosedRange<UInt8>]] {
        let parts: [ClosedRange<UInt32>] = [0...0x7F, 0x80...0x7FF, 0x800...0xFFFF, 0x1_0000...0x10_FFFF]
        return parts.flatMap { part -> [[ClosedRange<UInt8>]] in
            let (low, high) = (max(part.lowerBound, range.lowerBound), min(part.upperBound, range.upperBound))
            guard low <= high else { return [] }
            return split(Array(bytes(low)[...]), Array(bytes(high)[...]))
        }
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        switch value {
        case ..<0x80: [UInt8(value)]
        case ..<0x800: [0xC0 | UInt8(value >> 6), 0x80 | UInt8(value & 0x3F)]
        case ..<0x1_0000: [0xE0 | UInt8(value >> 12), 0x80 | UInt8(value >> 6 & 0x3F), 0x80 | UInt8(value & 0x3F)]
        default:
            [
                0xF0 | UInt8(value >> 18), 0x80 | UInt8(value >> 12 & 0x3F), 0x80 | UInt8(value >> 6 & 0x3F),
                0x80 | UInt8(value & 0x3F),
            ]
        }
    }

    /// Sequences between two of one length.
    private static func split(_ low: [UInt8], _ high: [UInt8]) -> [[ClosedRange<UInt8>]] {
        guard low.count > 1 else { return [[low[0]...high[0]]] }
        let (least, most) = ([UInt8](repeating: 0x80, count: low.count - 1), [UInt8](repeating: 0xBF, count: low.count - 1))
        let (lowRest, highRest) = (Array(low.dropFirst()), Array(high.dropFirst()))
        func under(_ head: ClosedRange<UInt8>, _ from: [UInt8], _ to: [UInt8]) -> [[ClosedRange<UInt8>]] {
            split(from, to).map { [head] + $0 }
        }
        if low[0] == high[0] { return under(low[0]...low[0], lowRest, highRest) }
        var sequences: [[ClosedRange<UInt8>]] = []
        var (first, last) = (low[0], high[0])
        if lowRest != least {
            sequences += under(first...first, lowRest, most)
            first += 1
        }
        if highRest != most {
            sequences += under(last...last, least, highRest)
            last -= 1
        }
        if first <= last { sequences.append([first...last] + least.map { _ in 0x80...0xBF }) }
        return sequences
    }
}
