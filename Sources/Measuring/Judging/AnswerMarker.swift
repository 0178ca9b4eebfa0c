import Foundation

/// Where an answer says that its final answer stands.
///
///     reasoning … "The answer is" 42.        an answer phrase: what follows it
///     reasoning … #### 42                    GSM8K's mark
///     reasoning … \boxed{42}                 LaTeX's: what the braces enclose
///     reasoning … <answer>42</answer>        a tag: likewise
///     … No, wait, 43.                        a correction: what follows it
///     答案是 42   La respuesta es 42          the same in other languages
///
/// Later marks win. Phrases about a result or a total count only where no answer is announced.
struct AnswerMarker {
    enum Kind {
        case announced
        case correction
        case result
    }

    let kind: Kind
    /// Whether it is of another language than English: words of that language are not told from values.
    var isForeign = false
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
        let letters = Letters(text)
        var marks = mark(text, Patterns.announcement, .announced, from: letters.first(of: ["answer", "option", "choice"]))
        if let short = letters.first(of: ["ans.", "ans:", "ans ", "ans="]) {
            marks += mark(text, Patterns.abbreviation, .announced, from: short)
        }
        if let heading = letters.first(of: ["answer\n"]) { marks += mark(text, Patterns.heading, .announced, from: heading) }
        if let name = letters.first(of: Self.names) {
            marks += mark(text, Patterns.foreign, .announced, from: letters.isASCII ? name : 0, isForeign: true)
        } else if !letters.isASCII, letters.first(of: Self.foreignNames) != nil {
            marks += mark(text, Patterns.foreign, .announced, from: 0, isForeign: true)
        }
        if letters.first(of: ["choose", "pick", "select", "say", "go", "must be", "has to be"]) != nil {
            marks += mark(text, Patterns.choosing, .announced, from: 0)
        }
        if letters.first(of: ["wait", "actually", "mean", "scratch", "correct", "sorry"]) != nil {
            marks += mark(text, Patterns.correction, .correction, from: 0)
        }
        if let hashes = letters.first(of: ["####"]) { marks += mark(text, Patterns.hashes, .announced, from: hashes) }
        if letters.first(of: ["\\boxed{"]) != nil { marks += enclosed(text, "\\boxed{", "}") }
        if letters.first(of: ["<answer>"]) != nil { marks += enclosed(text, "<answer>", "</answer>") }
        // A model that repeats itself leaves thousands of marks; reading on from each would take quadratic time.
        return Array(marks.sorted { $0.range.upperBound > $1.range.upperBound }.prefix(8))
    }

    /// What an answer is called in other languages, as far as it is spelled in ASCII, and otherwise.
    private static let names = [
        "respuesta", "reponse", "antwo", "resposta", "risposta", "odpov", "cevap", "jawaban", "svar", "vastaus",
    ]
    private static let foreignNames = [
        "答", "正解", "选", "選", "답", "твет", "ідповідь", "جواب", "جابة", "پاسخ", "תשובה", "उत्तर", "คำตอบ", "πάντηση", "réponse",
        "odpowied", "áp án",
    ]

    private static func results(in text: String) -> [AnswerMarker] {
        let first = Letters(text).first(of: ["result", "solution", "total", "sum", "difference", "product", "it"])
        return mark(text, Patterns.result, .result, from: first).suffix(8).reversed()
    }

    /// Whether the mark says "answer" or is a mark of its own: "I say" and "another option is" open sentences of any text.
    func namesAnswer(in text: String) -> Bool {
        let mark = text[range]
        return mark.first?.isLetter != true || mark.lowercased().contains("answer") || isForeign
    }

    /// Whether a box before this one was another answer: "\boxed{3} or \boxed{5}".
    var isAlternative: Bool {
        let text = region.base
        return text[range].hasPrefix("\\boxed{") && text[..<range.lowerBound].suffix(16).contains(Patterns.afterBox)
    }

    /// Whether the answer itself, in no more than four words, is plainly one of another kind: "The answer is March." where a number is
    /// asked for. Words that only lead to it ("The answer is clear:") are none.
    ///
    /// Asked where the sentence holds no answer of the type.
    func announcesAnother(in text: String, than type: TaskType = .choice) -> Bool {
        guard kind == .announced, namesAnswer(in: text), !isForeign else { return false }
        let words = PhraseReading.words(sentence)
        guard (1...4).contains(words.count), !Self.leading.contains(words[0]) else { return false }
        guard type == .yesNo else { return true }
        return [.number, .day, .month, .choice].contains(TaskType(of: String(sentence)))
    }

    /// Whether the mark says that there is no answer ("is unknown"), or names one in a language of which no words are read: what stood before
    /// it is not the answer then.
    func saysUnreadable(in text: String) -> Bool {
        guard kind == .announced, namesAnswer(in: text), let first = PhraseReading.words(sentence).first else { return false }
        return isForeign || Self.unknown.contains(first)
    }

    private static let unknown: Set = [
        "unknown", "unclear", "ambiguous", "uncertain", "impossible", "undetermined", "indeterminate", "undefined", "unavailable", "not",
    ]

    private static let leading: Set = [
        "clear", "clearly", "obvious", "obviously", "simple", "simply", "easy", "straightforward", "below", "above", "here",
        "this", "that", "it", "as",
        "following", "given", "shown", "correct", "right", "wrong", "incorrect", "known", "unknown", "unclear", "in", "on",
        "what", "not", "found",
        "based", "obtained", "therefore", "thus", "hence", "now", "very", "quite", "also", "still", "really", "going", "to",
        "there", "difficult",
        "impossible", "ambiguous", "uncertain", "hard", "because", "since", "if", "boxed", "so", "then", "we", "i", "you", "well",
        "always", "how",
    ]

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

    /// - Parameter first: the byte before which no match begins; nil where there is none at all.
    private static func mark(
        _ text: String, _ regex: Regex<Substring>, _ kind: Kind, from first: Int?, isForeign: Bool = false
    ) -> [AnswerMarker] {
        guard let first else { return [] }
        // The character before tells whether a word begins here.
        let start = text.utf8.index(text.startIndex, offsetBy: first)
        let searched = text[(start == text.startIndex ? start : text.index(before: start))...]
        return searched.matches(of: regex).map {
            AnswerMarker(kind: kind, isForeign: isForeign, range: $0.range, region: text[$0.range.upperBound...])
        }
    }

    /// What stands between an opening and its balanced closing; an opening that is never closed encloses the rest.
    private static func enclosed(_ text: String, _ opening: String, _ closing: String) -> [AnswerMarker] {
        // No more than the last eight marks are read, and each is looked for to the end of the text.
        text.ranges(of: opening).suffix(8).map { range in
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

/// A text's bytes, letters in lower case: finding an ASCII word in them is many times as fast as a regular expression that finds nothing.
struct Letters {
    let isASCII: Bool
    private let bytes: [UInt8]

    init(_ text: String) {
        bytes = text.utf8.map { $0 | 0x20 }
        isASCII = bytes.allSatisfy { $0 < 0x80 }
    }

    /// Where the first of some ASCII words begins, in capitals or not, be it within other words.
    func first(of words: [String]) -> Int? {
        words.compactMap { word in
            let wanted = word.utf8.map { $0 | 0x20 }
            return bytes.indices.first { bytes[$0] == wanted[0] && bytes[$0...].starts(with: wanted) }
        }.min()
    }
}
