import Foundation

/// The final answer in what a model said, in a canonical form that compares by equality.
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
        let text = response.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { return .failure(.empty) }
        if type.isWholeText { return .success(text) }
        if type == .refusal { return .success(RefusalReading.read(text)) }
        if type == .choice { return ChoiceReading.read(text, choices) }
        for marker in AnswerMarker.all(in: text) {
            if let value = marked(marker, type, choices) { return .success(value) }
        }
        switch type {
        case .number: return result(lastNumber(text), .noNumber)
        case .yesNo: return result(unmarkedYesNo(text), .noYesNo)
        case .day: return result(CalendarWords.days.all(in: text[...]).last, .noDay)
        case .month: return result(CalendarWords.months.all(in: text[...]).last, .noMonth)
        case .phrase: return result(unmarkedPhrase(text, choices), .noPhrase)
        case .list: return result(unmarkedList(text), .noList)
        case .choice, .freeForm, .rating, .refusal, .instructions: preconditionFailure("\(type) is read above")
        }
    }

    /// The reference answer in the form that ``extract(_:type:choices:)`` returns; as given where it cannot be read.
    package static func canonical(_ reference: String, type: TaskType, choices: [String] = []) -> String {
        switch type {
        case .phrase: PhraseReading.canonical(reference[...])
        case .list: PhraseReading.list(reference[...])
        case .choice: ChoiceReading.reference(reference, choices)
        case .refusal: reference
        default: (try? extract(reference, type: type, choices: choices).get()) ?? reference
        }
    }

    /// Whether an extracted answer is the reference: equal canonical forms; numbers to nine digits; a time without its half of the day
    /// equals one with it. A free form is for a judge: equality of the texts is only its lower bound.
    package static func matches(_ extracted: String, reference: String, type: TaskType, choices: [String] = []) -> Bool {
        let reference = canonical(reference, type: type, choices: choices)
        if extracted == reference { return true }
        if type == .phrase { return PhraseReading.agree(extracted, reference) }
        guard type == .number else { return false }
        if let x = Double(extracted), let y = Double(reference) {
            // Three hundred digits are infinitely much, which is near to everything.
            return x.isFinite && y.isFinite && abs(x - y) <= 1e-9 * max(1, abs(x), abs(y))
        }
        let (x, y) = (extracted.split(separator: " "), reference.split(separator: " "))
        return x.first == y.first && x.count != y.count && extracted.contains(":")
    }

    private static func result(_ value: String?, _ failure: ExtractionFailure) -> Result<String, ExtractionFailure> {
        value.map(Result.success) ?? .failure(failure)
    }

    private static func marked(_ marker: AnswerMarker, _ type: TaskType, _ choices: [String]) -> String? {
        let sentence = marker.sentence
        switch type {
        case .number: return markedNumber(marker)
        case .yesNo: return marker.kind == .result ? nil : YesNoWords.announced(in: sentence)
        case .day: return CalendarWords.days.all(in: sentence).first ?? CalendarWords.days.all(in: marker.region).first
        case .month: return CalendarWords.months.all(in: sentence).first ?? CalendarWords.months.all(in: marker.region).first
        case .phrase:
            if marker.kind == .result { return nil }
            if let named = PhraseReading.named(sentence, choices) { return named }
            let phrase = PhraseReading.canonical(marker.kind == .correction ? PhraseReading.afterCopula(sentence) : sentence)
            return phrase.isEmpty ? nil : phrase
        case .list:
            if marker.kind == .result { return nil }
            let list = PhraseReading.list(AnswerMarker.sentence(of: marker.region, stops: "!?"))
            return list.isEmpty ? nil : list
        case .choice, .freeForm, .rating, .refusal, .instructions: return nil
        }
    }

    /// After an announcement the first number of its sentence, or what its last equals sign gives; after a correction the last.
    private static func markedNumber(_ marker: AnswerMarker) -> String? {
        let sentence = marker.sentence
        if let equals = sentence.lastIndex(of: "="),
            let value = NumberReading.all(in: sentence[sentence.index(after: equals)...]).first
        {
            return value.value
        }
        let inSentence = NumberReading.all(in: sentence)
        if marker.kind == .correction { return (inSentence.last ?? NumberReading.all(in: marker.region).last)?.value }
        return (inSentence.first ?? NumberReading.all(in: marker.region).first)?.value
    }

    /// The last number in digits, or in words where there are no digits.
    private static func lastNumber(_ text: String) -> String? {
        let numbers = NumberReading.all(in: text[...])
        return (numbers.last { !$0.inWords } ?? numbers.last)?.value
    }

    /// The word that opens the response, or else one that stands for itself at the end of a sentence.
    private static func unmarkedYesNo(_ text: String) -> String? {
        if let opening = YesNoWords.opening(text[...]) { return opening }
        return text.matches(of: Patterns.closingYesNo).last.flatMap { YesNoWords.value(String($0.1)) }
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
