import Foundation

/// The final answer in what a model said, in a canonical form that compares by equality.
///
///     response → VisibleText (what was thought is left out) → PlainText (no typesetting) → AnswerMarker → the type's own reading
///
/// The same rules read the reference answer (``canonical(_:type:choices:)``), so "twenty-one" answers "21". What stands at
/// the last mark (``AnswerMarker``) counts; without marks, each kind of answer has its own rule, told at its function.
package enum AnswerExtraction {
    /// - Parameters:
    ///   - response: the whole answer.
    ///   - choices: the texts of the lettered choices, A first; for a phrase, the values it may take.
    package static func extract(
        _ response: String, type: TaskType, choices: [String] = []
    ) -> Result<String, ExtractionFailure> {
        let visible = VisibleText(response)
        if visible.isOnlyReasoning { return .failure(.onlyReasoning) }
        let said = visible.said.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !said.isEmpty else { return .failure(.empty) }
        if type.isWholeText { return .success(said) }
        if type == .refusal { return .success(RefusalReading.read(said)) }
        let text = PlainText.of(said)
        if type == .choice { return ChoiceReading.read(text, choices) }
        var isAnnounced = false
        for marker in AnswerMarker.all(in: text) {
            if let value = marked(marker, type, choices) { return value }
            if type != .phrase, type != .list, marker.announcesAnother(in: text, than: type) { return .failure(.otherKind) }
            if let value = beyond(marker, type) { return .success(value) }
            isAnnounced = isAnnounced || marker.saysUnreadable(in: text)
        }
        switch type {
        // What an announcement says in words that cannot be read ("is unknown") is not made up for by what stood before it.
        case .number: return result(isAnnounced || isUnknown(text) ? nil : lastNumber(text), .noNumber)
        case .yesNo: return unmarkedYesNo(text)
        case .day: return isAnnounced || isUnknown(text) ? .failure(.noDay) : CalendarWords.days.last(in: text[...]) ?? .failure(.noDay)
        case .month: return isAnnounced || isUnknown(text) ? .failure(.noMonth) : CalendarWords.months.last(in: text[...]) ?? .failure(.noMonth)
        case .phrase: return result(unmarkedPhrase(text, choices), .noPhrase)
        case .list: return result(unmarkedList(text), .noList)
        case .choice, .freeForm, .rating, .refusal, .instructions: preconditionFailure("\(type) is read above")
        }
    }

    /// The reference answer in the form that ``extract(_:type:choices:)`` returns; as given where it cannot be read.
    package static func canonical(_ reference: String, type: TaskType, choices: [String] = []) -> String {
        switch type {
        case .choice: ChoiceReading.reference(reference, choices) ?? reference.trimmingCharacters(in: .whitespaces).uppercased()
        default: readable(reference, type: type, choices: choices) ?? reference
        }
    }

    /// The reference answer in canonical form, or nil where it is none of its type: no number, no letter or text of a choice.
    package static func readable(_ reference: String, type: TaskType, choices: [String] = []) -> String? {
        switch type {
        case .phrase: PhraseReading.canonical(PlainText.of(reference)[...])
        case .list: PhraseReading.list(PlainText.of(reference)[...])
        case .choice: ChoiceReading.reference(reference, choices)
        case .refusal: reference
        default: try? extract(reference, type: type, choices: choices).get()
        }
    }

    /// Whether an extracted answer is the reference: equal canonical forms; whole numbers to the last digit, others to nine; a time
    /// without its half of the day equals one with it. A free form is for a judge: equality of the texts is only its lower bound.
    package static func matches(_ extracted: String, reference: String, type: TaskType, choices: [String] = []) -> Bool {
        let reference = canonical(reference, type: type, choices: choices)
        if extracted == reference { return true }
        if type == .phrase { return PhraseReading.agree(extracted, reference) }
        guard type == .number else { return false }
        if isWhole(extracted), isWhole(reference) { return false }
        if let x = Double(extracted), let y = Double(reference) {
            // Three hundred digits are infinitely much, which is near to everything.
            return x.isFinite && y.isFinite && abs(x - y) <= 1e-9 * max(1, abs(x), abs(y))
        }
        let (x, y) = (extracted.split(separator: " "), reference.split(separator: " "))
        return x.first == y.first && x.count != y.count && extracted.contains(":")
    }

    private static func isWhole(_ canonical: String) -> Bool {
        canonical.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: "-") }
    }

    private static func result(_ value: String?, _ failure: ExtractionFailure) -> Result<String, ExtractionFailure> {
        value.map(Result.success) ?? .failure(failure)
    }

    /// What the sentence at a mark says.
    private static func marked(_ marker: AnswerMarker, _ type: TaskType, _ choices: [String]) -> Result<
        String, ExtractionFailure
    >? {
        let sentence = marker.sentence
        if marker.kind == .result, type == .yesNo || type == .phrase || type == .list { return nil }
        switch type {
        case .number: return markedNumber(marker, sentence)
        case .yesNo: return YesNoWords.isBoth(sentence) ? .failure(.severalValues) : YesNoWords.announced(in: sentence).map(Result.success)
        case .day: return CalendarWords.days.first(in: sentence)
        case .month: return CalendarWords.months.first(in: sentence)
        case .phrase:
            if let named = PhraseReading.named(sentence, choices) { return .success(named) }
            let phrase = PhraseReading.canonical(marker.kind == .correction ? PhraseReading.afterCopula(sentence) : sentence)
            return phrase.isEmpty ? nil : .success(phrase)
        case .list:
            let list = PhraseReading.list(AnswerMarker.sentence(of: marker.region, stops: "!?"))
            return list.isEmpty ? nil : .success(list)
        case .choice, .freeForm, .rating, .refusal, .instructions: return nil
        }
    }

    /// What follows the sentence at a mark, where the sentence itself holds nothing.
    private static func beyond(_ marker: AnswerMarker, _ type: TaskType) -> String? {
        switch type {
        case .number:
            let numbers = NumberReading.all(in: marker.region)
            return (marker.kind == .correction ? numbers.last : numbers.first)?.value
        case .day: return CalendarWords.days.all(in: marker.region).first
        case .month: return CalendarWords.months.all(in: marker.region).first
        default: return nil
        }
    }

    /// After an announcement the first number of its sentence, or what its last equals sign gives; after a correction the last. Several that
    /// the sentence offers ("3 or 4", "10 to 20") are no answer, and neither is a bound ("less than 30").
    private static func markedNumber(_ marker: AnswerMarker, _ sentence: Substring) -> Result<String, ExtractionFailure>? {
        if let equals = sentence.lastIndex(of: "="),
            let value = NumberReading.all(in: sentence[sentence.index(after: equals)...]).first
        {
            return sentence[..<equals].contains(Patterns.otherSolution) ? .failure(.severalNumbers) : .success(value.value)
        }
        let numbers = NumberReading.all(in: sentence)
        if marker.kind == .correction { return numbers.last.map { .success($0.value) } }
        guard let first = numbers.first else { return nil }
        guard marker.kind == .announced else { return .success(first.value) }
        let before = sentence[..<first.range.lowerBound]
        if before.contains(Patterns.bound), !before.contains(Patterns.limit) { return .failure(.noNumber) }
        return SeveralNumbers.areOffered(in: sentence, numbers) || marker.isAlternative ? .failure(.severalNumbers) : .success(first.value)
    }

    /// Whether a text says that it does not know, and names nothing after that.
    private static func isUnknown(_ text: String) -> Bool {
        guard let said = text.matches(of: Patterns.ignorance).last else { return false }
        let rest = text[said.range.upperBound...]
        return NumberReading.all(in: rest).isEmpty && CalendarWords.days.all(in: rest).isEmpty && CalendarWords.months.all(in: rest).isEmpty
    }

    /// The last number in digits, or in words where there are no digits.
    private static func lastNumber(_ text: String) -> String? {
        let numbers = NumberReading.all(in: text[...])
        return (numbers.last { !$0.inWords } ?? numbers.last)?.value
    }

    /// The word that opens the response, or else one that stands for itself at the end of a sentence.
    private static func unmarkedYesNo(_ text: String) -> Result<String, ExtractionFailure> {
        let opening = AnswerMarker.sentence(of: text[...], stops: "!?;,")
        let isBoth = YesNoWords.isBoth(opening)
        if !isBoth, let opening = YesNoWords.opening(text[...]) { return .success(opening) }
        let rest = isBoth ? text[opening.endIndex...] : text[...]
        let closing = rest.matches(of: Patterns.closingYesNo).last.flatMap { YesNoWords.value(String($0.1)) }
        return result(closing, isBoth ? .severalValues : .noYesNo)
    }

    /// A value that alone is named, or a response that is itself no more than a phrase.
    private static func unmarkedPhrase(_ text: String, _ choices: [String]) -> String? {
        if let named = PhraseReading.named(text[...], choices) { return named }
        let phrase = PhraseReading.canonical(AnswerMarker.sentence(of: text[...]))
        let alone = text.split(separator: "\n").count == 1 && AnswerMarker.sentence(of: text[...]).count + 3 > text.count
        return alone && !phrase.isEmpty && phrase.split(separator: " ").count <= 5 ? phrase : nil
    }

    /// The last line that has several values.
    private static func unmarkedList(_ text: String) -> String? {
        for line in text.split(separator: "\n").reversed() {
            let list = PhraseReading.list(AnswerMarker.sentence(of: line, stops: "!?"))
            if list.contains(", "), list.split(separator: " ").count <= 24 { return list }
        }
        return nil
    }
}
