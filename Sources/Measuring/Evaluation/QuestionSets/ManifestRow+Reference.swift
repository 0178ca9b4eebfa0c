import Foundation
import JSON
import Judging

/// References that can be answered: one that names no choice, or no number where a number is asked for, would count every answer as
/// wrong in silence, so its row is refused by line.
///
///     "B", "(b)", "B. Paris", "Paris"     the choice of that letter or of that text
///     1 (a JSON integer)                  a label as Hugging Face's ClassLabel counts: 0 is A, 1 is B; refused where 1 is also the text
///                                         of another choice
///     "1"                                 a choice's text or nothing: as a label it could count from 0 or from 1
extension ManifestRow {
    /// The rule of references that all formats share, as an addition to ``ManifestFormat/columns``.
    static let referenceRule = """
        The answer of a choice is its letter (A is the first), its text, or a JSON integer, which counts from 0 as Hugging Face's labels do. A row \
        whose answer names no choice, or whose answer to a number, yes or no, day or month cannot be read as one, is refused by its line.
        """

    /// An item with its reference as a letter where it was given as a label, checked for its type.
    /// - Parameter isGuessed: Whether the item's type was guessed, and not given.
    func checked(_ item: QuestionSet.Item, isGuessed: Bool) throws -> QuestionSet.Item {
        var item = item
        let label = label()
        if isGuessed, item.type == .number, item.choices.count > 1, label != nil, !item.choices.contains(item.answer) {
            item.type = .choice
        }
        if isGuessed, item.type == .choice, item.choices.isEmpty, !"ABCDE".contains(letter(item) ?? "A") { item.type = .phrase }
        switch item.type {
        case .choice:
            if let label {
                let place = try choice(label, of: item)
                item.answer = place < 26 ? String(UnicodeScalar(UInt8(65 + place))) : "\(place + 1)"
            } else if letter(item) == nil || (item.choices.isEmpty && !"ABCDE".contains(letter(item) ?? "")) {
                throw refusal(
                    item,
                    item.choices.isEmpty
                        ? "no letter from A to E; list the row's choices"
                        : "none of its \(item.choices.count) choices; \(Self.wanted(item))")
            }
        case .number, .yesNo, .day, .month, .phrase, .list:
            guard let read = AnswerExtraction.readable(item.answer, type: item.type, choices: item.choices), !read.isEmpty else {
                throw refusal(item, "no \(item.type.rawValue); give one, or another type")
            }
        case .freeForm, .rating, .refusal, .instructions: break
        }
        return item
    }

    private func letter(_ item: QuestionSet.Item) -> String? {
        AnswerExtraction.readable(item.answer, type: .choice, choices: item.choices)
    }

    /// The place of the choice that a label means.
    private func choice(_ label: Int, of item: QuestionSet.Item) throws -> Int {
        if item.choices.isEmpty { throw refusal(item, "a label without choices; list the row's choices") }
        let text = item.choices.firstIndex(of: String(label))
        if let text, text != label, item.choices.indices.contains(label) {
            throw refusal(item, "the text of one choice and the label of another; give the letter")
        }
        if let text { return text }
        guard item.choices.indices.contains(label) else {
            throw refusal(item, "none of its \(item.choices.count) choices; \(Self.wanted(item))")
        }
        return label
    }

    private static func wanted(_ item: QuestionSet.Item) -> String {
        let last = item.choices.count
        let letter = last <= 26 ? String(UnicodeScalar(UInt8(64 + last))) : "Z"
        return "give a letter from A to \(letter), a choice's text, or an integer label from 0 to \(last - 1)"
    }

    private func refusal(_ item: QuestionSet.Item, _ found: String) -> QuestionSetError {
        .reference(file: file, line: line, answer: item.answer, found: found)
    }

    /// The reference where it is a JSON integer.
    private func label() -> Int? {
        for column in ["answer", "reference", "target", "label", "official_answer"] {
            if let value = value(column) { return value.exactInteger }
        }
        return nil
    }
}
