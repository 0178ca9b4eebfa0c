/// A string inside a template: Unicode scalars, as Python counts characters, each with where it came from.
///
/// Bit 31 of a unit marks a character that the caller supplied; characters of the template itself have it clear. Slicing,
/// joining and replacing move units, so the origin follows every character without further bookkeeping.
struct TemplateText: Hashable, Sendable {
    static let suppliedBit: UInt32 = 1 << 31

    var units: [UInt32]

    init(units: [UInt32]) { self.units = units }

    /// Text of the template itself.
    init(_ text: String) { units = text.unicodeScalars.map(\.value) }

    /// Text from outside.
    init(supplied text: String) { units = text.unicodeScalars.map { $0.value | Self.suppliedBit } }

    var isEmpty: Bool { units.isEmpty }
    var count: Int { units.count }

    var string: String { Self.string(units[...]) }

    private static func string(_ units: ArraySlice<UInt32>) -> String {
        var scalars = String.UnicodeScalarView()
        for unit in units { scalars.append(Unicode.Scalar(unit & ~suppliedBit) ?? "\u{FFFD}") }
        return String(scalars)
    }

    /// The text cut where its origin changes.
    var pieces: [TextPiece] {
        var result: [TextPiece] = []
        var start = 0
        while start < units.count {
            let supplied = units[start] & Self.suppliedBit
            var end = start + 1
            while end < units.count, units[end] & Self.suppliedBit == supplied { end += 1 }
            result.append(TextPiece(Self.string(units[start..<end]), isTemplate: supplied == 0))
            start = end
        }
        return result
    }

    // Equality, order and hashes see characters, not where they came from.

    static func == (a: TemplateText, b: TemplateText) -> Bool {
        a.units.count == b.units.count && zip(a.units, b.units).allSatisfy { ($0 ^ $1) & ~suppliedBit == 0 }
    }

    func hash(into hasher: inout Hasher) {
        for unit in units { hasher.combine(unit & ~Self.suppliedBit) }
    }

    static func < (a: TemplateText, b: TemplateText) -> Bool {
        a.units.lazy.map { $0 & ~suppliedBit }.lexicographicallyPrecedes(b.units.lazy.map { $0 & ~suppliedBit })
    }

    static func + (a: TemplateText, b: TemplateText) -> TemplateText { TemplateText(units: a.units + b.units) }

    // Python's string operations.

    private func matches(_ other: TemplateText, at index: Int) -> Bool {
        guard index + other.count <= count else { return false }
        for offset in 0..<other.count where (units[index + offset] ^ other.units[offset]) & ~Self.suppliedBit != 0 {
            return false
        }
        return true
    }

    /// Where `other` stands from `start` on, one place after the other, at most `limit` of them (Knuth, Morris and Pratt, 1977): as
    /// many steps as both texts have characters, whatever they say. An empty text stands before every character and at the end.
    func places(of other: TemplateText, from start: Int = 0, limit: Int = .max) -> [Int] {
        guard start <= count, other.count <= count - start, limit > 0 else { return [] }
        if other.isEmpty { return Array((start...count).prefix(limit)) }
        let wanted = other.units.map { $0 & ~Self.suppliedBit }
        // The longest beginning of the text that also ends it there.
        var borders = [Int](repeating: 0, count: wanted.count)
        var border = 0
        for index in wanted.indices.dropFirst() {
            while border > 0, wanted[index] != wanted[border] { border = borders[border - 1] }
            if wanted[index] == wanted[border] { border += 1 }
            borders[index] = border
        }
        var found: [Int] = []
        var matched = 0
        for index in start..<count {
            let unit = units[index] & ~Self.suppliedBit
            while matched > 0, unit != wanted[matched] { matched = borders[matched - 1] }
            if unit == wanted[matched] { matched += 1 }
            guard matched == wanted.count else { continue }
            found.append(index + 1 - wanted.count)
            if found.count == limit { break }
            matched = 0
        }
        return found
    }

    func firstIndex(of other: TemplateText) -> Int? { places(of: other, limit: 1).first }

    func lastIndex(of other: TemplateText) -> Int? {
        reversed().firstIndex(of: other.reversed()).map { count - other.count - $0 }
    }

