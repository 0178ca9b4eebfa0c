import Foundation

/// A generated text apart in its final answer and the reasoning that led to it.
///
///     "12 + 7 = 19. 19 - 5 = 14. The answer is 14."  →  reasoning "12 + 7 = 19. 19 - 5 = 14.", answer "14"
///     "Ben is the shortest."                         →  reasoning "", answer the whole
///     "<think>12 + 7?</think>19"                     →  reasoning "12 + 7?", answer "19"
///
/// A block of reasoning (``VisibleText``) is reasoning and never the answer; a text that is nothing else has none.
/// The last announcement of an answer counts, since a text may correct itself, and what stands before its sentence is reasoning; without
/// any, the last paragraph is the answer.
package struct AnswerSplit: Equatable, Sendable {
    package let reasoning: String
    /// Nil for a text of white space, or of reasoning alone.
    package let answer: String?
    /// Whether the text announces the answer and ends with that: then nothing is lost where only reasoning and answer are shown.
    package let isAnnouncedLast: Bool

    package init(_ text: String) {
        let visible = VisibleText(text)
        let text = visible.said.trimmingCharacters(in: .whitespacesAndNewlines)
        let thought = visible.reasoning.trimmingCharacters(in: .whitespacesAndNewlines)
        func joined(_ before: String) -> String { thought.isEmpty || before.isEmpty ? thought + before : thought + "\n" + before }
        if let marker = AnswerMarker.all(in: text).first(where: { $0.kind == .announced && $0.namesAnswer(in: text) }) {
            let answer = marker.sentence.trimmingCharacters(in: Self.emphasis)
            if !answer.isEmpty {
                let before = text[..<marker.range.lowerBound]
                let start = before.ranges(of: Patterns.sentenceEnd).last?.upperBound ?? before.startIndex
                reasoning = joined(text[..<start].trimmingCharacters(in: .whitespacesAndNewlines))
                self.answer = answer
                let behind = text[marker.sentence.endIndex...].replacing("</answer>", with: "")
                isAnnouncedLast = !behind.contains { $0.isLetter || $0.isNumber }
                return
            }
        }
        isAnnouncedLast = false
        let paragraphs = text.split(whereSeparator: \.isNewline)
        reasoning = joined(paragraphs.dropLast().joined(separator: "\n"))
        answer = paragraphs.last.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    private static let emphasis = CharacterSet.whitespacesAndNewlines.union(CharacterSet(charactersIn: "*_`"))
}
