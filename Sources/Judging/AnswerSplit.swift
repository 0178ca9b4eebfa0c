import Foundation

/// A generated text apart in its final answer and the reasoning that led to it.
///
///     "12 + 7 = 19. 19 - 5 = 14. The answer is 14."  →  reasoning "12 + 7 = 19. 19 - 5 = 14.", answer "14"
///     "Ben is the shortest."                         →  reasoning "", answer the whole
///
/// The last announcement of an answer counts, since a text may correct itself, and what stands before its sentence is reasoning; without
/// any, the last paragraph is the answer.
package struct AnswerSplit: Equatable, Sendable {
    package let reasoning: String
    /// Nil for a text of white space.
    package let answer: String?

    package init(_ text: String) {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if let marker = AnswerMarker.all(in: text).first(where: { $0.kind == .announced && $0.namesAnswer(in: text) }) {
            let answer = marker.sentence.trimmingCharacters(in: Self.emphasis)
            if !answer.isEmpty {
                let before = text[..<marker.range.lowerBound]
                let start = before.ranges(of: Patterns.sentenceEnd).last?.upperBound ?? before.startIndex
                reasoning = String(text[..<start]).trimmingCharacters(in: .whitespacesAndNewlines)
                self.answer = answer
                return
            }
        }
        let paragraphs = text.split(whereSeparator: \.isNewline)
        reasoning = paragraphs.dropLast().joined(separator: "\n")
        answer = paragraphs.last.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    private static let emphasis = CharacterSet.whitespacesAndNewlines.union(CharacterSet(charactersIn: "*_`"))
}

extension AnswerMarker {
    /// Whether the mark says "answer" or is a mark of its own: "I say" and "another option is" open sentences of any text.
    fileprivate func namesAnswer(in text: String) -> Bool {
        let mark = text[range]
        return mark.first?.isLetter != true || mark.lowercased().contains("answer")
    }
}