    func reversed() -> TemplateText { TemplateText(units: units.reversed()) }
    func contains(_ other: TemplateText) -> Bool { firstIndex(of: other) != nil }
    func hasPrefix(_ other: TemplateText) -> Bool { matches(other, at: 0) }
    func hasSuffix(_ other: TemplateText) -> Bool { count >= other.count && matches(other, at: count - other.count) }

    /// The text without the characters of `set` at the ends; nil strips white space.
    func stripped(_ set: TemplateText?, left: Bool = true, right: Bool = true) -> TemplateText {
        let strips: (UInt32) -> Bool
        if let set {
            let members = Set(set.units.map { $0 & ~Self.suppliedBit })
            strips = { members.contains($0 & ~Self.suppliedBit) }
        } else {
            strips = Self.isSpace
        }
        var slice = units[...]
        if left { slice = slice.drop(while: strips) }
        if right { while let last = slice.last, strips(last) { slice.removeLast() } }
        return TemplateText(units: Array(slice))
    }

    /// Python's `str.isspace`: White_Space and the four information separators.
    static func isSpace(_ unit: UInt32) -> Bool {
        let value = unit & ~suppliedBit
        if value < 0x80 { return (0x09...0x0D).contains(value) || (0x1C...0x20).contains(value) }
        return Unicode.Scalar(value)?.properties.isWhitespace ?? false
    }

    subscript(range: Range<Int>) -> TemplateText { TemplateText(units: Array(units[range])) }

    /// The pieces of `split(separator, limit)`, any number where `limit` is negative; nil separates at runs of white space.
    func pieces(separatedBy separator: TemplateText?, limit: Int = -1) -> [Range<Int>] {
        let limit = limit < 0 ? Int.max : limit
        var result: [Range<Int>] = []
        var rest = 0
        if let separator {
            for place in places(of: separator, limit: limit) {
                result.append(rest..<place)
                rest = place + separator.count
            }
            return result + [rest..<count]
        }
        while true {
            while rest < count, Self.isSpace(units[rest]) { rest += 1 }
            guard rest < count else { return result }
            let start = rest
            if result.count == limit {
                rest = count
            } else {
                while rest < count, !Self.isSpace(units[rest]) { rest += 1 }
            }
            result.append(start..<rest)
            if result.count > limit { return result }
        }
    }

    /// With one newline wherever a line ends in `\r\n` or `\r`.
    func unixLines() -> TemplateText {
        var result: [UInt32] = []
        result.reserveCapacity(count)
        var afterReturn = false
        for unit in units {
            let value = unit & ~Self.suppliedBit
            if value == 0x0D { result.append(0x0A | unit & Self.suppliedBit) } else if value != 0x0A || !afterReturn { result.append(unit) }
            afterReturn = value == 0x0D
        }
        return TemplateText(units: result)
    }

    /// Each character replaced by `transform` of it, origin kept.
    func mapCharacters(_ transform: (Unicode.Scalar) -> String) -> TemplateText {
        var result: [UInt32] = []
        result.reserveCapacity(count)
        for unit in units {
            guard let scalar = Unicode.Scalar(unit & ~Self.suppliedBit) else { continue }
            for mapped in transform(scalar).unicodeScalars { result.append(mapped.value | unit & Self.suppliedBit) }
        }
        return TemplateText(units: result)
    }

    func uppercased() -> TemplateText { mapCharacters { $0.properties.uppercaseMapping } }
    func lowercased() -> TemplateText { mapCharacters { $0.properties.lowercaseMapping } }

    func capitalized() -> TemplateText {
        TemplateText(units: Array(units.prefix(1))).mapCharacters { $0.properties.titlecaseMapping }
            + TemplateText(units: Array(units.dropFirst())).lowercased()
    }

    /// Python's `str.title`: a letter after a non-letter is title case, other letters lower case.
    func titled() -> TemplateText {
        var afterLetter = false
        return mapCharacters { scalar in
            defer { afterLetter = scalar.properties.isCased }
            return afterLetter ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
        }
    }

    /// Jinja's `title` filter: words begin after white space, hyphens and opening brackets only.
    func titledByWords() -> TemplateText {
        var insideWord = false
        return mapCharacters { scalar in
            let separates = scalar.properties.isWhitespace || "-({[<".unicodeScalars.contains(scalar)
            defer { insideWord = !separates }
            return insideWord ? scalar.properties.lowercaseMapping : scalar.properties.uppercaseMapping
        }
    }
}
