import Foundation

/// Unsigned values: grouped digits, then powers, fractions, roots and scales behind them.
extension NumberScanner {
    typealias Found = (value: DecimalValue, end: Int)

    /// The value that begins here, with what belongs to it.
    func value(at place: Int, hasCurrency: Bool = false) -> Found? {
        if self[place] == "\\" { return latexFraction(at: place) }
        if self[place] == "√" { return root(at: place) }
        guard let plain = digits(at: place) else { return nil }
        var found = plain.found
        if let power = scientific(found) ?? power(found) {
            found = power
        } else if let root = root(at: skippingSpaces(found.end)), let product = found.value.multiplied(by: root.value.double) {
            found = (product, root.end)
        } else if plain.isWhole, let mixed = mixed(found) {
            return mixed
        }
        if let circle = circle(found) { found = circle }
        if self[place - 1] != "/", let fraction = quotient(found) { return fraction }
        return scaled(found, hasCurrency: hasCurrency)
    }

    // MARK: Digits and their groups

    /// Digits with their separators; `isWhole` says that there are neither groups nor decimals.
    private func digits(at place: Int) -> (found: Found, isWhole: Bool)? {
        if let hexadecimal = hexadecimal(at: place) { return (hexadecimal, false) }
        var end = run(place)
        if end == place {
            guard self[place] == ".", isDigit(place + 1), !isDigit(place - 1), self[place - 1] != "." else { return nil }
            end = run(place + 1)
            return ((number(place..<place, place + 1..<end), end), false)
        }
        let (first, lead) = (end - place, self[place])
        if first <= 3, lead != "0", let grouped = grouped(place, end) { return (grouped, false) }
        let whole = place..<end
        switch self[end] {
        case "." where isDigit(end + 1):
            let stop = run(end + 1)
            return ((number(whole, end + 1..<stop), stop), false)
        case "," where isDigit(end + 1) && isDecimalComma(place, end):
            let stop = run(end + 1)
            return ((number(whole, end + 1..<stop), stop), false)
        default: return ((number(whole, end..<end), end), true)
        }
    }

    /// `0x1F`.
    private func hexadecimal(at place: Int) -> Found? {
        guard self[place] == "0", isAhead("x", place + 1), !isDigit(place - 1), self[place - 1] != "." else { return nil }
        var (value, end) = (0.0, place + 2)
        while let digit = self[end].flatMap({ Character($0).hexDigitValue }), self[end]?.isASCII == true {
            value = 16 * value + Double(digit)
            end += 1
        }
        guard end > place + 2, !isWord(end), let found = DecimalValue(value) else { return nil }
        return (found, end)
    }

    /// The end of the digits from here on.
    private func run(_ place: Int) -> Int {
        var place = place
        while isDigit(place) { place += 1 }
        return place
    }

    private func number(_ whole: Range<Int>, _ fraction: Range<Int>) -> DecimalValue {
        let digits = (scalars[whole] + scalars[fraction]).compactMap { isSeparator($0) ? nil : UInt8($0.value) }
        return DecimalValue(digits: digits, exponent: -fraction.count)
    }

    private func isSeparator(_ scalar: Unicode.Scalar) -> Bool { !(48...57).contains(scalar.value) }

    /// Thousands: one kind of separator before groups of three (India: of two, the last of three). What follows may be decimals, by the
    /// mark that is not the separator.
    private func grouped(_ place: Int, _ first: Int) -> Found? {
        guard let separator = self[first], isDigit(first + 1) else { return nil }
        var end = groups(of: 3, separator, first)
        let count = (end - first) / 4
        switch separator {
        case ",":
            if end == first, first - place <= 2 {
                let pairs = groups(of: 2, separator, first)
                if pairs > first, self[pairs] == ",", run(pairs + 1) == pairs + 4 { end = pairs + 4 }
            }
            guard end > first else { return nil }
            return decimals(".", place, end)
        case ".":
            // "1.234" is a decimal; "1.234.567" and "1.234,5" cannot be.
            guard end > first, count >= 2 || (self[end] == "," && isDigit(end + 1) && run(end + 1) != end + 4) else { return nil }
            return decimals(",", place, end)
        case "'", "’", "ʼ", "_":
            guard end > first else { return nil }
            return decimals(self[end] == "," ? "," : ".", place, end)
        case " ":
            guard end > first, self[end] != "/", !(isSpace(end) && (isDigit(end + 1) || isDigit(skippingSpaces(end)))) else {
                return nil
            }
            return decimals(self[end] == "," && !startsGroup(end) ? "," : ".", place, end)
        default:
            guard separator.value > 127, separator.properties.isWhitespace, end > first else { return nil }
            return decimals(self[end] == "," && !startsGroup(end) ? "," : ".", place, end)
        }
    }

