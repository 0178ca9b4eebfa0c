/// A generated text apart in its final answer and the reasoning that led to it.
///
///     "12 + 7 = 19. 19 - 5 = 14. The answer is 14."  →  reasoning "12 + 7 = 19. 19 - 5 = 14.", answer "14"
///     "Ben is the shortest."                         →  reasoning "", answer the whole
///
/// The last announcement counts, since a text may correct itself; without any, the last paragraph is the answer.
package struct AnswerSplit: Equatable, Sendable {
    package let reasoning: String
    /// Nil for a text of white space.
    package let answer: String?

    private static let announcements = ["the final answer is", "the answer is", "final answer:", "answer:", "####"]

    package init(_ text: String) {
        let characters = Array(text)
        let folded = characters.map { $0.lowercased() }
        var found: Range<Int>?
        for announcement in Self.announcements.map({ $0.map(String.init) }) where announcement.count <= folded.count {
            for start in stride(from: folded.count - announcement.count, through: 0, by: -1)
            where folded[start] == announcement[0] && folded[start..<start + announcement.count].elementsEqual(announcement) {
                let end = start + announcement.count
                // Of two that end together the longer one is meant.
                if found.map({ end > $0.upperBound || (end == $0.upperBound && start < $0.lowerBound) }) ?? true {
                    found = start..<end
                }
                break
            }
        }
        if let found {
            let answer = Self.sentence(characters[found.upperBound...])
            reasoning = Self.trimmed(characters[..<found.lowerBound])
            self.answer = answer.isEmpty ? nil : answer
            return
        }
        let whole = Self.trimmed(characters[...])
        let paragraphs = whole.split(separator: "\n", omittingEmptySubsequences: true)
        reasoning = paragraphs.dropLast().joined(separator: "\n")
        answer = paragraphs.last.map { Self.trimmed(Array($0)[...]) }
    }

    /// Up to a line break or a full stop before white space or the end: "3.5" holds none at its dot.
    private static func sentence(_ text: ArraySlice<Character>) -> String {
        let rest = text.drop { $0.isWhitespace || $0 == ":" || $0 == "*" }
        var end = rest.endIndex
        for index in rest.indices {
            let isLast = index + 1 == rest.endIndex
            if rest[index].isNewline || (rest[index] == "." && (isLast || rest[index + 1].isWhitespace)) {
                end = index
                break
            }
        }
        return trimmed(rest[..<end])
    }

    private static func trimmed(_ text: ArraySlice<Character>) -> String {
        let start = text.drop { $0.isWhitespace }
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}
