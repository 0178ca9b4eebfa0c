import Foundation

/// Words, phrases and lists in canonical form: lower case, single spaces, no article in front, no decoration around.
enum PhraseReading {
    /// Without Markdown, quotes, brackets and closing punctuation around it; the spelling stays.
    static func clean(_ text: Substring) -> String {
        String(text).replacing(Patterns.latexText) { $0.1 }.trimmingCharacters(in: decoration)
    }

    static func canonical(_ text: Substring) -> String {
        var words = clean(text).lowercased().split(whereSeparator: \.isWhitespace)
        if words.count > 1, let first = words.first, ["the", "a", "an"].contains(first) { words.removeFirst() }
        return words.joined(separator: " ").trimmingCharacters(in: decoration)
    }

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
        let longest = named.filter { name in !named.contains { $0 != name && words($0[...]).joined(separator: " ").contains(words(name[...]).joined(separator: " ")) } }
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

    static func first(in text: Substring) -> String? {
        PhraseReading.words(text).lazy.compactMap(value).first
    }

    static func opening(_ text: Substring) -> String? { PhraseReading.words(text.prefix(24)).first.flatMap(value) }
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

    func all(in text: Substring) -> [String] {
        text.split { !$0.isLetter }.compactMap { word in
            let lower = word.lowercased()
            if capitals.contains(lower), word.first?.isUppercase != true, text.count > lower.count { return nil }
            if names.contains(lower) { return lower }
            let singular = lower.hasSuffix("s") ? String(lower.dropLast()) : lower
            if names.contains(singular) { return singular }
            guard (3...5).contains(lower.count) else { return nil }
            return names.first { $0.hasPrefix(lower) && ($0.count > 5 || lower.count == 3) }
        }
    }
}
