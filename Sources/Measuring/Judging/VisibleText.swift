import Foundation

/// A generated text apart in what was thought and what is said: an answer is read from what is said alone.
///
///     <think> … </think> 24                                  24      DeepSeek-R1, R1-style audio models
///      … </think> 24                                         24      a template that opened the block in the prompt
///     <think> …                                              nothing: the block is never closed
///     <|channel|>analysis<|message|> … <|channel|>final<|message|>24  24      gpt-oss, with or without its special tokens
///     [THINK] … [/THINK] 24      ◁think▷ … ◁/think▷ 24       24      Magistral, Kimi
///     <|begin_of_thought|> …     <|START_THINKING|> …        likewise
///     <unused94>thought … <unused95>24                       24      MedGemma
///
/// Rewards, the teacher's agreement, an evaluation and the display read through this one split.
package struct VisibleText: Equatable, Sendable {
    /// The thought parts, without their tags; empty where there are none.
    package let reasoning: String
    /// What is said outside; the text itself, untouched, where nothing was thought.
    package let said: String

    /// Whether all was thought: an open block to the end, or nothing behind its closing.
    package var isOnlyReasoning: Bool { !reasoning.isEmpty && said.allSatisfy(\.isWhitespace) }

    package init(_ text: String) {
        let bytes = Array(text.utf8)
        let marks = ReasoningMark.mayBe(in: bytes) ? ReasoningMark.all(in: bytes) : []
        guard marks.contains(where: { $0.role != .dropped }) else {
            reasoning = ""
            said = text
            return
        }
        var (thought, visible): ([UInt8], [UInt8]) = ([], [])
        var (place, isOpen) = (0, false)
        for mark in marks {
            let part = bytes[place..<mark.range.lowerBound]
            if isOpen { thought += part } else { visible += part }
            switch mark.role {
            case .opening: isOpen = true
            case .closing where isOpen: isOpen = false
            case .closing, .final:
                // A closing without its opening: the prompt opened the block, so all before it was thought.
                thought = visible + thought
                visible = []
                isOpen = false
            case .dropped: break
            }
            place = mark.range.upperBound
        }
        if isOpen { thought += bytes[place...] } else { visible += bytes[place...] }
        let trimmed = String(decoding: thought, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        // A block without content is one all the same.
        reasoning = trimmed.isEmpty ? " " : trimmed
        said = String(decoding: visible, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// A tag that opens or closes a block of reasoning, by its bytes.
struct ReasoningMark {
    enum Role {
        case opening
        case closing
        /// What follows is said, whatever stood before it.
        case final
        /// A special token of the same templates, which is no text.
        case dropped
    }

    let range: Range<Int>
    let role: Role

    /// Names whose tag alone tells: models write them for nothing else.
    static let thoughts: Set = [
        "think", "thinking", "thought", "thoughts", "reasoning", "longcat_think", "inner_thoughts", "inner_monologue",
        "thought_process",
        "thinking_process",
    ]
    /// Names that are also words of other documents: only a whole block of them is reasoning.
    private static let blocks: Set = ["reason", "reflection", "analysis", "scratchpad", "rationale", "cot"]

    /// Whether a tag could begin somewhere, which in most texts none can.
    static func mayBe(in bytes: [UInt8]) -> Bool { bytes.contains(where: beginsTag) || bytes.first == UInt8(ascii: "a") }

    private static func beginsTag(_ byte: UInt8) -> Bool { byte == 0x3C || byte == 0x26 || byte == 0x5B || byte == 0xE2 }

    static func all(in bytes: [UInt8]) -> [ReasoningMark] {
        var marks: [ReasoningMark] = []
        // gpt-oss behind a detokenizer that leaves special tokens out: "analysis…assistantfinal…".
        let analysis = Array("analysis".utf8)
        if bytes.starts(with: analysis), let final = last("assistantfinal", in: bytes) {
            return [ReasoningMark(range: 0..<analysis.count, role: .opening), ReasoningMark(range: final, role: .final)]
        }
        var (place, open): (Int, [String: Int]) = (0, [:])
        while place < bytes.count {
            guard let tag = tag(in: bytes, at: place) else {
                place += 1
                continue
            }
            if let role = role(of: tag.name, behind: tag.range, in: bytes), !isQuoted(tag.range, in: bytes) {
                marks.append(ReasoningMark(range: role.range, role: role.role))
                place = role.range.upperBound
            } else if blocks.contains(tag.name) {
                open[tag.name] = open[tag.name] ?? tag.range.lowerBound
                place = tag.range.upperBound
            } else if tag.name.first == "/", let start = open.removeValue(forKey: String(tag.name.dropFirst())) {
                // Both ends of the block are known now, and what stood between them was thought.
                marks.removeAll { $0.range.lowerBound >= start }
                marks.append(ReasoningMark(range: start..<start, role: .opening))
                marks.append(ReasoningMark(range: tag.range, role: .closing))
                place = tag.range.upperBound
            } else {
                place += 1
            }
        }
        return marks
    }

    private static func role(of name: String, behind range: Range<Int>, in bytes: [UInt8]) -> (range: Range<Int>, role: Role)? {
        switch name {
        case "|begin_of_thought|", "|start_thinking|", "|channel", "unused94": return (range, .opening)
        case "|end_of_thought|", "|end_thinking|", "channel|", "unused95": return (range, .closing)
        case "|channel|":
            // <|channel|>final<|message|>, <|channel|>analysis<|message|>, <|channel|>commentary to=…<|message|>
            let header = bytes[range.upperBound...].prefix { $0 != UInt8(ascii: "<") }
            guard header.count <= 200 else { return nil }
            var end = header.endIndex
            if let message = tag(in: bytes, at: end), message.name == "|message|" { end = message.range.upperBound }
            return (range.lowerBound..<end, header.starts(with: Array("final".utf8)) ? .final : .opening)
        case "|start|":
            return (range.lowerBound..<bytes[range.upperBound...].prefix(while: isLetter).endIndex, .dropped)
        case "|im_start|":
            let header = bytes[range.upperBound...].prefix(while: isLetter)
            guard let role: Role = ["think": .opening, "answer": .final][String(decoding: header, as: UTF8.self)] else {
                return (range, .dropped)
            }
            return (range.lowerBound..<header.endIndex, role)
        default: break
        }
        if name.first == "|", name.last == "|", name.count > 2 { return (range, .dropped) }
        if thoughts.contains(name) { return (range, .opening) }
        return name.first == "/" && thoughts.contains(String(name.dropFirst())) ? (range, .closing) : nil
    }

    /// The tag that begins at a byte: its name in lower case without blanks, attributes and a prefix ("seed:think").
    private static func tag(in bytes: [UInt8], at place: Int) -> (name: String, range: Range<Int>)? {
        guard place < bytes.count, beginsTag(bytes[place]),
            let form = forms.first(where: { bytes[place...].starts(with: $0.opening) })
        else { return nil }
        let start = place + form.opening.count
        guard let end = bytes[start...].prefix(80).indices.first(where: { bytes[$0...].starts(with: form.closing) }) else {
            return nil
        }
        let inner = bytes[start..<end]
        guard !inner.contains(UInt8(ascii: "\n")), !inner.contains(UInt8(ascii: "<")) else { return nil }
        var name = String(decoding: inner, as: UTF8.self).lowercased().trimmingCharacters(in: .whitespaces)
        let isClosing = name.first == "/"
        if isClosing { name = name.dropFirst().trimmingCharacters(in: .whitespaces) }
        name = String(name.prefix { !$0.isWhitespace })
        if let colon = name.lastIndex(of: ":") { name = String(name[name.index(after: colon)...]) }
        guard form.isTag || thoughts.contains(name) else { return nil }
        return ((isClosing ? "/" : "") + name, place..<(end + form.closing.count))
    }

    private static let forms: [(opening: [UInt8], closing: [UInt8], isTag: Bool)] = [
        ("<", ">", true), ("&lt;", "&gt;", true), ("[", "]", false), ("\u{25C1}", "\u{25B7}", false),
    ].map { (Array($0.0.utf8), Array($0.1.utf8), $0.2) }

    /// A tag that is spoken of: "`<think>` opens a block".
    private static func isQuoted(_ range: Range<Int>, in bytes: [UInt8]) -> Bool {
        guard range.lowerBound > 0, range.upperBound < bytes.count else { return false }
        let before = bytes[range.lowerBound - 1]
        return before == bytes[range.upperBound] && (before == UInt8(ascii: "`") || before == UInt8(ascii: "\""))
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func last(_ word: String, in bytes: [UInt8]) -> Range<Int>? {
        let word = Array(word.utf8)
        guard bytes.count >= word.count else { return nil }
        let start = (0...(bytes.count - word.count)).last { bytes[$0] == word[0] && bytes[$0...].starts(with: word) }
        return start.map { $0..<($0 + word.count) }
    }
}
