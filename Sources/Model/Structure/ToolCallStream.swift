/// An answer of a ``ToolCallForm`` parted, while it comes, in what is said and what is called.
///
///     Let me see.\n<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>   →   said "Let me see.", call 0 of add, arguments {"a": 1}
///
/// Of an answer that was cut, a call has what came of it, once its name is whole.
package struct ToolCallStream: Sendable {
    package enum Event: Sendable, Equatable {
        case said(String)
        /// A call of the function begins; calls of an answer are counted from 0.
        case call(Int, name: String)
        /// The next piece of a call's arguments.
        case arguments(Int, String)
    }

    private enum State: Equatable {
        case saying
        /// Behind a call's opening tag.
        case naming
        case arguing(Nesting)
        /// Behind a call's arguments.
        case closing
    }

    /// The position within the text of an object: its depth, and whether it is inside a string.
    private struct Nesting: Equatable {
        private var depth = 0
        private var isString = false
        private var isEscaped = false

        /// - Returns: whether the object ends with the byte.
        mutating func take(_ byte: UInt8) -> Bool {
            if isString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isString = false
                }
                return false
            }
            switch byte {
            case UInt8(ascii: "\""): isString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            return depth == 0
        }
    }

    private let text: ToolCallForm.Text
    private let style: ToolCallForm.Style
    private var state = State.saying
    private var held: [UInt8] = []
    /// Whether there was text that no call can follow.
    private var hasSaid = false
    package private(set) var callCount = 0

    package init(_ form: ToolCallForm) { (text, style) = (form.text, form.style) }

    /// The events that became certain with more text.
    package mutating func take(_ more: String) -> [Event] {
        held += Array(more.utf8)
        var events: [Event] = []
        while let event = next() { events.append(event) }
        return events
    }

    /// The remaining events at the end of the answer.
    package mutating func finish() -> [Event] {
        defer { held = [] }
        let isSaid = state == .saying && callCount == 0 && text != .none && !held.isEmpty
        return isSaid ? [.said(String(decoding: held, as: UTF8.self))] : []
    }

    private mutating func next() -> Event? {
        switch state {
        case .saying: return said()
        case .naming:
            let (before, after) = (Array(style.beforeName.utf8), Array(style.beforeArguments.utf8))
            guard let end = held.firstRange(of: after), let begin = before.isEmpty ? 0..<0 : held.firstRange(of: before) else { return nil }
            var called = held[begin.upperBound..<end.lowerBound]
            if let behind = style.behindName, let place = called.firstRange(of: Array(behind.utf8)) { called = called[..<place.lowerBound] }
            let name = String(decoding: called, as: UTF8.self)
            held.removeFirst(end.upperBound)
            state = .arguing(Nesting())
            callCount += 1
            return .call(callCount - 1, name: name)
        case .arguing(var nesting):
            if held.isEmpty { return nil }
            let end = held.firstIndex { nesting.take($0) }
            let count = end.map { $0 + 1 } ?? held.count
            state = end == nil ? .arguing(nesting) : .closing
            defer { held.removeFirst(count) }
            return .arguments(callCount - 1, String(decoding: held[..<count], as: UTF8.self))
        case .closing:
            if style == .mistral {
                // Of a list: `}` or `, "id": "…"}`, and then another or its end.
                guard let end = held.firstIndex(of: UInt8(ascii: "}")), end + 1 < held.count else { return nil }
                state = held[end + 1] == UInt8(ascii: ",") ? .naming : .saying
                held.removeFirst(end + 2)
                return next()
            }
            if let closing = style.closing {
                guard let end = held.firstRange(of: Array(closing.utf8)) else { return nil }
                held.removeFirst(end.upperBound)
            }
            state = .saying
            return next()
        }
    }

    private mutating func said() -> Event? {
        let tag = Array(style.opening.utf8)
        if let place = opening(tag) {
            let before = Self.trimmed(held[..<place.lowerBound])
            held.removeFirst(place.upperBound)
            state = .naming
            return before.isEmpty || callCount > 0 ? next() : .said(String(decoding: before, as: UTF8.self))
        }
        // Behind a call there is white space alone.
        if callCount > 0 { return nil }
        let certain = held.prefix(certainCount(tag))
        if certain.isEmpty { return nil }
        hasSaid = true
        defer { held.removeFirst(certain.count) }
        return .said(String(decoding: certain, as: UTF8.self))
    }

    /// Whether calls replace text and never follow any.
    private var isInstead: Bool { if case .form = text { true } else { style.isWhole } }

    /// The opening of a call.
    private func opening(_ tag: [UInt8]) -> Range<Int>? {
        guard isInstead else { return held.firstRange(of: tag) }
        return !hasSaid && held.starts(with: tag) ? 0..<tag.count : nil
    }

    /// The number of bytes that are certainly text. White space before a tag belongs to the tag.
    private func certainCount(_ tag: [UInt8]) -> Int {
        if isInstead { return !hasSaid && tag.starts(with: held) ? 0 : held.count }
        let kept = (0..<tag.count).last { held.suffix($0).elementsEqual(tag.prefix($0)) } ?? 0
        return Self.trimmed(held[..<(held.count - kept)]).count
    }

    /// The bytes without white space at the end.
    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        bytes[..<(bytes.lastIndex { $0 != 0x20 && !(0x09...0x0D).contains($0) }.map { $0 + 1 } ?? bytes.startIndex)]
    }
}
