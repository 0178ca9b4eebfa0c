import Foundation

/// Where an answer says that its final answer stands.
///
///     reasoning … "The answer is" 42.        an answer phrase: what follows it
///     reasoning … #### 42                    GSM8K's mark
///     reasoning … \boxed{42}                 LaTeX's: what the braces enclose
///     reasoning … <answer>42</answer>        a tag: likewise
///     … No, wait, 43.                        a correction: what follows it
///
/// Later marks win. Phrases about a result or a total count only where no answer is announced.
struct AnswerMarker {
    enum Kind {
        case announced
        case correction
        case result
    }

    let kind: Kind
    /// The mark itself.
    let range: Range<String.Index>
    /// What it points at: to the end of the text, or of what encloses it.
    let region: Substring

    /// The last eight marks, best first: announcements and corrections from the last to the first, then, if anyone asks for more, results
    /// likewise.
    static func all(in text: String) -> some Sequence<AnswerMarker> {
        [strong, results].lazy.flatMap { $0(text) }
    }

    private static func strong(in text: String) -> [AnswerMarker] {
        var marks = mark(text, Patterns.announcement, .announced, words: ["answer", "option", "choice"])
        marks += mark(text, Patterns.choosing, .announced, words: ["choose", "pick", "select", "say", "go"])
        marks += mark(text, Patterns.correction, .correction, words: ["wait", "actually", "mean", "scratch", "correct", "sorry"])
        marks += mark(text, Patterns.hashes, .announced, words: ["####"])
        marks += enclosed(text, "\\boxed{", "}") + enclosed(text, "<answer>", "</answer>")
        // A model that repeats itself leaves thousands of marks; reading on from each would take quadratic time.
        return Array(marks.sorted { $0.range.upperBound > $1.range.upperBound }.prefix(8))
    }

    private static func results(in text: String) -> [AnswerMarker] {
        let words = ["result", "solution", "total", "sum", "difference", "product", "it"]
        return mark(text, Patterns.result, .result, words: words).suffix(8).reversed()
    }

    /// The answer's own sentence: from the region's start to a line's or a sentence's end.
    var sentence: Substring { Self.sentence(of: region) }

    /// - Parameter stops: what ends a sentence beside a full stop; a list may use semicolons within.
    static func sentence(of region: Substring, stops: String = "!?;") -> Substring {
        let body = region.drop { $0.isWhitespace || "*:_".contains($0) }
        var place = body.startIndex
        while place < body.endIndex {
            let character = body[place]
            if character.isNewline { break }
            let next = body.index(after: place)
            let ends = next == body.endIndex || body[next].isWhitespace || "*\"”)]".contains(body[next])
            if stops.contains(character), ends { break }
            if character == ".", ends, !isAbbreviation(body[..<place]) { break }
            place = next
        }
        return body[..<place]
    }

    private static func isAbbreviation(_ text: Substring) -> Bool {
        let word = String(text.reversed().prefix { $0.isLetter }.reversed())
        return ["mr", "mrs", "ms", "dr", "st", "vs"].contains(word.lowercased())
    }

    /// - Parameter words: every match has one of them in it.
    private static func mark(_ text: String, _ regex: Regex<Substring>, _ kind: Kind, words: [String]) -> [AnswerMarker] {
        guard words.contains(where: { text.mentions($0) }) else { return [] }
        return text.matches(of: regex).map { AnswerMarker(kind: kind, range: $0.range, region: text[$0.range.upperBound...]) }
    }

    /// What stands between an opening and its balanced closing; an opening that is never closed encloses the rest.
    private static func enclosed(_ text: String, _ opening: String, _ closing: String) -> [AnswerMarker] {
        guard text.mentions(opening) else { return [] }
        return text.ranges(of: opening).map { range in
            var depth = 1
            var place = range.upperBound
            while place < text.endIndex {
                if text[place...].hasPrefix(closing) {
                    depth -= 1
                    if depth == 0 { break }
                } else if closing == "}", text[place] == "{" {
                    depth += 1
                }
                place = text.index(after: place)
            }
            return AnswerMarker(kind: .announced, range: range, region: text[range.upperBound..<place])
        }
    }
}

extension String {
    /// Whether some ASCII word is in the text, in capitals or not: many times as fast as a regular expression that finds nothing.
    fileprivate func mentions(_ word: String) -> Bool {
        let (letters, wanted) = (utf8.map { $0 | 0x20 }, word.utf8.map { $0 | 0x20 })
        return letters.indices.contains { letters[$0] == wanted[0] && letters[$0...].starts(with: wanted) }
    }
}
