import Foundation

/// Numbers in running text, in digits or in English words.
///
///     1,234.50   −3   $5   3/4   2 1/2   21st   1.5 million   5:30 pm   twenty-one   minus three   two and a half
struct NumberReading {
    /// Canonical: an integer without separators, a decimal in its shortest form, or a time `h:mm` with ` am`, ` pm`.
    let value: String
    let range: Range<String.Index>
    let inWords: Bool

    /// Every number of the text in order. Those that a "not" denies are left out ("43, not 42").
    static func all(in text: Substring) -> [NumberReading] {
        var readings: [NumberReading] = []
        var place = text.startIndex
        while place < text.endIndex {
            if let reading = time(text, place) ?? fraction(text, place) ?? digits(text, place) ?? spokenSign(text, place) ?? NumberWords.read(text, place) {
                if !isDenied(text, reading.range.lowerBound) { readings.append(reading) }
                place = reading.range.upperBound
            } else {
                place = skip(text, place)
            }
        }
        return readings
    }

    /// The canonical form of a value.
    static func canonical(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }

    private static func isDenied(_ text: Substring, _ place: String.Index) -> Bool {
        let before = String(text[..<place].suffix(8)).lowercased()
        return before.contains("not") && before.firstMatch(of: Patterns.denial) != nil
    }

    /// The next place where a number can begin: past the rest of a word.
    private static func skip(_ text: Substring, _ place: String.Index) -> String.Index {
        var place = place
        let inWord = text[place].isLetter || text[place].isNumber
        place = text.index(after: place)
        while inWord, place < text.endIndex, text[place].isLetter || text[place].isNumber { place = text.index(after: place) }
        return place
    }

    private static func time(_ text: Substring, _ place: String.Index) -> NumberReading? {
        guard text[place].isNumber, text[place...].prefix(3).contains(":"), let match = text[place...].prefixMatch(of: Patterns.time), let hour = Int(match.1) else { return nil }
        let half = match.3.map { " " + $0.lowercased() + "m" } ?? ""
        return NumberReading(value: "\(hour):\(match.2)\(half)", range: match.range, inWords: false)
    }

    private static func fraction(_ text: Substring, _ place: String.Index) -> NumberReading? {
        guard text[place].isNumber || "-−\\".contains(text[place]) else { return nil }
        let rest = text[place...]
        guard let bar = rest.first(where: { !($0.isNumber || $0.isWhitespace || "-−".contains($0)) }), "/\\".contains(bar) else { return nil }
        if let match = rest.prefixMatch(of: Patterns.latexFraction), let top = Double(match.2), let bottom = Double(match.3), bottom != 0 {
            return NumberReading(
                value: canonical((match.1.isEmpty ? 1 : -1) * top / bottom), range: match.range, inWords: false)
        }
        if let match = rest.prefixMatch(of: Patterns.fraction), let top = Double(match.3), let bottom = Double(match.4), bottom != 0,
            match.1.isEmpty || isSign(text, place)
        {
            let whole = match.2.flatMap { Double($0) } ?? 0
            return NumberReading(
                value: canonical((match.1.isEmpty ? 1 : -1) * (whole + top / bottom)), range: match.range, inWords: false)
        }
        return nil
    }

    private static func digits(_ text: Substring, _ place: String.Index) -> NumberReading? {
        guard "+-−$€£¥.".contains(text[place]) || text[place].isNumber,
            let match = text[place...].prefixMatch(of: Patterns.digits), match.3 != nil || match.4 != nil
        else { return nil }
        // A minus after a value is an operation, not a sign.
        if !match.1.isEmpty, !isSign(text, place) { return nil }
        guard var value = Double((match.3 ?? "0").replacing(",", with: "") + (match.4 ?? "")) else { return nil }
        var end = match.range.upperBound
        if text[end...].prefix(2).contains(where: \.isLetter) {
            if let scale = text[end...].prefixMatch(of: Patterns.scale) {
                value *= NumberWords.scales[scale.1.lowercased()] ?? 1
                end = scale.range.upperBound
            } else if let ordinal = text[end...].prefixMatch(of: Patterns.ordinal) {
                end = ordinal.range.upperBound
            }
        }
        if (match.1 + match.2).contains(where: { "-−".contains($0) }) { value = -value }
        return NumberReading(value: canonical(value), range: match.range.lowerBound..<end, inWords: false)
    }

    /// "minus 5", but not "19 minus 5".
    private static func spokenSign(_ text: Substring, _ place: String.Index) -> NumberReading? {
        guard "mMnN".contains(text[place]), isSign(text, place),
            let sign = text[place...].prefixMatch(of: Patterns.spokenSign),
            let reading = digits(text, sign.range.upperBound), let value = Double(reading.value)
        else { return nil }
        return NumberReading(value: canonical(-value), range: place..<reading.range.upperBound, inWords: false)
    }

    private static func isSign(_ text: Substring, _ place: String.Index) -> Bool {
        guard let before = text[..<place].last(where: { !$0.isWhitespace }) else { return true }
        return !(before.isNumber || before == ")" || before == "]" || (before.isLetter && text[text.index(before: place)] == before))
    }
}
