/// The part of a response that states its answer.
///
///     "12 + 7 = 19. 19 - 5 = 14. The answer is 14."   →  "14", marked
///     "So it must be \boxed{42}"                      →  "42", marked
///     "Ben is the shortest."                          →  the whole text, unmarked
struct FinalAnswer {
    let span: String
    /// Whether words that announce an answer stand before it. Where they do not, the last candidate in the text counts.
    let isMarked: Bool

    /// The last announcement wins: a response may correct itself.
    private static let announcements = [
        "the final answer is", "the correct answer is", "the right answer is", "the answer is", "answer is",
        "final answer:",
        "answer:", "####",
    ]

    init(of response: String) {
        if let boxed = Self.boxed(response) {
            span = boxed
            isMarked = true
            return
        }
        let text = Array(response)
        let folded = text.map { $0.lowercased().first! }
        var start: Int?
        for announcement in Self.announcements.map(Array.init) where announcement.count <= folded.count {
            for place in stride(from: folded.count - announcement.count, through: 0, by: -1)
            where folded[place] == announcement[0]
                && folded[place..<place + announcement.count].elementsEqual(announcement)
            {
                start = max(start ?? 0, place + announcement.count)
                break
            }
        }
        guard let start else {
            span = response.trimmed()
            isMarked = false
            return
        }
        var rest = text[start...].drop { $0.isWhitespace || ":*".contains($0) }
        if let end = Self.sentenceEnd(Array(rest)) { rest = rest.prefix(end) }
        span = String(rest).trimmed()
        isMarked = true
    }

    /// A sentence ends at a line break, or at a stop before white space; "3.5" and "1. January" hold none at their dot,
    /// nor does the dot behind a lone option letter ("B. Paris").
    private static func sentenceEnd(_ text: [Character]) -> Int? {
        for (place, character) in text.enumerated() where place > 0 {
            if character.isNewline { return place }
            guard ".!?".contains(character), place + 1 < text.count, text[place + 1].isWhitespace else { continue }
            if place == 1, character == ".", text[0].isLetter { continue }
            return place
        }
        return nil
    }

    private static func boxed(_ response: String) -> String? {
        let text = Array(response)
        let opening = Array("\\boxed{")
        guard text.count > opening.count else { return nil }
        for place in stride(from: text.count - opening.count, through: 0, by: -1)
        where text[place..<place + opening.count].elementsEqual(opening) {
            var depth = 1
            for end in place + opening.count..<text.count {
                if text[end] == "{" { depth += 1 }
                if text[end] == "}" { depth -= 1 }
                if depth == 0 { return String(text[place + opening.count..<end]).trimmed() }
            }
        }
        return nil
    }
}
