import Foundation

/// Words, phrases and lists in canonical form: lower case, single spaces, no article in front, no decoration around.
enum PhraseReading {
    /// Without Markdown, quotes, brackets and closing punctuation around it; the spelling stays.
    static func clean(_ text: Substring) -> String {
        String(text).replacing(Patterns.latexText) { $0.1 }.trimmingCharacters(in: decoration)
    }

    static func canonical(_ text: Substring) -> String {
        let folded = clean(text).folding(options: [.caseInsensitive, .diacriticInsensitive, .widthInsensitive], locale: english)
        var words = folded.replacing("’", with: "'").split(whereSeparator: \.isWhitespace)
        if words.count > 1, let first = words.first, ["the", "a", "an"].contains(first) { words.removeFirst() }
        return words.joined(separator: " ").trimmingCharacters(in: decoration)
    }

    /// Whether two canonical phrases say the same: in words with numbers as numbers, or because the longer one names the wanted one and
    /// nothing that could contradict it: "ben is the shortest" names "ben"; "not ben" and "ben or tom" do not.
    static func agree(_ given: String, _ wanted: String) -> Bool {
        let (words, sought) = (comparable(given), comparable(wanted))
        guard !sought.isEmpty, words != sought else { return !sought.isEmpty }
        let doubt: Set = ["not", "or", "and", "neither", "nor", "than", "but", "if"]
        let named =
            words.count > sought.count
            && (0...(words.count - sought.count)).contains {
                words[$0..<($0 + sought.count)].elementsEqual(sought)
            }
        return named && words.count <= sought.count + 12 && doubt.subtracting(sought).isDisjoint(with: words)
            && !given.contains("n't")
    }

    /// The words of a canonical phrase without articles, numbers in digits.
    private static func comparable(_ text: String) -> [String] {
        let numbers = NumberReading.all(in: text[...])
        var (rest, place) = ("", text.startIndex)
        for number in numbers {
            rest += text[place..<number.range.lowerBound] + number.value
            place = number.range.upperBound
        }
        let all = (rest + text[place...]).split { !($0.isLetter || $0.isNumber || ".-".contains($0)) }.map(String.init)
        let bare = all.filter { !["a", "an", "the"].contains($0) }
        return bare.isEmpty ? all : bare
    }

    private static let english = Locale(identifier: "en")

    /// Values separated by commas, semicolons or "and", numbers as numbers, joined by a comma and a space.
    static func list(_ text: Substring) -> String {
        return clean(text).split(separator: Patterns.separator).map { part in
            let numbers = NumberReading.all(in: part)
            if numbers.count == 1, let number = numbers.first, words(part).count <= 2 { return number.value }
            return canonical(part)
        }.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// The one value of `choices` that the text names in whole words.
    static func named(_ text: Substring, _ choices: [String]) -> String? {
        let spoken = " " + words(text).joined(separator: " ") + " "
        let named = choices.filter { spoken.contains(" " + words($0[...]).joined(separator: " ") + " ") }
        let longest = named.filter { name in
            !named.contains { $0 != name && words($0[...]).joined(separator: " ").contains(words(name[...]).joined(separator: " ")) }
        }
        return longest.count == 1 ? canonical(longest[0][...]) : nil
    }

    static func words(_ text: Substring) -> [String] {
        text.lowercased().split { !($0.isLetter || $0.isNumber) }.map(String.init)
    }

    /// What follows "it is" in "no, wait, it is Bob".
    static func afterCopula(_ text: Substring) -> Substring {
        guard let match = text.firstMatch(of: Patterns.copula) else { return text }
        return text[match.range.upperBound...]
    }

    private static let decoration = CharacterSet.whitespacesAndNewlines.union(CharacterSet(charactersIn: "*_`\"'“”‘’()[]{}.,;:!?$\\"))
}

enum YesNoWords {
    static func value(_ word: String) -> String? {
        switch word.lowercased() {
        case "yes", "yeah", "yep", "true": "yes"
        case "no", "nope", "false": "no"
        default: nil
        }
    }

    /// The first verdict of an announced answer, where "not correct" says no as well.
    static func announced(in text: Substring) -> String? {
        var isNegated = false
        for word in text.lowercased().split(whereSeparator: { !($0.isLetter || "'’".contains($0)) }) {
            let said: String? =
                switch word {
                case "correct": "yes"
                case "incorrect", "wrong": "no"
                default: value(String(word))
                }
            if let said { return isNegated ? (said == "yes" ? "no" : "yes") : said }
            isNegated = word == "not" || word.hasSuffix("n't") || word.hasSuffix("n’t")
        }
        return nil
    }

