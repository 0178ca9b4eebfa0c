/// An answer's text parted, while it comes, in what is thought and what is said.
///
///     <think>12 + 7?</think>\n\n19   →  thought "12 + 7?", said "19"
///
/// One block is parted: it opens where the answer begins, or the prompt has opened it, and its own closing tag or the end of the answer
/// ends it. Text behind it is said, whatever tags it speaks of. White space around both parts goes. ``VisibleText`` reads whole texts, for
/// judging, and knows more forms.
package struct ReasoningStream: Equatable, Sendable {
    private enum State: Equatable {
        /// Nothing but white space or the beginning of a tag has come.
        case beginning
        case thinking(closing: [UInt8])
        /// The block has ended, and only white space has come since.
        case turning
        case saying
    }

    private static let tags: [(opening: [UInt8], closing: [UInt8])] =
        ReasoningMark.thoughts.map { (Array("<\($0)>".utf8), Array("</\($0)>".utf8)) }
        + [
            ("[THINK]", "[/THINK]"), ("\u{25C1}think\u{25B7}", "\u{25C1}/think\u{25B7}"),
            ("<|begin_of_thought|>", "<|end_of_thought|>"), ("<|START_THINKING|>", "<|END_THINKING|>"),
        ].map { (Array($0.0.utf8), Array($0.1.utf8)) }

    private var state = State.beginning
    private var held: [UInt8] = []
    private var hasBlock = false
    /// Whether the block has had white space alone so far.
    private var isBlank = true
    /// Tokens of the block, its tags included.
    private(set) package var thoughtTokens = 0

    /// - Parameter prompt: the text before the answer, or its end: a template may have opened the block.
    package init(after prompt: String = "") {
        let end = Self.trimmed(Array(prompt.utf8)[...])
        for tag in Self.tags where end.count >= tag.opening.count && end.suffix(tag.opening.count).elementsEqual(tag.opening) {
            (state, hasBlock) = (.thinking(closing: tag.closing), true)
        }
    }

    /// Whether a token's text is such a tag: where a tokenizer calls one special, it is no part of the answer's text.
    package static func isTag(_ token: String) -> Bool {
        let bytes = Array(token.utf8)
        return tags.contains { $0.opening == bytes || $0.closing == bytes }
    }

    /// What became certain with the next token of the answer.
    package mutating func take(_ text: String) -> (thought: String, said: String) {
        if state != .saying, state != .turning { thoughtTokens += 1 }
        return append(text)
    }

    /// What became certain with more text, which is no token of its own.
    package mutating func append(_ text: String) -> (thought: String, said: String) {
        if state == .saying { return ("", text) }
        held += Array(text.utf8)
        let parts = release()
        // What began like a tag was none.
        if state == .saying, !hasBlock { thoughtTokens = 0 }
        return parts
    }

    /// What is left at the end of the answer.
    package mutating func finish() -> (thought: String, said: String) {
        defer { held = [] }
        switch state {
        case .thinking: return (String(decoding: Self.trimmed(held[...]), as: UTF8.self), "")
        case .beginning:
            thoughtTokens = 0
            return ("", String(decoding: held, as: UTF8.self))
        case .turning, .saying: return ("", "")
        }
    }

    private mutating func release() -> (thought: String, said: String) {
        if state == .beginning {
            let start = held.firstIndex { !Self.isSpace($0) } ?? held.endIndex
            let rest = held[start...]
            if let tag = Self.tags.first(where: { rest.starts(with: $0.opening) }) {
                (state, hasBlock) = (.thinking(closing: tag.closing), true)
                held = Array(rest.dropFirst(tag.opening.count))
            } else if Self.tags.contains(where: { $0.opening.starts(with: rest) }) {
                return ("", "")
            } else {
                state = .saying
            }
        }
        var thought: ArraySlice<UInt8> = []
        if case .thinking(let closing) = state {
            if isBlank { held = Array(held.drop(while: Self.isSpace)) }
            guard let end = held.firstRange(of: closing) else {
                let kept = Self.length(ofEnd: held, beginning: closing)
                thought = Self.trimmed(held[..<(held.count - kept)])
                held.removeFirst(thought.count)
                if !thought.isEmpty { isBlank = false }
                return (String(decoding: thought, as: UTF8.self), "")
            }
            thought = Self.trimmed(held[..<end.lowerBound])
            held = Array(held[end.upperBound...])
            state = .turning
        }
        if state == .turning {
            held = Array(held.drop(while: Self.isSpace))
            if !held.isEmpty { state = .saying }
        }
        defer { held = [] }
        return (String(decoding: thought, as: UTF8.self), String(decoding: held, as: UTF8.self))
    }

    /// Bytes at the end of `bytes` that begin `tag`.
    private static func length(ofEnd bytes: [UInt8], beginning tag: [UInt8]) -> Int {
        (0...min(bytes.count, tag.count - 1)).last { bytes.suffix($0).elementsEqual(tag.prefix($0)) } ?? 0
    }

    /// Without white space at the end.
    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        bytes[..<(bytes.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? bytes.startIndex)]
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
