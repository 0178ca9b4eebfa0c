package import JSON

/// Answers that call functions, in the textual form of Hermes or in Mistral's:
///
///     <tool_call>
///     {"name": "add", "arguments": {"a": 1, "b": 2}}
///     </tool_call>
///
///     [TOOL_CALLS][{"name": "add", "arguments": {"a": 1, "b": 2}}]
///
/// What stands around the name and the arguments is fixed, so that ``ToolCallStream`` reads it without a parser of JSON.
package struct ToolCallForm: Sendable, Equatable {
    package enum Style: Sendable, Equatable {
        case hermes
        /// Its tag is a control token; the calls are a list.
        case mistral

        /// The control token that begins calls.
        package var control: String? { self == .mistral ? "[TOOL_CALLS]" : nil }

        /// How a control token is spelled in a form: no text has its first byte.
        package static func spelling(ofControl token: String) -> [UInt8] { [0xFF] + Array(token.utf8) }

        /// What stands for a control token in an answer's text: its first character is none that anybody writes.
        package static func text(ofControl token: String) -> String { "\u{10FFFE}" + token }

        /// What begins calls, in the answer's text.
        var opening: String { control.map(Self.text(ofControl:)) ?? "<tool_call>" }

        /// The same as the grammar reads it.
        var openingBytes: [UInt8] { control.map(Self.spelling(ofControl:)) ?? Array(opening.utf8) }
    }

    package struct Function: Sendable, Equatable {
        package let name: String
        /// What the arguments are valid by; nil for any object.
        package let schema: JSONValue?

        package init(name: String, schema: JSONValue?) { (self.name, self.schema) = (name, schema) }
    }

    /// What may be said beside calls.
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

    package static let closing = "</tool_call>"
    /// Between the opening and the name, behind a line's end that may be missing.
    static let beforeName = "{\"name\": \""
    static let beforeArguments = "\", \"arguments\": "
}

extension Grammar {
    mutating func toolCalls(_ form: ToolCallForm, from: Node) throws(StructureError) -> Node {
        let tag = form.style.openingBytes
        let out = try node()
        // Behind the opening tag.
        let opened = try node()
        switch form.text {
        case .none: free(try literal(tag, from: from), to: opened)
        case .any: try text(before: tag, from: from, to: opened, out)
        case .form(let other):
            free(try literal(tag, from: from), to: opened)
            free(try other.append(to: &self, from: from), to: out)
        }
        switch form.style {
        case .hermes:
            let head = try literal(ToolCallForm.beforeName, from: try lineEnd(from: opened))
            let end = try literal(ToolCallForm.closing, from: try lineEnd(from: try literal("}", from: try function(of: form, from: head))))
            free(end, to: out)
            if form.isParallel { free(try literal(tag, from: try lineEnd(from: end)), to: opened) }
        case .mistral:
            let call = try node()
            free(try literal("[", from: opened), to: call)
            let tail = try function(of: form, from: try literal(ToolCallForm.beforeName, from: call))
            let end = try literal("}", from: tail)
            // Models write the names of their calls, too.
            let name = RegularExpression.repeated(.set(RegularExpression.words), 9, 9)
            free(try literal("\"}", from: try expression(name, .plain, from: try literal(", \"id\": \"", from: tail))), to: end)
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
            let arguments = try literal(function.name + ToolCallForm.beforeArguments, from: begin)
            do { free(try append(try SchemaGrammar(function.schema).grammar, from: arguments), to: tail) } catch {
                throw StructureError(error.path, error.reason, function: function.name)
            }
        }
        return tail
    }

    /// Nothing, or the end of a line.
    private mutating func lineEnd(from: Node) throws(StructureError) -> Node {
        let out = try node()
        free(from, to: out)
        free(try literal("\n", from: from), to: out)
        return out
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
