import Foundation

/// The letter of a multiple-choice answer.
///
/// At a mark: a letter in one of its usual forms ("(B)", "**C**", "B. Paris", "option B"), or a choice's own text. Without marks: the
/// letter that opens the response, or the only one named; several make a failure by name, never a guess.
enum ChoiceReading {
    static func read(_ text: String, _ choices: [String]) -> Result<String, ExtractionFailure> {
        let count = choices.isEmpty ? 5 : choices.count
        for marker in AnswerMarker.all(in: text) where marker.kind != .result {
            if let letter = letters(in: marker.sentence, count).first ?? named(marker.sentence, choices) { return .success(letter) }
            // An announcement may put its answer on the next line.
            let rest = marker.region.drop { $0.isWhitespace || "*:_".contains($0) }
            if marker.sentence.isEmpty, let letter = letters(in: rest, count).first { return .success(letter) }
        }
        if let opening = text.prefixMatch(of: Patterns.openingLetter),
            let letter = letter(opening.1, count), Set(letters(in: text[...], count)).subtracting([letter]).isEmpty
        {
            return .success(letter)
        }
        let mentioned = Set(letters(in: text[...], count))
        if let only = mentioned.first, mentioned.count == 1 { return .success(only) }
        if mentioned.count > 1 { return .failure(.severalChoices) }
        let texts = Set(choices.indices.filter { mentions(text[...], choices[$0], choices) })
        if texts.count == 1, let only = texts.first { return .success(name(only)) }
        return .failure(texts.isEmpty ? .noChoice : .severalChoices)
    }

    /// A reference as a letter: it may be given as one, with or without its decoration, or as the choice's text.
    static func reference(_ text: String, _ choices: [String]) -> String {
        let bare = text.trimmingCharacters(in: CharacterSet(charactersIn: " ().:*\n"))
        if bare.count == 1, let letter = letter(bare[...], max(choices.count, 1)) { return letter }
        if let place = choices.firstIndex(where: { PhraseReading.canonical($0[...]) == PhraseReading.canonical(text[...]) }) {
            return name(place)
        }
        return letters(in: text[...], choices.isEmpty ? 26 : choices.count).first ?? bare.uppercased()
    }

    /// The letter of a place; past Z its number.
    static func name(_ place: Int) -> String { place < 26 ? String(UnicodeScalar(UInt8(65 + place))) : "\(place + 1)" }

    private static func letter(_ text: Substring, _ count: Int) -> String? {
        let upper = text.uppercased()
        guard upper.count == 1, let value = upper.first?.asciiValue, (65..<(65 + UInt8(min(count, 26)))).contains(value) else { return nil }
        return upper
    }

    /// Letters in forms that cannot be words: capitals that stand alone (but "A dog", "I think"), and any letter that is
    /// enclosed, followed by a bracket, or named by "option".
    private static func letters(in text: Substring, _ count: Int) -> [String] {
        let enclosed: [Regex<(Substring, Substring)>] = [
            Patterns.namedLetter, Patterns.bracketedLetter,
            Patterns.decoratedLetter, Patterns.letterOfLine,
        ]
        let alone: [Regex<(Substring, Substring)>] = [
            Patterns.letterBeforeBracket, Patterns.letterBeforeStop, Patterns.capitalBeforeSpace,
        ]
        var found: [(place: String.Index, letter: String)] = []
        for (forms, mustStart) in [(enclosed, false), (alone, true)] {
            for form in forms {
                for match in text.matches(of: form) {
                    let before = text[..<match.1.startIndex].last
                    if mustStart, let before, before.isLetter || before.isNumber || "'’.".contains(before) { continue }
                    if let letter = letter(match.1, count) { found.append((match.1.startIndex, letter)) }
                }
            }
        }
        return found.sorted { $0.place < $1.place }.map(\.letter)
    }

    /// The one choice whose text stands in the sentence.
    private static func named(_ sentence: Substring, _ choices: [String]) -> String? {
        let places = choices.indices.filter { mentions(sentence, choices[$0], choices) }
        return places.count == 1 ? name(places[0]) : nil
    }

    /// Whether the text names a choice in whole words, and not only as part of a longer choice.
    private static func mentions(_ text: Substring, _ choice: String, _ choices: [String]) -> Bool {
        let (words, wanted) = (PhraseReading.words(text), PhraseReading.words(choice[...]))
        guard !wanted.isEmpty else { return false }
        let longer = choices.map { PhraseReading.words($0[...]) }.filter { $0.count > wanted.count && contains($0, wanted) }
        return contains(words, wanted) && !longer.contains { contains(words, $0) }
    }

    private static func contains(_ words: [String], _ wanted: [String]) -> Bool {
        guard words.count >= wanted.count else { return false }
        return (0...(words.count - wanted.count)).contains { Array(words[$0..<($0 + wanted.count)]) == wanted }
    }
}
