import JSON

/// A JSON Schema as a language of JSON texts.
///
/// What is said is what is written: members stand in the order of `properties`, others only where `additionalProperties` names what they are,
/// strings are escaped in the shortest way, and between the parts of objects and arrays may stand one blank, or a line's end with up to twenty. Every text
/// of the language is valid by the schema; a keyword whose meaning the language could not keep is refused by name.
///
/// Source: JSON Schema 2020-12, its Core and Validation vocabularies.
struct SchemaGrammar {
    var grammar = Grammar()
    let root: JSONValue
    /// Rules by the pointer that refers to them, and those of any JSON.
    private var rules: [String: Grammar.Node] = [:]
    private var depth = 0

    /// - Parameter schema: nil for any JSON object.
    init(_ schema: JSONValue?) throws(StructureError) {
        root = schema ?? .object(JSONObject())
        let end: Grammar.Node
        if let schema {
            end = try value(schema, "", from: grammar.start)
        } else {
            end = try grammar.call(try rule(.object), from: grammar.start)
        }
        grammar.end(end)
        if grammar.leftRecursive(rules.values) != nil { throw StructureError("", "a $ref leads to itself before anything is written") }
    }

    // MARK: any JSON

    private enum AnyJSON: String { case value, object, array, string, number }

    private mutating func rule(_ kind: AnyJSON) throws(StructureError) -> Grammar.Node {
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
        }
        grammar.end(end)
        return begin
    }

    private mutating func options(_ from: Grammar.Node, count: Int) throws(StructureError) -> [Grammar.Node] {
        var nodes: [Grammar.Node] = []
        for _ in 0..<count {
            let node = try grammar.node()
            grammar.free(from, to: node)
            nodes.append(node)
        }
        return nodes
    }

    // MARK: the parts of JSON

    private mutating func space(from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let out = try grammar.node()
        grammar.free(from, to: out)
        grammar.free(try grammar.literal(" ", from: from), to: out)
        let line = try grammar.repeated(0, 20, from: try grammar.literal("\n", from: from)) { grammar, node throws(StructureError) in
            try grammar.literal(" ", from: node)
        }
        grammar.free(line, to: out)
        return out
    }

    private mutating func comma(from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        try space(from: try grammar.literal(",", from: try space(from: from)))
    }

    private mutating func colon(from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        try space(from: try grammar.literal(":", from: from))
    }

    /// At most 18 digits, a fraction of as many and an exponent of two: what a double holds.
    private mutating func number(isNegative: Bool = true, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let digits = RegularExpression.set(RegularExpression.digits)
        func set(_ text: String) -> RegularExpression { .set(CharacterRanges(text)) }
        let sign = RegularExpression.repeated(set("-"), 0, isNegative ? 1 : 0)
        let whole = RegularExpression.choice([set("0"), .sequence([.set(CharacterRanges([0x31...0x39])), .repeated(digits, 0, 17)])])
        let fraction = RegularExpression.repeated(.sequence([set("."), .repeated(digits, 1, 18)]), 0, 1)
        let exponent = RegularExpression.repeated(.sequence([set("eE"), .repeated(set("+-"), 0, 1), .repeated(digits, 1, 2)]), 0, 1)
        return try grammar.expression(.sequence([sign, whole, fraction, exponent]), .plain, from: from)
    }

    private mutating func string(least: Int, most: Int?, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let open = try grammar.literal("\"", from: from)
        let text = try grammar.repeated(least, most, from: open) { grammar, node throws(StructureError) in
            try grammar.anyCharacter(from: node)
        }
        return try grammar.literal("\"", from: text)
    }

    /// A JSON value as it stands.
    private mutating func literal(_ value: JSONValue, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
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

    private mutating func quoted(_ text: String, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        var place = try grammar.literal("\"", from: from)
        for scalar in text.unicodeScalars {
            place = try grammar.character(CharacterRanges([scalar.value...scalar.value]), .quoted, from: place)
        }
        return try grammar.literal("\"", from: place)
    }

    // MARK: schemas

    /// Say something of a value without restricting it.
    private static let annotations: Set = [
        "title", "description", "default", "examples", "example", "$schema", "$id", "$comment", "$anchor", "deprecated", "readOnly", "writeOnly",
        "$defs", "definitions", "discriminator", "contentEncoding", "contentMediaType",
    ]

    private mutating func value(_ schema: JSONValue, _ path: String, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 64 else { throw StructureError(path, "schemas are nested more than 64 deep") }
        switch schema {
        case .boolean(true): return try grammar.call(try rule(.value), from: from)
        case .object(let members): return try value(Keywords(members, path), from: from)
        default: throw StructureError(path, "expected a schema: an object, or true")
        }
    }

    private mutating func value(_ keywords: Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        var keywords = keywords
        keywords.take(Self.annotations)
        if let reference = try keywords.string("$ref") {
            try keywords.end(beside: "$ref")
            return try grammar.call(try referred(reference, keywords.path), from: from)
        }
        if let constant = keywords.take("const") {
            keywords.take(["type"])
            try keywords.end(beside: "const")
            return try literal(constant, from: from)
        }
        if let values = try keywords.array("enum") {
            keywords.take(["type"])
            try keywords.end(beside: "enum")
            guard !values.isEmpty else { throw StructureError(keywords.path + "/enum", "expected at least one value") }
            let out = try grammar.node()
            for (value, begin) in zip(values, try options(from, count: values.count)) { grammar.free(try literal(value, from: begin), to: out) }
            return out
        }
        for name in ["anyOf", "oneOf", "allOf"] {
            guard let schemas = try keywords.array(name) else { continue }
            keywords.take(["type"])
            try keywords.end(beside: name)
            return try several(schemas, name, keywords.path, from: from)
        }
        let types = try keywords.types()
        guard types.count > 1 else { return try typed(types.first, &keywords, from: from) }
        let out = try grammar.node()
        for (type, begin) in zip(types, try options(from, count: types.count)) {
            var own = keywords.only(for: type)
            grammar.free(try typed(type, &own, from: begin), to: out)
        }
        try keywords.end(knowing: types)
        return out
    }

    private mutating func several(_ schemas: [JSONValue], _ name: String, _ path: String, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        guard !schemas.isEmpty else { throw StructureError("\(path)/\(name)", "expected at least one schema") }
        if name == "allOf", schemas.count > 1 { throw StructureError("\(path)/allOf", "is supported with one schema alone") }
        if name == "oneOf", schemas.count > 1, !areApart(schemas) {
            throw StructureError("\(path)/oneOf", "is supported where a constant member or the type tells its schemas apart; otherwise say anyOf")
        }
        let out = try grammar.node()
        for (place, begin) in try options(from, count: schemas.count).enumerated() {
            grammar.free(try value(schemas[place], "\(path)/\(name)/\(place)", from: begin), to: out)
        }
        return out
    }

    /// Whether no value is valid by two of the schemas: their types differ, or a required member has another constant in each.
    private func areApart(_ schemas: [JSONValue]) -> Bool {
        let resolved = schemas.map { schema -> JSONValue in
            if case .string(let reference)? = schema["$ref"], let target = try? target(reference, "") { return target }
            return schema
        }
        let types = resolved.map { if case .string(let type)? = $0["type"] { type } else { "" } }
        if !types.contains(""), Set(types).count == types.count, !Set(types).isSuperset(of: ["integer", "number"]) { return true }
        guard case .object(let members)? = resolved[0]["properties"] else { return false }
        return members.keys.contains { name in
            var values: [JSONValue] = []
            for schema in resolved {
                guard case .array(let required)? = schema["required"], required.contains(.string(name)), let member = schema["properties"]?[name]
                else { return false }
                if let constant = member["const"] {
                    values.append(constant)
                } else if case .array(let listed)? = member["enum"] {
                    values += listed
                } else {
                    return false
                }
            }
            return values.indices.allSatisfy { place in !values[..<place].contains(values[place]) }
        }
    }

    private mutating func referred(_ reference: String, _ path: String) throws(StructureError) -> Grammar.Node {
        let key = "#" + reference
        if let known = rules[key] { return known }
        let target = try target(reference, path)
        let begin = try grammar.node()
        rules[key] = begin
        grammar.end(try value(target, reference.hasPrefix("#") ? String(reference.dropFirst()) : reference, from: begin))
        return begin
    }

    /// What a JSON pointer (RFC 6901) within the schema points at.
    private func target(_ reference: String, _ path: String) throws(StructureError) -> JSONValue {
        guard reference == "#" || reference.hasPrefix("#/") else {
            throw StructureError(path + "/$ref", "expected a place within this schema, such as #/$defs/name; found \"\(reference)\"")
        }
        var place = root
        for part in reference.dropFirst().split(separator: "/") {
            let name = String(part).replacing("~1", with: "/").replacing("~0", with: "~")
            if let member = place[name] {
                place = member
            } else if case .array(let values) = place, let index = Int(name), values.indices.contains(index) {
                place = values[index]
            } else {
                throw StructureError(path + "/$ref", "\"\(reference)\" points at nothing")
            }
        }
        return place
    }

    private mutating func typed(_ type: String?, _ keywords: inout Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let end: Grammar.Node
        switch type {
        case nil: end = try grammar.call(try rule(.value), from: from)
        case "null": end = try grammar.literal("null", from: from)
        case "boolean":
            end = try grammar.choice(["true", "false"], from: from) { grammar, word, node throws(StructureError) in
                try grammar.literal(word, from: node)
            }
        case "integer": end = try integer(&keywords, from: from)
        case "number":
            let minimum = try keywords.number("minimum")
            if let minimum, minimum != 0 { throw StructureError(keywords.path + "/minimum", "of a number is supported as 0 alone; say integer") }
            end = try number(isNegative: minimum == nil, from: from)
        case "string": end = try text(&keywords, from: from)
        case "array": end = try array(&keywords, from: from)
        case "object": end = try object(&keywords, from: from)
        default:
            throw StructureError(
                keywords.path + "/type", "expected null, boolean, integer, number, string, array or object; found \"\(type ?? "")\"")
        }
        try keywords.end(beside: type)
        return end
    }

    private mutating func integer(_ keywords: inout Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let most = 999_999_999_999_999_999
        func bound(_ value: Double, up: Bool) -> Int { Int(max(-Double(most), min(9.9e17, value.rounded(up ? .up : .down)))) }
        var (low, high) = (-most, most)
        if let minimum = try keywords.number("minimum") { low = max(low, bound(minimum, up: true)) }
        if let maximum = try keywords.number("maximum") { high = min(high, bound(maximum, up: false)) }
        if let minimum = try keywords.number("exclusiveMinimum") { low = max(low, bound(minimum, up: false) + 1) }
        if let maximum = try keywords.number("exclusiveMaximum") { high = min(high, bound(maximum, up: true) - 1) }
        guard low <= high else { throw StructureError(keywords.path, "no integer lies between its minimum and its maximum") }
        let isFree = low == -most && high == most
        return try grammar.expression(isFree ? .anyInteger : .integers(low, high), .plain, from: from)
    }

    private mutating func text(_ keywords: inout Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let least = try keywords.count("minLength") ?? 0
        let most = try keywords.count("maxLength")
        guard least <= most ?? .max else { throw StructureError(keywords.path, "minLength is above maxLength") }
        let pattern = try keywords.string("pattern")
        let format = try keywords.string("format")
        guard pattern != nil || format != nil else { return try string(least: least, most: most, from: from) }
        guard pattern == nil || format == nil, least == 0, most == nil else {
            throw StructureError(keywords.path, "pattern, format and lengths are supported one at a time; say the length in the pattern")
        }
        let expression: RegularExpression
        if let pattern {
            expression = try RegularExpression(pattern, searching: true, path: keywords.path + "/pattern")
        } else {
            guard let known = Self.formats[format ?? ""] else {
                let names = Self.formats.keys.sorted().joined(separator: ", ")
                throw StructureError(keywords.path + "/format", "expected \(names); found \"\(format ?? "")\"")
            }
            expression = try RegularExpression(known, searching: false, path: keywords.path + "/format")
        }
        let open = try grammar.literal("\"", from: from)
        return try grammar.literal("\"", from: try grammar.expression(expression, .quoted, from: open))
    }

    /// By RFC 3339 (days to the 28th, which every month has), RFC 4122, RFC 2673, and the mailbox of RFC 5321 in its usual form.
    private static let formats = [
        "date": date, "time": time, "date-time": "\(date)T\(time)",
        "uuid": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "ipv4": "(\(byte)\\.){3}\(byte)",
        "email": "[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,31}){0,1}@([a-z0-9]{1,32}\\.){1,3}[a-z]{2,12}",
    ]
    private static let date = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    private static let time = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    private static let byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

    private mutating func array(_ keywords: inout Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let path = keywords.path
        let prefix = try keywords.array("prefixItems") ?? []
        let rest = keywords.take("items") ?? .boolean(true)
        let least = try keywords.count("minItems") ?? 0
        var most = try keywords.count("maxItems")
        if keywords.take("uniqueItems") == .boolean(true) { throw StructureError(path + "/uniqueItems", "is not supported") }
        if case .boolean(false) = rest { most = min(most ?? .max, prefix.count) }
        guard least <= most ?? .max else { throw StructureError(path, "minItems is above what items allow") }
        let end = try grammar.node()
        var place = try space(from: try grammar.literal("[", from: from))
        var count = 0
        func isOpen() -> Bool { count < most ?? .max }
        while isOpen(), count < max(prefix.count, least) {
            if count >= least { grammar.free(try close("]", count, from: place), to: end) }
            if count > 0 { place = try comma(from: place) }
            let isFixed = count < prefix.count
            place = try value(isFixed ? prefix[count] : rest, isFixed ? "\(path)/prefixItems/\(count)" : path + "/items", from: place)
            count += 1
        }
        if let most {
            while count < most {
                grammar.free(try close("]", count, from: place), to: end)
                if count > 0 { place = try comma(from: place) }
                place = try value(rest, path + "/items", from: place)
                count += 1
            }
        } else {
            if count == 0 {
                grammar.free(try close("]", 0, from: place), to: end)
                place = try value(rest, path + "/items", from: place)
            }
            // What follows an item: another, as often as wanted.
            let behind = try grammar.node()
            grammar.free(place, to: behind)
            grammar.free(try value(rest, path + "/items", from: try comma(from: behind)), to: behind)
            place = behind
            count = 1
        }
        grammar.free(try close("]", count, from: place), to: end)
        return end
    }

    private mutating func close(_ bracket: String, _ count: Int, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        try grammar.literal(bracket, from: count == 0 ? from : try space(from: from))
    }

    private mutating func object(_ keywords: inout Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let path = keywords.path
        let properties = try keywords.object("properties") ?? JSONObject()
        var required: Set<String> = []
        for name in try keywords.array("required") ?? [] {
            guard case .string(let name) = name else { throw StructureError(path + "/required", "expected names") }
            required.insert(name)
        }
        let others = keywords.take("additionalProperties")
        if properties.keys.isEmpty, required.isEmpty, others == nil { return try grammar.call(try rule(.object), from: from) }
        if let name = required.first(where: { properties[$0] == nil }) {
            throw StructureError(path + "/required", "\"\(name)\" is not among the properties")
        }
        let optional = properties.keys.count { !required.contains($0) }
        guard optional <= 512 else { throw StructureError(path + "/properties", "more than 512 are optional; found \(optional)") }

        // Before the first member is written, and behind one.
        var empty: Grammar.Node? = try space(from: try grammar.literal("{", from: from))
        var written: Grammar.Node?
        for (name, schema) in properties.members {
            let isRequired = required.contains(name)
            let begin = try grammar.node()
            if let empty { grammar.free(empty, to: begin) }
            if let written { grammar.free(try comma(from: written), to: begin) }
            let behind = try grammar.node()
            let member = try colon(from: try quoted(name, from: begin))
            let place = "\(path)/properties/\(name.replacing("~", with: "~0").replacing("/", with: "~1"))"
            grammar.free(try value(schema, place, from: member), to: behind)
            if isRequired {
                empty = nil
            } else if let written {
                grammar.free(written, to: behind)
            }
            written = behind
        }
        let end = try grammar.node()
        if let others, others != .boolean(false) {
            let begin = try grammar.node()
            if let empty { grammar.free(empty, to: begin) }
            if let written { grammar.free(try comma(from: written), to: begin) }
            let name = try otherName(than: properties.keys, from: begin)
            let behind = try value(others, path + "/additionalProperties", from: try colon(from: name))
            grammar.free(try comma(from: behind), to: begin)
            grammar.free(try close("}", 1, from: behind), to: end)
        }
        if let empty { grammar.free(try close("}", 0, from: empty), to: end) }
        if let written { grammar.free(try close("}", 1, from: written), to: end) }
        return end
    }

    /// A member's name that is none of `names`: it leaves their letters at some place, by a character that stands for itself.
    private mutating func otherName(than names: [String], from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let open = try grammar.literal("\"", from: from)
        let end = try grammar.node()
        let free = try grammar.node()
        grammar.free(
            try grammar.repeated(0, nil, from: free) { grammar, node throws(StructureError) in try grammar.anyCharacter(from: node) }, to: end)
        var level: [(node: Grammar.Node, names: [ArraySlice<Unicode.Scalar>])] = [(open, names.map { Array($0.unicodeScalars)[...] })]
        while let (node, names) = level.popLast() {
            var children: [Unicode.Scalar: [ArraySlice<Unicode.Scalar>]] = [:]
            for name in names { if let first = name.first { children[first, default: []].append(name.dropFirst()) } }
            let plain = CharacterRanges([0...0x1F, 0x22...0x22, 0x5C...0x5C]).inverted
            let taken = CharacterRanges(children.keys.map { $0.value...$0.value })
            grammar.free(try grammar.character(plain.subtracting(taken), .plain, from: node), to: free)
            if !names.contains(where: \.isEmpty) { grammar.free(node, to: end) }
            for (scalar, rest) in children.sorted(by: { $0.key < $1.key }) {
                level.append((try grammar.character(CharacterRanges([scalar.value...scalar.value]), .quoted, from: node), rest))
            }
        }
        return try grammar.literal("\"", from: end)
    }
}

extension JSONObject {
    var members: [(key: String, value: JSONValue)] { keys.compactMap { key in self[key].map { (key, $0) } } }
}

extension Grammar {
    /// One character of a JSON string, by itself or by any of its escapes; surrogates in pairs.
    fileprivate mutating func anyCharacter(from: Node) throws(StructureError) -> Node {
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
