package import JSON

/// Answers that call functions, in the forms of the families:
///
///     <tool_call>                                                          Hermes
///     {"name": "add", "arguments": {"a": 1, "b": 2}}
///     </tool_call>
///     [TOOL_CALLS][{"name": "add", "arguments": {"a": 1, "b": 2}}]         Mistral to version 7
///     [TOOL_CALLS]add[CALL_ID]abcdEFGH1[ARGS]{"a": 1, "b": 2}              Mistral from version 11, from 13 without the name of the call
///     {"name": "add", "parameters": {"a": 1, "b": 2}}                      Llama 3
///     <tool_call>function                                                  Step-Audio 2
///     add
///     {"a": 1, "b": 2}</tool_call>
///
/// The text around the name and the arguments is fixed, so that ``ToolCallStream`` reads calls without a parser of JSON.
package struct ToolCallForm: Sendable, Equatable {
    package enum Style: Sendable, Equatable {
        case hermes
        /// Its tag is a control token; the calls are a list.
        case mistral
        /// Its tags are control tokens.
        case mistralNamed
        /// A call is the whole answer.
        case llama
        case stepAudio

        /// The control tokens that a form may have, that which begins calls first.
        package var controls: [String] {
            switch self {
            case .hermes, .llama, .stepAudio: []
            case .mistral: ["[TOOL_CALLS]"]
            case .mistralNamed: ["[TOOL_CALLS]", Self.arguments, Self.callID]
            }
        }

        fileprivate static let arguments = "[ARGS]"
        fileprivate static let callID = "[CALL_ID]"

        /// The spelling of a control token in a form. No text contains its first byte.
        package static func spelling(ofControl token: String) -> [UInt8] { [0xFF] + Array(token.utf8) }

        /// The representation of a control token in an answer's text. Its first character does not occur in written text.
        package static func text(ofControl token: String) -> String { "\u{10FFFE}" + token }

        /// The beginning of calls in the answer's text.
        var opening: String {
            switch self {
            case .hermes: "<tool_call>"
            case .mistral, .mistralNamed: Self.text(ofControl: controls[0])
            case .llama: "{\"name\": \""
            case .stepAudio: "<tool_call>function\n"
            }
        }

        /// The same as the grammar reads it.
        var openingBytes: [UInt8] { controls.first.map(Self.spelling(ofControl:)) ?? Array(opening.utf8) }

        /// Between the opening and the name, behind a line's end that may be missing.
        var beforeName: String { self == .hermes || self == .mistral ? "{\"name\": \"" : "" }

        /// Between the name and the arguments, in the answer's text.
        var beforeArguments: String {
            switch self {
            case .hermes, .mistral: "\", \"arguments\": "
            case .mistralNamed: Self.text(ofControl: Self.arguments)
            case .llama: "\", \"parameters\": "
            case .stepAudio: "\n"
            }
        }

        /// The end of a call; nil if its arguments end it, or if it is one of a list.
        var closing: String? {
            switch self {
            case .hermes, .stepAudio: "</tool_call>"
            case .llama: "}"
            case .mistral, .mistralNamed: nil
            }
        }

        /// The text that may follow the name without being part of it.
        var behindName: String? { self == .mistralNamed ? Self.text(ofControl: Self.callID) : nil }

        /// Whether calls replace text and never follow any.
        var isWhole: Bool { self == .llama }
    }

    package struct Function: Sendable, Equatable {
        package let name: String
        /// The schema of the arguments; nil for any object.
        package let schema: JSONValue?

        package init(name: String, schema: JSONValue?) { (self.name, self.schema) = (name, schema) }
    }

    /// The text that is allowed beside calls.
    package enum Text: Sendable, Equatable {
        /// There is at least one call, and nothing else.
        case none
        /// Any text, and calls behind it.
        case any
        /// Text of a form, in the place of calls.
        indirect case form(StructureForm)
    }

    package let functions: [Function]
    package let text: Text
    package let isParallel: Bool
    package let style: Style

    /// - Parameter isParallel: whether there may be several calls.
    package init(_ functions: [Function], text: Text, isParallel: Bool, style: Style = .hermes) {
        (self.functions, self.text, self.isParallel, self.style) = (functions, text, isParallel, style)
    }

}

