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

    /// The last eight marks, best first: announcements and corrections from the last to the first, then results likewise.
    static func all(in text: String) -> [AnswerMarker] {
        var strong = mark(text, Patterns.announcement, .announced) + mark(text, Patterns.choosing, .announced) + mark(text, Patterns.hashes, .announced)
        strong += mark(text, Patterns.correction, .correction) + enclosed(text, "\\boxed{", "}") + enclosed(text, "<answer>", "</answer>")
        // A model that repeats itself leaves thousands of marks; reading on from each would take quadratic time.
        return strong.sorted { $0.range.upperBound > $1.range.upperBound }.prefix(8) + mark(text, Patterns.result, .result).suffix(8).reversed()
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

    private static func mark(_ text: String, _ regex: Regex<Substring>, _ kind: Kind) -> [AnswerMarker] {
        text.matches(of: regex).map { AnswerMarker(kind: kind, range: $0.range, region: text[$0.range.upperBound...]) }
    }

    /// What stands between an opening and its balanced closing; an opening that is never closed encloses the rest.
    private static func enclosed(_ text: String, _ opening: String, _ closing: String) -> [AnswerMarker] {
        text.ranges(of: opening).map { range in
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