    /// The end of the groups of so many digits from a separator on; the start where the last of them has more digits.
    private func groups(of size: Int, _ separator: Unicode.Scalar, _ start: Int) -> Int {
        var end = start
        while self[end] == separator, run(end + 1) == end + 1 + size { end += 1 + size }
        return isDigit(end) || (self[end] == separator && separator != " " && isDigit(end + 1) && size == 3) ? start : end
    }

    private func startsGroup(_ comma: Int) -> Bool { run(comma + 1) == comma + 4 }

    private func decimals(_ mark: Unicode.Scalar, _ place: Int, _ end: Int) -> Found {
        guard self[end] == mark, isDigit(end + 1) else { return (number(place..<end, end..<end), end) }
        let stop = run(end + 1)
        return (number(place..<end, end + 1..<stop), stop)
    }

    /// Whether a comma between digits is a decimal mark: it is none in a list, nor in brackets.
    private func isDecimalComma(_ place: Int, _ comma: Int) -> Bool {
        let before = self[place - 1]
        if let before, before == "," || before == "(" || before == "[" || (before == "$" && self[place - 2] == "(") {
            return false
        }
        let end = run(comma + 1)
        if self[end] == "," && (isDigit(end + 1) || isDigit(skippingSpaces(end + 1))) { return false }
        let next = skippingSpaces(end)
        return !["and ", "or ", "und ", "oder ", "y ", "et "].contains { next > end && isAhead($0, next) }
    }

    // MARK: Powers

    /// "e8", "× 10^8" behind a number.
    private func scientific(_ found: Found) -> Found? {
        let end = found.end
        if let letter = self[end], letter == "e" || letter == "E" {
            let sign = self[end + 1] == "-" || self[end + 1] == "+" ? 1 : 0
            let stop = run(end + 1 + sign)
            guard stop > end + 1 + sign, stop - end <= 6, !isWord(stop), let power = integer(end + 1 + sign..<stop) else {
                return nil
            }
            return (found.value.shifted(self[end + 1] == "-" ? -power : power), stop)
        }
        let sign = skippingSpaces(end)
        guard let times = self[sign], "×xX*·".unicodeScalars.contains(times) else { return nil }
        let ten = skippingSpaces(sign + 1)
        guard self[ten] == "1", self[ten + 1] == "0", !isDigit(ten + 2), let power = exponent(at: skippingSpaces(ten + 2)) else {
            return nil
        }
        return (found.value.shifted(power.value), power.end)
    }

    private func power(_ found: Found) -> Found? {
        let sign = self[found.end] == "*" ? found.end : skippingSpaces(found.end)
        guard let power = exponent(at: sign), let value = found.value.raised(to: power.value) else { return nil }
        return (value, power.end)
    }

    /// `^3`, `^{-3}`, `^(3)`, `**3`.
    func exponent(at place: Int) -> (value: Int, end: Int)? {
        var at = place
        if self[at] == "^" {
            at = skippingSpaces(at + 1)
        } else if self[at] == "*", self[at + 1] == "*", isDigit(at + 2) || (self[at + 2] == "-" && isDigit(at + 3)) {
            at += 2
        } else {
            return nil
        }
        let closing: Unicode.Scalar? = self[at] == "{" ? "}" : self[at] == "(" ? ")" : nil
        if closing != nil { at = skippingSpaces(at + 1) }
        let isNegative = self[at] == "-" || self[at] == "−"
        if isNegative || self[at] == "+" { at = skippingSpaces(at + 1) }
        let end = run(at)
        guard end > at, end - at <= 5, let value = integer(at..<end) else { return nil }
        let stop = closing == nil ? end : skippingSpaces(end)
        guard closing == nil || self[stop] == closing else { return nil }
        return (isNegative ? -value : value, closing == nil ? end : stop + 1)
    }

    private func integer(_ range: Range<Int>) -> Int? { Int(String(String.UnicodeScalarView(scalars[range]))) }

    // MARK: Fractions and roots

    /// `\frac{3}{4}`, `\frac34`, `\frac{3}4`.
    private func latexFraction(at place: Int) -> Found? {
        guard isAhead("\\frac", place), let top = argument(at: place + 5), let bottom = argument(at: top.end),
            let value = top.value.divided(by: bottom.value)
        else { return nil }
        return (value, bottom.end)
    }

