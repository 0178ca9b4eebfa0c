/// Answers from a closed set of words: days, months, yes and no, option letters.

struct Calendar {
    /// Each name with the forms that stand for it.
    let names: [(name: String, forms: Set<String>)]

    static let day = Calendar([
        ["monday", "mon"], ["tuesday", "tue", "tues"], ["wednesday", "wed", "weds"],
        ["thursday", "thu", "thur", "thurs"],
        ["friday", "fri"], ["saturday", "sat"], ["sunday", "sun"],
    ])
    static let month = Calendar([
        ["january", "jan"], ["february", "feb"], ["march", "mar"], ["april", "apr"], ["may"], ["june", "jun"],
        ["july", "jul"], ["august", "aug"], ["september", "sep", "sept"], ["october", "oct"], ["november", "nov"],
        ["december", "dec"],
    ])

    private init(_ forms: [[String]]) {
        names = forms.map { ($0[0], Set($0)) }
    }

    func only(in tokens: [Token]) -> String? {
        tokens.count == 1 ? all(in: tokens).first : nil
    }

    /// Names and abbreviations count where they are capitalised ("march on", "may be", "the sun sat" do not), or where
    /// nothing else is said.
    func all(in tokens: [Token]) -> [String] {
        tokens.compactMap { token in
            guard case .word(let word, let written) = token, let entry = names.first(where: { $0.forms.contains(word) })
            else { return nil }
            let isUnmistakable = word == entry.name && !["may", "march"].contains(word)
            return isUnmistakable || tokens.count == 1 || written.first?.isUppercase == true ? entry.name : nil
        }
    }
}

enum YesNo {
    private static let yes: Set = ["yes", "yeah", "yep", "true", "correct"]
    private static let no: Set = ["no", "nope", "false", "incorrect", "wrong"]

    static func only(in tokens: [Token]) -> String? {
        guard tokens.count == 1, let word = tokens[0].word else { return nil }
        return word == "yes" ? "yes" : word == "no" ? "no" : nil
    }

    static func all(in tokens: [Token]) -> [String] {
        var found: [String] = []
        var isNegated = false
        for token in tokens {
            guard let word = token.word else {
                isNegated = false
                continue
            }
            if yes.contains(word) {
                found.append(isNegated ? "no" : "yes")
            } else if no.contains(word) {
                // "no more", "no longer" negate what follows and answer nothing, but cannot be told from "no" here.
                found.append(isNegated ? "yes" : "no")
            }
            isNegated = word == "not" || word.hasSuffix("n't")
        }
        return found
    }
}

enum OptionLetter {
    static func only(in tokens: [Token]) -> String? {
        guard tokens.count == 1, case .word(_, let written) = tokens[0], written.count == 1,
            let letter = written.first, ("A"..."Z").contains(letter)
        else { return nil }
        return written
    }

    /// The letter that an answer span names: "B", "b", "(B)", "B: Paris", "B. Paris", "option B".
    static func first(in tokens: [Token]) -> String? {
        let bare = tokens.droppingFinalStops()
        if bare.count == 1, case .word(let word, _) = bare[0], word.count == 1, isLetter(word) {
            return word.uppercased()
        }
        for (index, token) in tokens.enumerated() {
            guard case .word(let word, let written) = token, word.count == 1, isLetter(word) else { continue }
            let next = index + 1 < tokens.count ? tokens[index + 1] : nil
            let before = index > 0 ? tokens[index - 1] : nil
            let isNamed = ["option", "choice", "letter", "answer"].contains(before?.word)
            let isBracketed = before?.isMark("(") == true && next?.isMark(")") == true
            let isMarked = written != word && (next == nil || next?.isMark(".:),;*") == true)
            if isNamed || isBracketed || isMarked { return word.uppercased() }
        }
        return nil
    }

    private static func isLetter(_ word: String) -> Bool {
        word.first.map { ("a"..."z").contains($0) } ?? false
    }
}

enum AnswerList {
    /// The elements of "a, b and c", trimmed; one element where nothing separates.
    static func elements(of text: String) -> [String] {
        var elements: [String] = []
        // A comma between digits separates only where a space follows: "1,200" is one number.
        var current = ""
        let characters = Array(text)
        for (index, character) in characters.enumerated() {
            let isInNumber =
                character == "," && index > 0 && characters[index - 1].isASCIIDigit && index + 3 < characters.count
                && characters[index + 1...index + 3].allSatisfy(\.isASCIIDigit)
            if (character == "," || character == ";" || character == "\n") && !isInNumber {
                elements.append(current)
                current = ""
            } else {
                current.append(character)
            }
        }
        elements.append(current)
        if elements.count > 1 || characters.count < 80 {
            elements = elements.flatMap { $0.split(separator: " and ").map(String.init) }
        }
        return elements.map {
            var element = $0.trimmed()
            if element.hasPrefix("and ") { element.removeFirst(4) }
            return element.trimmed()
        }.filter { !$0.isEmpty }
    }
}

extension String {
    func trimmed() -> String {
        let stops: Set<Character> = [".", "*", "\"", "`", "[", "]"]
        var result = self[...]
        while let first = result.first, first.isWhitespace || stops.contains(first) { result.removeFirst() }
        while let last = result.last, last.isWhitespace || stops.contains(last) { result.removeLast() }
        return String(result)
    }
}
