/// A letter in a text that can only be a choice's.
///
///     (b)   "b"   **b**   b) Paris   option b            any letter that is enclosed, bracketed or named
///     B.   B,   B is it   选B   A/B   A or B             a capital that stands alone, also beside scripts without capitals
///     b   b.   b because                                  at a mark or on a line of its own
///
/// "A dog" and "I think" are words, "B12" and "C'est" have more to them, "not B" is denied.
struct LetterMention {
    let name: String
    /// Whether it stands beside the letter before it as another answer: "A or B", "A, B", "B/C".
    let isJoined: Bool

    /// - Parameters:
    ///   - count: of the letters that are choices.
    ///   - isMarked: the text is an announced answer, whose first word may be a letter however it is written.
    static func all(in text: Substring, _ count: Int, isMarked: Bool = false) -> [LetterMention] {
        let scan = LetterScan(text, count)
        var mentions: [LetterMention] = []
        var last: Int?
        for place in scan.places where (scan.isLetter(place) || (isMarked && scan.opens(place))) && !scan.isDenied(place) {
            guard let name = scan.name(place) else { continue }
            mentions.append(LetterMention(name: name, isJoined: last.map { scan.joins($0, place) } ?? false))
            last = place
        }
        return mentions
    }

    /// A text that is a choice's letter, in capitals.
    static func letter(_ text: Substring, _ count: Int) -> String? {
        let upper = text.uppercased()
        guard upper.count == 1, let value = upper.first?.asciiValue, (65..<(65 + UInt8(min(count, 26)))).contains(value) else {
            return nil
        }
        return upper
    }
}

/// The letters of a text among their neighbours.
private struct LetterScan {
    let scalars: [Unicode.Scalar]
    let count: Int
    /// Where a letter of the choices has no letter or digit of its own alphabet beside it.
    private(set) var places: [Int] = []

    init(_ text: Substring, _ count: Int) {
        scalars = Array(text.unicodeScalars)
        self.count = min(count, 26)
        for (place, scalar) in scalars.enumerated() where scalar.isASCII {
            let value = Int(scalar.value | 0x20) - 97
            if value >= 0, value < self.count, !isWord(place - 1), !isWord(place + 1) { places.append(place) }
        }
    }

    subscript(place: Int) -> Unicode.Scalar? { place >= 0 && place < scalars.count ? scalars[place] : nil }

    func name(_ place: Int) -> String? { UnicodeScalar(scalars[place].value & ~0x20).map { String($0) } }

    private func isCapital(_ place: Int) -> Bool { scalars[place].value < 97 }

    /// Letters of alphabets that have capitals, and digits.
    private func isWord(_ place: Int) -> Bool {
        guard let scalar = self[place] else { return false }
        if scalar.isASCII { return (97...122).contains(scalar.value | 0x20) || (48...57).contains(scalar.value) }
        return scalar.value < 0x0590 && scalar.properties.isAlphabetic
    }

    private func isSpace(_ place: Int) -> Bool { self[place]?.properties.isWhitespace ?? false }

    private func isOne(_ place: Int, of set: String) -> Bool { self[place].map { set.unicodeScalars.contains($0) } ?? false }

    /// Whether the letter cannot be a word.
    func isLetter(_ place: Int) -> Bool {
        let next = place + 1
        if isOne(place - 1, of: "([{"), isOne(next, of: ")]}") { return true }
        if isOne(place - 1, of: "*\"'“‘"), isOne(next, of: "*\"'”’.:") { return true }
        if isNamed(place) { return true }
        if !isCapital(place) { return standsOnItsLine(place) || (!isBehindWord(place) && self[next] == ")") }
        guard !isBehindWord(place) else { return false }
        if isOne(next, of: ").:,;!?*\"”]}|✅✓") || isEndOfLine(next) { return !isInitial(place) }
        if isOne(next, of: "/+&") || self[place - 1] == "/" { return true }
        if let scalar = self[next], scalar.value >= 0x0590, scalar.properties.isAlphabetic { return true }
        guard isSpace(next) else { return false }
        if scalars[place] != "A" && scalars[place] != "I" { return true }
        // "A or B", "A - cat", but "A dog".
        let word = word(skippingSpaces(next))
        if ["-", "–", "—", "/", "&", "="].contains(word.text) { return true }
        return ["or", "and"].contains(word.text) && places.contains(skippingSpaces(word.end))
            && isCapital(skippingSpaces(word.end))
    }

