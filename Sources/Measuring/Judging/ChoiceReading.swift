import Foundation

/// The letter of a multiple-choice answer.
///
/// At a mark: a letter in one of its usual forms ("(B)", "**C**", "B. Paris", "option B", "b"), or a choice's own text. Without marks: the
/// letter that is called correct, that stands alone on the last line or the first, that opens the response, or the only one named.
/// Several that nothing sets apart ("A or B") make a failure by name, never a guess; a denied one ("not A") is none.
struct ChoiceReading {
    private let text: String
    private let choices: [[String]]
    private let count: Int

    static func read(_ text: String, _ choices: [String]) -> Result<String, ExtractionFailure> {
        ChoiceReading(text, choices).read()
    }

    private init(_ text: String, _ choices: [String]) {
        self.text = text
        self.choices = choices.map { PhraseReading.words($0[...]) }
        count = choices.isEmpty ? 5 : choices.count
    }

    private func read() -> Result<String, ExtractionFailure> {
        let letters = Set(LetterMention.all(in: text[...], count).map(\.name))
        for marker in AnswerMarker.all(in: text) where marker.kind != .result {
            if let announced = announced(marker.sentence) { return announced }
            // An announcement may put its answer on the next line.
            let rest = marker.region.drop { $0.isWhitespace || "*:_".contains($0) }
            if marker.sentence.isEmpty, let letter = LetterMention.all(in: rest, count).first { return .success(letter.name) }
            if marker.announcesAnother(in: text) {
                if named(in: marker.sentence).count > 1 { return .failure(.severalChoices) }
                return .failure(!isBeyond(marker.sentence) ? .otherKind : letters.count > 1 ? .severalChoices : .noChoice)
            }
        }
        if let approved = approved() { return approved }
        if letters.count > 1, let alone = alone() { return .success(alone) }
        if let only = letters.first, letters.count == 1 { return .success(only) }
        if letters.count > 1 { return .failure(.severalChoices) }
        let named = named(in: text[...])
        if named.count == 1, let only = named.first { return .success(Self.name(only)) }
        return .failure(named.isEmpty ? .noChoice : .severalChoices)
    }

    /// The letter of a place; past Z its number.
    static func name(_ place: Int) -> String { place < 26 ? String(UnicodeScalar(UInt8(65 + place))) : "\(place + 1)" }

    // MARK: Announced

    /// The first letter of an announced answer, or the choice that it names; several where the announcement itself joins them.
    private func announced(_ sentence: Substring) -> Result<String, ExtractionFailure>? {
        let mentions = LetterMention.all(in: sentence, count, isMarked: true)
        guard let first = mentions.first else {
            let named = named(in: sentence)
            return named.count == 1 ? .success(Self.name(named[0])) : nil
        }
        if mentions.dropFirst().prefix(while: \.isJoined).contains(where: { $0.name != first.name }) { return .failure(.severalChoices) }
        return .success(first.name)
    }

    /// A letter past the last choice.
    private func isBeyond(_ sentence: Substring) -> Bool {
        let letter = PhraseReading.clean(sentence)
        return letter.count == 1 && letter.first?.isLetter == true
    }

    // MARK: Unmarked

    /// The letter of which the text says that it is correct.
    private func approved() -> Result<String, ExtractionFailure>? {
        guard Letters(text).first(of: ["correct", "right", "best", "answer", "true", "likely"]) != nil else { return nil }
        let approved = text.matches(of: Patterns.approval).filter { match in
            let before = text[..<match.1.startIndex].last
            return before.map { !$0.isLetter && !$0.isNumber && !"'’.".contains($0) } ?? true
        }.compactMap { letter($0.1) }
        return approved.last.map(Result.success)
    }

    /// A letter that stands by itself on the last line or on the first, alone or before its choice's own words.
    private func alone() -> String? {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        guard let first = lines.first, let last = lines.last else { return nil }
        if let letter = alone(last, withText: false), !lines.dropLast().contains(where: { alone($0, withText: false) != nil }) {
            return letter
        }
        guard let opening = text.prefixMatch(of: Patterns.openingLetter) else { return nil }
        let others = lines.dropFirst().compactMap { $0.prefixMatch(of: Patterns.openingLetter).flatMap { letter($0.1) } }
        guard others.isEmpty, let letter = letter(opening.1) else { return nil }
        // What follows the first line explains it, unless it goes on to list.
        return alone(first, withText: lines.count > 1) == letter ? letter : nil
    }

    private func alone(_ line: String, withText: Bool) -> String? {
        var bare = line.trimmingCharacters(in: Self.decoration)
        if bare.hasPrefix("A: ") || bare.hasPrefix("A. "), bare.count <= 6 {
            bare = bare.dropFirst(3).trimmingCharacters(in: Self.decoration)
        }
        if bare.count == 1 { return letter(bare[...]) }
        guard withText, let opening = bare.prefixMatch(of: Patterns.openingLetter), let letter = letter(opening.1),
            let value = letter.utf8.first,
            Int(value) - 65 < choices.count
        else { return nil }
        return PhraseReading.words(bare.dropFirst()) == choices[Int(value) - 65] ? letter : nil
    }

    private static let decoration = CharacterSet.whitespacesAndNewlines.union(
        CharacterSet(charactersIn: "*_\"'“”‘’()[]{}.,:!→>✅✓"))

    private func letter(_ text: Substring) -> String? { LetterMention.letter(text, count) }

    // MARK: Named by their texts

    /// The choices that the text names in whole words, neither denied nor only as part of a longer choice.
    private func named(in text: Substring) -> [Int] {
        let words = PhraseReading.words(text)
        let counts = choices.map { Self.places(of: $0, in: words).count { !Self.isDenied(words, $0) } }
        return choices.indices.filter { place in
            counts[place] > 0
                && !choices.indices.contains {
                    choices[$0].count > choices[place].count && counts[$0] > 0
                        && !Self.places(of: choices[place], in: choices[$0]).isEmpty
                }
        }
    }

    private static func places(of wanted: [String], in words: [String]) -> [Int] {
        guard let first = wanted.first, words.count >= wanted.count else { return [] }
        return (0...(words.count - wanted.count)).filter {
            words[$0] == first && words[$0..<($0 + wanted.count)].elementsEqual(wanted)
        }
    }

    /// "not a dog", "isn't the dog", "neither Rome nor Madrid".
    private static func isDenied(_ words: [String], _ place: Int) -> Bool {
        var before = place - 1
        while before >= 0, ["a", "an", "the"].contains(words[before]) { before -= 1 }
        guard before >= 0 else { return false }
        return ["not", "neither", "nor"].contains(words[before])
            || words[before] == "t" && before > 0 && words[before - 1].hasSuffix("n")
    }

    // MARK: References

    /// A reference as a letter: it may be given as one, with or without its decoration, or as the choice's text. Nil where it names none.
    static func reference(_ text: String, _ choices: [String]) -> String? {
        let text = PlainText.of(text)
        let bare = text.trimmingCharacters(in: CharacterSet(charactersIn: " ().:*\n"))
        if bare.count == 1, let letter = LetterMention.letter(bare[...], choices.isEmpty ? 26 : choices.count) { return letter }
        if let place = choices.firstIndex(where: { PhraseReading.canonical($0[...]) == PhraseReading.canonical(text[...]) }) {
            return name(place)
        }
        return LetterMention.all(in: text[...], choices.isEmpty ? 26 : choices.count).first?.name
    }
}