    /// A group in braces, or one digit.
    private func argument(at place: Int) -> Found? {
        let at = skippingSpaces(place)
        guard self[at] == "{" else {
            guard isDigit(at) else { return nil }
            return (number(at..<at + 1, at + 1..<at + 1), at + 1)
        }
        var inner = skippingSpaces(at + 1)
        let isNegative = self[inner] == "-" || self[inner] == "−"
        if isNegative { inner = skippingSpaces(inner + 1) }
        let circle: Found? = self[inner] == "π" ? DecimalValue(Double.pi).map { ($0, inner + 1) } : nil
        guard let found = circle ?? (self[inner] == "\\" ? nil : value(at: inner)) else { return nil }
        let stop = skippingSpaces(found.end)
        guard self[stop] == "}" else { return nil }
        return (isNegative ? found.value.negated : found.value, stop + 1)
    }

    /// "2 1/2", "2 and 1/2", "2\frac12".
    private func mixed(_ whole: Found) -> Found? {
        var at = skippingSpaces(whole.end)
        let isJoined = at > whole.end && isAhead("and ", at)
        if isJoined { at = skippingSpaces(at + 4) }
        if self[at] == "\\", let fraction = latexFraction(at: at), let sum = whole.value.adding(fraction.value) {
            return (sum, fraction.end)
        }
        guard at > whole.end, isDigit(at) else { return nil }
        let end = run(at)
        guard let fraction = quotient((number(at..<end, end..<end), end)), !isJoined || fraction.value.double < 1,
            let sum = whole.value.adding(fraction.value)
        else { return nil }
        return (sum, fraction.end)
    }

    /// "/ 4" behind a number; a date has two bars.
    private func quotient(_ top: Found) -> Found? {
        var at = top.end
        if isSpace(at) { at += 1 }
        guard self[at] == "/" else { return nil }
        at += 1
        if isSpace(at) { at += 1 }
        guard isDigit(at), let bottom = digits(at: at)?.found, self[bottom.end] != "/",
            let value = top.value.divided(by: bottom.value)
        else { return nil }
        return (value, bottom.end)
    }

    /// `√16`, `√{16}`.
    private func root(at place: Int) -> Found? {
        guard self[place] == "√" else { return nil }
        let isGroup = self[place + 1] == "{" || self[place + 1] == "("
        guard let inner = digits(at: isGroup ? place + 2 : place + 1)?.found,
            !isGroup || self[inner.end] == "}" || self[inner.end] == ")",
            let value = DecimalValue(inner.value.double.squareRoot())
        else { return nil }
        return (value, isGroup ? inner.end + 1 : inner.end)
    }

    private func circle(_ found: Found) -> Found? {
        let at = skippingSpaces(found.end)
        guard self[at] == "π", let value = found.value.multiplied(by: Double.pi) else { return nil }
        return (value, at + 1)
    }

    // MARK: Scales

    private static let scales: [(word: String, places: Int)] = [
        ("hundred", 2), ("thousand", 3), ("million", 6), ("billion", 9), ("trillion", 12), ("lakh", 5), ("crore", 7),
    ]

    /// "million" and its kin behind a number, "k" on its heels, "st" of an ordinal.
    private func scaled(_ found: Found, hasCurrency: Bool) -> Found {
        let end = found.end
        let at = isSpace(end) ? end + 1 : end
        guard let next = self[at] else { return found }
        switch next {
        case "万", "萬": return (found.value.shifted(4), at + 1)
        case "亿", "億": return (found.value.shifted(8), at + 1)
        default: break
        }
        guard next.isASCII, isWord(at) else { return found }
        if let scale = Self.scales.first(where: { isAhead($0.word, at) }), !isWord(at + scale.word.utf8.count),
            !isDigit(at + scale.word.utf8.count)
        {
            return (found.value.shifted(scale.places), at + scale.word.utf8.count)
        }
        guard at == end else { return found }
        let two = isWord(at + 1) && !isWord(at + 2) && !isDigit(at + 2)
        if two, ["st", "nd", "rd", "th"].contains(where: { isAhead($0, at) }) { return (found.value, at + 2) }
        if two, isAhead("bn", at) { return (found.value.shifted(9), at + 2) }
        guard !isWord(at + 1), !isDigit(at + 1) else { return found }
        switch next {
        case "k": return (found.value.shifted(3), at + 1)
        case "K" where hasCurrency: return (found.value.shifted(3), at + 1)
        case "M", "m": return hasCurrency ? (found.value.shifted(6), at + 1) : found
        case "B", "b": return hasCurrency ? (found.value.shifted(9), at + 1) : found
        default: return found
        }
    }
}
