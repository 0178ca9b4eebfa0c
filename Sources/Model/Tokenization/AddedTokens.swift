/// Finds the added tokens in text: the longest at the leftmost place, as an Aho-Corasick automaton with that rule would.
///
/// Control tokens (special, or written `<|…|>`) are found only in trusted text.
struct AddedTokens: Sendable {
    struct Token: Sendable {
        var id: Int32
        var isControl: Bool
        var singleWord: Bool
        var stripsLeft: Bool
        var stripsRight: Bool
    }

    struct Match {
        var range: Range<Int>
        var id: Int32
    }

    private var tokens: [Token] = []
    private var startsToken = [Bool](repeating: false, count: 256)
    /// (node << 8 | byte) → node; node 0 is the root.
    private var edges: [UInt32: UInt32] = [:]
    private var tokenAt: [Int32] = [-1]

    var isEmpty: Bool { tokens.isEmpty }

    mutating func add(_ content: [UInt8], _ token: Token) {
        guard let first = content.first else { return }
        startsToken[Int(first)] = true
        var node: UInt32 = 0
        for byte in content {
            let key = node << 8 | UInt32(byte)
            if let existing = edges[key] {
                node = existing
            } else {
                let created = UInt32(tokenAt.count)
                edges[key] = created
                tokenAt.append(-1)
                node = created
            }
        }
        guard tokenAt[Int(node)] < 0 else { return }
        tokenAt[Int(node)] = Int32(tokens.count)
        tokens.append(token)
    }

    /// The tokens in `text`, in order, without overlaps. Source: `AddedVocabulary::find_matches` in `tokenizers`.
    func matches(in text: [UInt8], _ trust: Trust) -> [Match] {
        var result: [Match] = []
        guard !tokens.isEmpty else { return result }
        var position = 0
        var consumed = 0
        while position < text.count {
            guard startsToken[Int(text[position])] else {
                position += 1
                continue
            }
            var node: UInt32 = 0
            var index = position
            var found: (token: Token, end: Int)?
            while index < text.count, let child = edges[node << 8 | UInt32(text[index])] {
                node = child
                index += 1
                let token = tokenAt[Int(node)]
                if token >= 0, !tokens[Int(token)].isControl || trust.covers(position..<index) {
                    found = (tokens[Int(token)], index)
                }
            }
            guard let (token, tokenEnd) = found else {
                position += 1
                continue
            }
            var (start, end) = (position, tokenEnd)
            position = tokenEnd
            if token.singleWord, Self.wordEnds(text, start) || Self.wordStarts(text, end) { continue }
            if token.stripsLeft {
                while let (scalar, length) = Self.scalar(before: start, in: text), scalar.properties.isWhitespace,
                    start - length >= consumed
                { start -= length }
            }
            if token.stripsRight {
                while let (scalar, length) = Self.scalar(at: end, in: text), scalar.properties.isWhitespace {
                    end += length
                }
            }
            guard start >= consumed else { continue }
            result.append(Match(range: start..<end, id: token.id))
            consumed = end
            position = max(position, end)
        }
        return result
    }

    private static func wordStarts(_ text: [UInt8], _ index: Int) -> Bool {
        scalar(at: index, in: text).map { isWord($0.0) } ?? false
    }

    private static func wordEnds(_ text: [UInt8], _ index: Int) -> Bool {
        scalar(before: index, in: text).map { isWord($0.0) } ?? false
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }

    private static func scalar(at index: Int, in text: [UInt8]) -> (Unicode.Scalar, Int)? {
        guard index < text.count else { return nil }
        let first = text[index]
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard let scalar = String(decoding: text[index..<min(index + length, text.count)], as: UTF8.self).unicodeScalars.first
        else { return nil }
        return (scalar, length)
    }

    private static func scalar(before index: Int, in text: [UInt8]) -> (Unicode.Scalar, Int)? {
        guard index > 0 else { return nil }
        var start = index - 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        return scalar(at: start, in: text)
    }
}

/// The bytes of a text that come from the chat template and may spell control tokens.
enum Trust: Sendable {
    case all
    case none
    /// Sorted, disjoint, not touching.
    case ranges([Range<Int>])

    func covers(_ range: Range<Int>) -> Bool {
        switch self {
        case .all: return true
        case .none: return false
        case .ranges(let ranges):
            var low = 0
            var high = ranges.count
            while low < high {
                let middle = (low + high) / 2
                if ranges[middle].upperBound < range.upperBound { low = middle + 1 } else { high = middle }
            }
            return low < ranges.count && ranges[low].lowerBound <= range.lowerBound
        }
    }

    /// The trust of `text[range]` as a separate text.
    func slice(_ range: Range<Int>) -> Trust {
        guard case .ranges(let ranges) = self else { return self }
        var result: [Range<Int>] = []
        for part in ranges {
            let cut = part.clamped(to: range)
            if !cut.isEmpty { result.append(cut.lowerBound - range.lowerBound..<cut.upperBound - range.lowerBound) }
        }
        return result == [0..<range.count] ? .all : result.isEmpty ? .none : .ranges(result)
    }
}