    /// "No apples are left" and "no idea" open with an article of a kind, "No, it is not", "No it isn't" and "No." with a verdict.
    static func opening(_ text: Substring) -> String? {
        guard let word = PhraseReading.words(text.prefix(24)).first, let said = value(word) else { return nil }
        guard word == "no", let range = text.range(of: "no", options: .caseInsensitive) else { return said }
        let rest = text[range.upperBound...].drop { "*_\"'”’)".contains($0) }
        guard let next = rest.first(where: { !$0.isWhitespace }), rest.first?.isWhitespace == true, next.isLetter, rest.first?.isNewline == false
        else {
            return said
        }
        return PhraseReading.words(rest.prefix(24)).first.map { going.contains($0) } == true ? said : nil
    }

    private static let going: Set = [
        "it", "he", "she", "they", "there", "this", "that", "these", "those", "the", "i", "you", "we", "because", "since", "as", "not", "a", "an",
        "its",
        "his", "her", "their", "both", "in", "only", "but", "is", "actually", "sorry", "and",
    ]

    /// "yes and no", "true or false".
    static func isBoth(_ text: Substring) -> Bool { text.contains(Patterns.bothVerdicts) }
}

/// The names of days or months, in full or by their usual abbreviations; canonical in full and lower case.
struct CalendarWords: Sendable {
    let names: [String]
    /// Names that are also English words, and so count only with a capital.
    let capitals: Set<String>

    static let days = CalendarWords(
        names: ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], capitals: ["sun", "sat", "wed"])
    static let months = CalendarWords(
        names: [
            "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
            "december",
        ], capitals: ["may", "march", "mar", "dec", "jan", "august"])

    /// The first that the text names; a failure where it offers another one beside it ("Monday or Tuesday"). Nil where it names none.
    func first(in text: Substring) -> Result<String, ExtractionFailure>? {
        let named = mentions(in: text)
        return named.first.map { first in
            named.dropFirst().first.map { isJoined(first, $0, by: [",", "or", "and", "/", "&"]) } == true
                ? .failure(.severalValues) : .success(first.name)
        }
    }

    /// The last, likewise; what commas join is a count of days, of which the last is meant.
    func last(in text: Substring) -> Result<String, ExtractionFailure>? {
        let named = mentions(in: text)
        return named.last.map { last in
            named.dropLast().last.map { isJoined($0, last, by: ["or", "and", "/", "&"]) } == true ? .failure(.severalValues) : .success(last.name)
        }
    }

    private func isJoined(_ first: Mention, _ second: Mention, by words: Set<String>) -> Bool {
        guard first.name != second.name else { return false }
        let between = first.text[first.range.upperBound..<second.range.lowerBound]
        return words.contains(between.trimmingCharacters(in: .whitespaces.union(CharacterSet(charactersIn: "*_\"”"))).lowercased())
    }

    /// Those that are not denied: "not Monday but Tuesday" names Tuesday.
    func all(in text: Substring) -> [String] { mentions(in: text).map(\.name) }

    private struct Mention {
        let name: String
        let range: Range<String.Index>
        let text: Substring
    }

    private func mentions(in text: Substring) -> [Mention] {
        var before: Substring?
        return text.split { !($0.isLetter || "'’".contains($0)) }.compactMap { word in
            defer { before = word }
            if let before, isDenial(before) { return nil }
            var bare = word.drop { !$0.isLetter }
            while let last = bare.last, !last.isLetter { bare = bare.dropLast() }
            if bare.hasSuffix("'s") || bare.hasSuffix("’s") { bare = bare.dropLast(2) }
            guard let name = name(bare, alone: text.count == bare.count) else { return nil }
            return Mention(name: name, range: bare.startIndex..<bare.endIndex, text: text)
        }
    }

    private func isDenial(_ word: Substring) -> Bool {
        let word = word.lowercased()
        return word == "not" || word.hasSuffix("n't") || word.hasSuffix("n’t")
    }

    private func name(_ word: Substring, alone: Bool) -> String? {
        let lower = word.lowercased()
        if capitals.contains(lower), word.first?.isUppercase != true, !alone { return nil }
        if names.contains(lower) { return lower }
        let singular = lower.hasSuffix("s") ? String(lower.dropLast()) : lower
        if names.contains(singular) { return singular }
        guard (3...5).contains(lower.count) else { return nil }
        return names.first { $0.hasPrefix(lower) && ($0.count > 5 || lower.count == 3) }
    }
}