    /// At the start of an announced answer: "b because", "A since", never the article before a noun.
    func opens(_ place: Int) -> Bool {
        guard scalars[..<place].allSatisfy({ $0.properties.isWhitespace || "*_\"'“‘([{:→>-".unicodeScalars.contains($0) }) else {
            return false
        }
        guard isSpace(place + 1) else { return !isOne(place + 1, of: "'’-=<>") }
        if !["a", "i", "e", "o", "y"].contains(String(scalars[place]).lowercased()) { return true }
        return ["because", "since", "as", "for", "due", "which", "based", "given"].contains(word(skippingSpaces(place + 1)).text)
    }

    /// "not B", "neither A nor B", "rather than B".
    func isDenied(_ place: Int) -> Bool {
        var end = place
        while isSpace(end - 1) || isOne(end - 1, of: "*\"'“‘([{") { end -= 1 }
        guard end < place else { return false }
        var start = end
        while start > 0, !isSpace(start - 1), place - start < 24 { start -= 1 }
        var word = String(String.UnicodeScalarView(scalars[start..<end])).lowercased()
        if ["option", "choice"].contains(word) {
            var before = start
            while isSpace(before - 1) { before -= 1 }
            var first = before
            while first > 0, !isSpace(first - 1), before - first < 24 { first -= 1 }
            word = String(String.UnicodeScalarView(scalars[first..<before])).lowercased()
        }
        return ["not", "nor", "neither", "than", "isn't", "isn’t"].contains(word)
    }

    /// Whether only "or", "and", a comma or a bar part two letters, and nothing is said of the second.
    func joins(_ first: Int, _ second: Int) -> Bool {
        let between = String(String.UnicodeScalarView(scalars[(first + 1)..<second])).lowercased()
        let words = between.split { !($0.isLetter || ",/&+、".contains($0)) }.filter { !["option", "choice"].contains($0) }.map(
            String.init)
        switch words.joined(separator: " ") {
        case "or", ", or", "and", ", and", "/", "&", "+", "and / or", "and/or", "或", "和", "与", "oder", "ou", "o", "y", "et",
            "und", "":
            return true
        case ",", "、":
            var end = second + 1
            while isOne(end, of: ")]}*\"”") { end += 1 }
            return self[end] == nil || isOne(end, of: ".,;!?/\n") || ["or", "and"].contains(word(skippingSpaces(end)).text)
        default: return false
        }
    }

    // MARK: Neighbours

    private func skippingSpaces(_ place: Int) -> Int {
        var place = place
        while isSpace(place) { place += 1 }
        return place
    }

    private func word(_ place: Int) -> (text: String, end: Int) {
        var end = place
        while let scalar = self[end], !scalar.properties.isWhitespace, !".,;:!?".unicodeScalars.contains(scalar), end - place < 12 { end += 1 }
        return (place < end ? String(String.UnicodeScalarView(scalars[place..<end])).lowercased() : "", end)
    }

    private func isBehindWord(_ place: Int) -> Bool { isOne(place - 1, of: "'’.") }

    private func isEndOfLine(_ place: Int) -> Bool {
        var place = place
        while let scalar = self[place], scalar.properties.isWhitespace {
            if scalar == "\n" { return true }
            place += 1
        }
        return place >= scalars.count
    }

    /// "D.C.", "a.m."
    private func isInitial(_ place: Int) -> Bool { self[place + 1] == "." && isWord(place + 2) && self[place + 3] == "." }

    /// "option b", "choice (b)", "letter b".
    private func isNamed(_ place: Int) -> Bool {
        var end = place
        while isOne(end - 1, of: "*(\"'[") { end -= 1 }
        guard isSpace(end - 1) else { return false }
        while isSpace(end - 1) { end -= 1 }
        return ["option", "choice", "letter"].contains { name in
            let start = end - name.utf8.count
            guard start >= 0, !isWord(start - 1) else { return false }
            return zip(scalars[start..<end], name.unicodeScalars).allSatisfy { $0.isASCII && $0.value | 0x20 == $1.value }
        }
    }

    /// A small letter that begins a line and ends the text or a sentence.
    private func standsOnItsLine(_ place: Int) -> Bool {
        var before = place
        while before > 0, scalars[before - 1].properties.isWhitespace {
            before -= 1
            if scalars[before] == "\n" { break }
        }
        guard before == 0 || scalars[before] == "\n" else { return false }
        if self[place + 1] == ".", isSpace(place + 2) || self[place + 2] == nil { return true }
        return isSpace(place + 1) || self[place + 1] == nil ? skippingSpaces(place + 1) >= scalars.count : false
    }
}