extension Grammar {
    mutating func toolCalls(_ form: ToolCallForm, from: Node) throws(StructureError) -> Node {
        let tag = form.style.openingBytes
        let out = try node()
        // Behind the opening tag.
        let opened = try node()
        switch form.text {
        case .none: free(try literal(tag, from: from), to: opened)
        case .any where form.style.isWhole: try text(notBeginning: tag, from: from, to: opened, out)
        case .any: try text(before: tag, from: from, to: opened, out)
        case .form(let other):
            free(try literal(tag, from: from), to: opened)
            free(try other.append(to: &self, from: from), to: out)
        }
        switch form.style {
        case .hermes:
            let head = try literal(form.style.beforeName, from: try lineEnd(from: opened))
            let end = try literal("</tool_call>", from: try lineEnd(from: try literal("}", from: try function(of: form, from: head))))
            free(end, to: out)
            if form.isParallel { free(try literal(tag, from: try lineEnd(from: end)), to: opened) }
        case .mistralNamed, .llama, .stepAudio:
            let end = try literal(form.style.closing ?? "", from: try function(of: form, from: opened))
            free(end, to: out)
            if form.isParallel, !form.style.isWhole {
                free(try literal(tag, from: form.style == .stepAudio ? try lineEnd(from: end) : end), to: opened)
            }
        case .mistral:
            let call = try node()
            free(try literal("[", from: opened), to: call)
            let tail = try function(of: form, from: try literal(form.style.beforeName, from: call))
            let end = try literal("}", from: tail)
            // Models write the names of their calls, too.
            free(try literal("\"}", from: try callID(from: try literal(", \"id\": \"", from: tail))), to: end)
            free(try literal("]", from: end), to: out)
            if form.isParallel { free(try literal(", ", from: end), to: call) }
        }
        return out
    }

    /// One of the functions' names, and its arguments.
    private mutating func function(of form: ToolCallForm, from: Node) throws(StructureError) -> Node {
        let tail = try node()
        for function in form.functions {
            let begin = try node()
            free(from, to: begin)
            let arguments = try beforeArguments(form.style, from: try literal(function.name, from: begin))
            do { free(try append(try SchemaGrammar(function.schema).grammar, from: arguments), to: tail) } catch {
                throw StructureError(error.path, error.reason, function: function.name)
            }
        }
        return tail
    }

    /// The text between a function's name and its arguments.
    private mutating func beforeArguments(_ style: ToolCallForm.Style, from: Node) throws(StructureError) -> Node {
        guard style == .mistralNamed else { return try literal(style.beforeArguments, from: from) }
        let named = try node()
        free(from, to: named)
        free(try callID(from: try literal(ToolCallForm.Style.spelling(ofControl: ToolCallForm.Style.callID), from: from)), to: named)
        return try literal(ToolCallForm.Style.spelling(ofControl: ToolCallForm.Style.arguments), from: named)
    }

    /// The name of a call, as Mistral's models write it.
    private mutating func callID(from: Node) throws(StructureError) -> Node {
        try expression(.repeated(.set(RegularExpression.words), 9, 9), .plain, from: from)
    }

    /// Nothing, or the end of a line.
    private mutating func lineEnd(from: Node) throws(StructureError) -> Node {
        let out = try node()
        free(from, to: out)
        free(try literal("\n", from: from), to: out)
        return out
    }

    /// Any text that does not begin with `tag` and ends at `out`, or `tag` alone and on at `found`.
    private mutating func text(notBeginning tag: [UInt8], from: Node, to found: Node, _ out: Node) throws(StructureError) {
        let free = try node()
        read(0...255, from: free, to: free)
        self.free(free, to: out)
        var place = from
        for (count, byte) in tag.enumerated() {
            self.free(place, to: out)
            if byte > 0 { read(0...byte - 1, from: place, to: free) }
            if byte < 255 { read(byte + 1...255, from: place, to: free) }
            let next = count + 1 == tag.count ? found : try node()
            read(byte...byte, from: place, to: next)
            place = next
        }
    }

    /// Any text that has `tag` at its end alone and goes on at `found` then, or that has none and goes on at `out`: Knuth, Morris and Pratt's automaton
    /// of a tag whose first byte it has once.
    private mutating func text(before tag: [UInt8], from: Node, to found: Node, _ out: Node) throws(StructureError) {
        precondition(tag.dropFirst().allSatisfy { $0 != tag[0] })
        // By how many bytes of the tag have come.
        var places = [try node()]
        free(from, to: places[0])
        for _ in tag.dropLast() { places.append(try node()) }
        for (count, place) in places.enumerated() {
            free(place, to: out)
            read(tag[count]...tag[count], from: place, to: count + 1 == tag.count ? found : places[count + 1])
            let others = Set([tag[0], tag[count]]).sorted()
            if count > 0 { read(tag[0]...tag[0], from: place, to: places[1]) }
            var low = 0
            for byte in others.map(Int.init) + [256] {
                if low < byte { read(UInt8(low)...UInt8(byte - 1), from: place, to: places[0]) }
                low = byte + 1
            }
        }
    }
}
