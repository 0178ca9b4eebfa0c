/// A text cut into words, numbers and marks: what every rule of the answer match reads.
enum Token: Equatable {
    /// Folded to lower case without diacritics, and as it was written.
    case word(String, written: String)
    case number(Double)
    case mark(Character)

    /// A hyphen between letters is a mark; an apostrophe between letters belongs to the word. A minus sign belongs to the
    /// number where it touches it and nothing touches the sign. Commas belong to numbers only as thousands separators.
    static func tokens(of text: String) -> [Token] {
        let characters = Array(text)
        var tokens: [Token] = []
        var index = 0
        while index < characters.count {
            let character = characters[index]
            if character.isWhitespace {
                index += 1
            } else if character.isASCIIDigit || startsSignedNumber(characters, at: index) {
                tokens.append(.number(number(characters, &index)))
            } else if character.isLetter {
                let start = index
                while index < characters.count,
                    characters[index].isLetter
                        || (characters[index].isApostrophe && index + 1 < characters.count
                            && characters[index + 1].isLetter)
                {
                    index += 1
                }
                let written = String(characters[start..<index])
                tokens.append(.word(Phrase.folded(written), written: written))
            } else {
                tokens.append(.mark(character))
                index += 1
            }
        }
        return tokens
    }

    private static func startsSignedNumber(_ characters: [Character], at index: Int) -> Bool {
        guard "-−".contains(characters[index]), index + 1 < characters.count, characters[index + 1].isASCIIDigit else {
            return false
        }
        guard index > 0 else { return true }
        let before = characters[index - 1]
        return !(before.isLetter || before.isASCIIDigit || before == ")")
    }

    /// Reads `-1,234.50` or `3/4` at `index` and moves behind it.
    private static func number(_ characters: [Character], _ index: inout Int) -> Double {
        let isNegative = !characters[index].isASCIIDigit
        if isNegative { index += 1 }
        var value = decimal(characters, &index)
        if index + 1 < characters.count, characters[index] == "/", characters[index + 1].isASCIIDigit {
            var after = index + 1
            let divisor = decimal(characters, &after)
            if divisor != 0 {
                value /= divisor
                index = after
            }
        }
        return isNegative ? -value : value
    }

    private static func decimal(_ characters: [Character], _ index: inout Int) -> Double {
        func digits(at start: Int) -> Int {
            var end = start
            while end < characters.count, characters[end].isASCIIDigit { end += 1 }
            return end - start
        }
        let whole = digits(at: index)
        var text = String(characters[index..<index + whole])
        index += whole
        if whole <= 3 {
            while index < characters.count, characters[index] == ",", digits(at: index + 1) == 3 {
                text += String(characters[index + 1...index + 3])
                index += 4
            }
        }
        if index < characters.count, characters[index] == "." {
            let fraction = digits(at: index + 1)
            if fraction > 0 {
                text += String(characters[index...index + fraction])
                index += fraction + 1
            }
        }
        return Double(text) ?? .infinity
    }

    var word: String? {
        if case .word(let folded, _) = self { folded } else { nil }
    }

    func isMark(_ marks: String) -> Bool {
        if case .mark(let character) = self { marks.contains(character) } else { false }
    }
}

extension Character {
    var isASCIIDigit: Bool { isASCII && isWholeNumber }
    var isApostrophe: Bool { self == "'" || self == "’" }
}

extension [Token] {
    /// Without the marks that end a sentence or wrap an answer.
    func droppingFinalStops() -> [Token] {
        var result = self[...]
        while let last = result.last, last.isMark(".!?*\"'”’)]}`$") { result.removeLast() }
        while let first = result.first, first.isMark("*\"'“‘([{`$€£") { result.removeFirst() }
        return Array(result)
    }
}
