import Foundation

/// Numbers in running text, in digits or in English words.
///
///     1,234.50   12,34,567   10 000   1'000   1_000   1.234.567,89   3,14      thousands in groups, decimals by point or comma
///     −3   $5   5%   12 kg   5 cm^2   21st   1.5 million   5 lakh   $2k         signs, units, scales
///     3/4   2 1/2   \frac{3}{4}   \frac34   2\frac12   3e8   1.5 × 10^3   2^10   2√9   4π
///     5:30 pm   twenty-one   minus three   two and a half   two thirds
///
/// A separator counts as one only where nothing else can be meant: "1.234" is a decimal, "3, 5" are two numbers, and so are "3,5,7".
struct NumberReading {
    /// Canonical: an integer without separators, a decimal in its shortest form, or a time `h:mm` with ` am`, ` pm`.
    let value: String
    let range: Range<String.Index>
    let inWords: Bool

    /// Every number of the text in order. Those that a "not" denies are left out ("43, not 42").
    static func all(in text: Substring) -> [NumberReading] {
        var scanner = NumberScanner(text)
        return scanner.all()
    }

    /// The canonical form of a value.
    static func canonical(_ value: Double) -> String { DecimalValue(value)?.text ?? String(value) }
}

/// Reads a text's numbers from left to right, scalar by scalar.
struct NumberScanner {
    let text: Substring
    let scalars: [Unicode.Scalar]
    /// What stands before the text, in the string of which it is a part.
    let before: Unicode.Scalar?
    /// The last scalar's place that was asked for, by number and by index.
    private var mark: (place: Int, index: String.Index)

    init(_ text: Substring) {
        self.text = text
        scalars = Array(text.unicodeScalars)
        let base = text.base.unicodeScalars
        before = text.startIndex > base.startIndex ? base[base.index(before: text.startIndex)] : nil
        mark = (0, text.startIndex)
    }

    /// Of a scalar; asked for from left to right.
    mutating func index(_ place: Int) -> String.Index {
        mark = (place, text.unicodeScalars.index(mark.index, offsetBy: place - mark.place))
        return mark.index
    }

    subscript(place: Int) -> Unicode.Scalar? {
        place >= 0 ? (place < scalars.count ? scalars[place] : nil) : (place == -1 ? before : nil)
    }

    func isDigit(_ place: Int) -> Bool {
        guard place >= 0, place < scalars.count else { return false }
        return (48...57).contains(scalars[place].value)
    }

    mutating func all() -> [NumberReading] {
        var readings: [NumberReading] = []
        var place = 0
        while place < scalars.count {
            if let reading = reading(at: place) {
                let start = index(place)
                let end = index(reading.end)
                if !isDenied(place) { readings.append(NumberReading(value: reading.value, range: start..<end, inWords: false)) }
                place = reading.end
            } else if Self.beginWords[Int(min(scalars[place].value, 128))], let reading = NumberWords.read(text, index(place)) {
                if !isDenied(place) { readings.append(reading) }
                place += text.unicodeScalars.distance(from: reading.range.lowerBound, to: reading.range.upperBound)
            } else {
                place = next(behind: place)
            }
        }
        return readings
    }

    /// The letters with which number words begin.
    private static let beginWords: [Bool] = {
        var table = Array(repeating: false, count: 129)
        for byte in "zotfsenhmdZOTFSENHMD".utf8 { table[Int(byte)] = true }
        return table
    }()

    private mutating func reading(at place: Int) -> (value: String, end: Int)? {
        switch scalars[place] {
        case "0"..."9": time(at: place) ?? value(at: place).map { ($0.value.text, $0.end) }
        case ".", "√", "\\": value(at: place).map { ($0.value.text, $0.end) }
        case "+", "-", "−", "–", "$", "€", "£", "¥", "₹", "₩", "₽": signed(at: place)
        case "m", "M", "n", "N": spokenSign(at: place)
        default: nil
        }
    }

    /// The next place where a number can begin: past the rest of a word, or past the exponent of a unit.
    private func next(behind place: Int) -> Int {
        var place = place
        if scalars[place] == "^", let power = exponent(at: place) { return power.end }
        let inWord = isWord(place)
        place += 1
        while inWord, place < scalars.count, isWord(place) || isDigit(place) { place += 1 }
        return place
    }

    /// Letters of scripts whose words are set apart by spaces: a digit in them is part of a name.
    func isWord(_ place: Int) -> Bool {
        guard let scalar = self[place] else { return false }
        if scalar.isASCII { return (97...122).contains(scalar.value | 0x20) }
        return scalar.value < 0x0600 && scalar.properties.isAlphabetic
    }

