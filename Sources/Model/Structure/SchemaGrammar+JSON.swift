import JSON

/// The grammar of any JSON, and its parts.
extension SchemaGrammar {
    enum AnyJSON: String { case value, object, array, string, number, character }

    mutating func rule(_ kind: AnyJSON) throws(StructureError) -> Grammar.Node {
        if let known = rules[kind.rawValue] { return known }
        let begin = try grammar.node()
        rules[kind.rawValue] = begin
        let end: Grammar.Node
        switch kind {
        case .value:
            end = try grammar.node()
            for (option, next) in zip([AnyJSON.object, .array, .string, .number], try options(begin, count: 4)) {
                grammar.free(try grammar.call(try rule(option), from: next), to: end)
            }
            for word in ["true", "false", "null"] { grammar.free(try grammar.literal(word, from: begin), to: end) }
        case .object:
            let open = try space(from: try grammar.literal("{", from: begin))
            let member = try rule(.string)
            let any = try rule(.value)
            let first = try grammar.call(any, from: try colon(from: try grammar.call(member, from: open)))
            let next = try grammar.call(any, from: try colon(from: try grammar.call(member, from: try comma(from: first))))
            grammar.free(next, to: first)
            end = try grammar.node()
            grammar.free(try grammar.literal("}", from: open), to: end)
            grammar.free(try grammar.literal("}", from: try space(from: first)), to: end)
        case .array:
            let open = try space(from: try grammar.literal("[", from: begin))
            let any = try rule(.value)
            let first = try grammar.call(any, from: open)
            grammar.free(try grammar.call(any, from: try comma(from: first)), to: first)
            end = try grammar.node()
            grammar.free(try grammar.literal("]", from: open), to: end)
            grammar.free(try grammar.literal("]", from: try space(from: first)), to: end)
        case .string: end = try string(least: 0, most: nil, from: begin)
        case .number: end = try number(from: begin)
        case .character: end = try grammar.anyCharacter(from: begin)
        }
        grammar.end(end)
        return begin
    }

    mutating func options(_ from: Grammar.Node, count: Int) throws(StructureError) -> [Grammar.Node] {
        var nodes: [Grammar.Node] = []
        for _ in 0..<count {
            let node = try grammar.node()
            grammar.free(from, to: node)
            nodes.append(node)
        }
        return nodes
    }

    mutating func space(from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let out = try grammar.node()
        grammar.free(from, to: out)
        grammar.free(try grammar.literal(" ", from: from), to: out)
        let line = try grammar.repeated(0, 20, from: try grammar.literal("\n", from: from)) { grammar, node throws(StructureError) in
            try grammar.literal(" ", from: node)
        }
        grammar.free(line, to: out)
        return out
    }

    mutating func comma(from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        try space(from: try grammar.literal(",", from: try space(from: from)))
    }

    mutating func colon(from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        try space(from: try grammar.literal(":", from: from))
    }

    /// A number with at most 18 digits, as many in the fraction, and two in the exponent, so that a double can hold it.
    mutating func number(isNegative: Bool = true, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let digits = RegularExpression.set(RegularExpression.digits)
        func set(_ text: String) -> RegularExpression { .set(CharacterRanges(text)) }
        let sign = RegularExpression.repeated(set("-"), 0, isNegative ? 1 : 0)
        let fraction = RegularExpression.repeated(.sequence([set("."), .repeated(digits, 1, 18)]), 0, 1)
        let exponent = RegularExpression.repeated(.sequence([set("eE"), .repeated(set("+-"), 0, 1), .repeated(digits, 1, 2)]), 0, 1)
        return try grammar.expression(.sequence([sign, .natural, fraction, exponent]), .plain, from: from)
    }

    mutating func string(least: Int, most: Int?, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let open = try grammar.literal("\"", from: from)
        // A counted character is a rule, so that many of them cost few nodes.
        let counted = least == 0 && most == nil ? nil : try rule(.character)
        let text = try grammar.repeated(least, most, from: open) { grammar, node throws(StructureError) in
            if let counted { try grammar.call(counted, from: node) } else { try grammar.anyCharacter(from: node) }
        }
        return try grammar.literal("\"", from: text)
    }

    /// A given JSON value.
    mutating func literal(_ value: JSONValue, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        switch value {
        case .null: return try grammar.literal("null", from: from)
        case .boolean(let value): return try grammar.literal(value ? "true" : "false", from: from)
        case .integer(let value): return try grammar.literal("\(value)", from: from)
        case .real(let value): return try grammar.literal("\(value)", from: from)
        case .string(let text): return try quoted(text, from: from)
        case .array(let values):
            var place = try grammar.literal("[", from: from)
            for (index, value) in values.enumerated() {
                place = try index == 0 ? space(from: place) : comma(from: place)
                place = try literal(value, from: place)
            }
            return try grammar.literal("]", from: try space(from: place))
        case .object(let members):
            var place = try grammar.literal("{", from: from)
            for (index, member) in members.members.enumerated() {
                place = try index == 0 ? space(from: place) : comma(from: place)
                place = try literal(member.value, from: try colon(from: try quoted(member.key, from: place)))
            }
            return try grammar.literal("}", from: try space(from: place))
        }
    }

    mutating func quoted(_ text: String, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        var place = try grammar.literal("\"", from: from)
        for scalar in text.unicodeScalars {
            place = try grammar.character(CharacterRanges([scalar.value...scalar.value]), .quoted, from: place)
        }
        return try grammar.literal("\"", from: place)
    }
}

extension Grammar {
    /// One character of a JSON string, by itself or by any of its escapes; surrogates in pairs.
    mutating func anyCharacter(from: Node) throws(StructureError) -> Node {
        let plain = CharacterRanges([0...0x1F, 0x22...0x22, 0x5C...0x5C]).inverted
        let out = try character(plain, .plain, from: from)
        let escape = try literal("\\", from: from)
        for byte in "\"\\/bfnrt".utf8 { read(byte...byte, from: escape, to: out) }
        let hexadecimal = RegularExpression.set(CharacterRanges([0x30...0x39, 0x41...0x46, 0x61...0x66]))
        func set(_ text: String) -> RegularExpression { .set(CharacterRanges(text)) }
        let low = RegularExpression.sequence([set("dD"), set("cdefCDEF"), .repeated(hexadecimal, 2, 2)])
        let high = RegularExpression.sequence([set("dD"), set("89abAB"), .repeated(hexadecimal, 2, 2)])
        let other = RegularExpression.choice([
            .sequence([.set(CharacterRanges("0123456789abcefABCEF")), .repeated(hexadecimal, 3, 3)]),
            .sequence([set("dD"), set("01234567"), .repeated(hexadecimal, 2, 2)]),
        ])
        let unit = RegularExpression.choice([other, .sequence([high, set("\\"), set("u"), low])])
        free(try expression(unit, .plain, from: try literal("u", from: escape)), to: out)
        return out
    }
}