    func isSpace(_ place: Int) -> Bool {
        self[place].map { $0 == " " || ($0.value > 127 && $0.properties.isWhitespace) } ?? false
    }

    func skippingSpaces(_ place: Int) -> Int {
        var place = place
        while isSpace(place) { place += 1 }
        return place
    }

    func isAhead(_ word: String, _ place: Int) -> Bool {
        var place = place
        for scalar in word.unicodeScalars {
            guard let here = self[place], here == scalar || (here.isASCII && here.value | 0x20 == scalar.value) else {
                return false
            }
            place += 1
        }
        return true
    }

    // MARK: Signs and denials

    private mutating func isDenied(_ place: Int) -> Bool {
        var end = place
        while let scalar = self[end - 1], " \t\n*\"'$(".unicodeScalars.contains(scalar) { end -= 1 }
        guard end < place, end >= 3, self[end - 1] == "t" || self[end - 1] == "T" else { return false }
        if let sign = self[end - 2], sign == "'" || sign == "’" { return self[end - 3] == "n" }
        return isAhead("not", end - 3) && !isWord(end - 4)
    }

    /// Whether a minus here is a sign: after a value it is an operation.
    private func isSign(_ place: Int) -> Bool {
        var before = place - 1
        while before >= 0, scalars[before].properties.isWhitespace { before -= 1 }
        guard before >= 0 else { return true }
        if isDigit(before) || scalars[before] == ")" || scalars[before] == "]" { return false }
        return !(before == place - 1 && scalars[before].properties.isAlphabetic)
    }

    /// An optional sign, an optional currency, perhaps a sign again, and the value.
    private mutating func signed(at place: Int) -> (value: String, end: Int)? {
        func isMinus(_ place: Int) -> Bool { self[place].map { "-−–".unicodeScalars.contains($0) } ?? false }
        var (at, isNegative, hasCurrency) = (place, false, false)
        if isMinus(at) || self[at] == "+" {
            guard isSign(place) else { return nil }
            isNegative = isMinus(at)
            at += 1
            // "= - 5" and "is - 5" have a sign, "- 5 apples" a bullet.
            if isSpace(at), isValue(expectedAt: place) { at = skippingSpaces(at) }
        }
        if let scalar = self[at], "$€£¥₹₩₽".unicodeScalars.contains(scalar) {
            hasCurrency = true
            at += 1
            if isSpace(at) { at += 1 }
            if isMinus(at) {
                isNegative = true
                at += 1
            }
        }
        guard at > place, let found = value(at: at, hasCurrency: hasCurrency) else { return nil }
        return (isNegative ? found.value.negated.text : found.value.text, found.end)
    }

    /// Behind "=", a brace, or "is" on the same line.
    private func isValue(expectedAt place: Int) -> Bool {
        var end = place - 1
        var isOnLine = true
        while end >= 0, scalars[end].properties.isWhitespace {
            isOnLine = isOnLine && scalars[end] != "\n"
            end -= 1
        }
        guard let last = self[end] else { return false }
        // What was announced is read apart from what announces it.
        if end == -1 { return isOnLine && "s:={ ".unicodeScalars.contains(last) }
        return last == "=" || last == "{" || isOnLine && last == "s" && isAhead("is", end - 1) && !isWord(end - 2)
    }

    /// "minus 5", but not "19 minus 5".
    private mutating func spokenSign(at place: Int) -> (value: String, end: Int)? {
        guard isSign(place), let word = ["minus", "negative"].first(where: { isAhead($0, place) }) else { return nil }
        var at = place + word.utf8.count
        guard isSpace(at) else { return nil }
        at = skippingSpaces(at)
        let hasCurrency = self[at].map { "$€£¥₹₩₽".unicodeScalars.contains($0) } ?? false
        if hasCurrency { at = skippingSpaces(at + 1) }
        guard isDigit(at) || self[at] == ".", let found = value(at: at, hasCurrency: hasCurrency) else { return nil }
        return (found.value.negated.text, found.end)
    }

    private mutating func time(at place: Int) -> (value: String, end: Int)? {
        guard self[place + 1] == ":" || (isDigit(place + 1) && self[place + 2] == ":") else { return nil }
        guard let match = text[index(place)...].prefixMatch(of: Patterns.time), let hour = Int(match.1) else { return nil }
        let half = match.3.map { " " + $0.lowercased() + "m" } ?? ""
        return (
            "\(hour):\(match.2)\(half)",
            place + text.unicodeScalars.distance(from: match.range.lowerBound, to: match.range.upperBound)
        )
    }
}
