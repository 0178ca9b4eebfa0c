import JSON

/// A JSON Schema as a language of JSON texts.
///
/// Members have the order of `properties`. Other members are allowed only if `additionalProperties` gives their schema.
/// Strings are escaped in the shortest form. Between the parts of objects and arrays there may be one blank, or a line's end with up to twenty. Every text
/// of the language is valid by the schema; a keyword whose meaning the language could not keep is refused by name.
///
/// Source: JSON Schema 2020-12, its Core and Validation vocabularies.
struct SchemaGrammar {
    var grammar = Grammar()
    let root: JSONValue
    /// Rules by the pointer that refers to them, and those of any JSON.
    var rules: [String: Grammar.Node] = [:]
    /// The first and last node of each value of the schema, inner values first.
    private var values: [(path: String, from: Grammar.Node, to: Grammar.Node)] = []
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
        try refuseEndless()
    }

    private func refuseEndless() throws(StructureError) {
        let endings = grammar.endings
        if endings[Int(grammar.start)] { return }
        let value = values.first { !grammar.leads(from: $0.from, to: $0.to, endings) }
        throw StructureError(value?.path ?? "", "no value can ever be valid here: what it requires never ends, or excludes every text")
    }

    /// Keywords that describe a value without restricting it.
    private static let annotations: Set = [
        "title", "description", "default", "examples", "example", "$schema", "$id", "$comment", "$anchor", "deprecated", "readOnly", "writeOnly",
        "$defs", "definitions", "discriminator", "contentEncoding", "contentMediaType",
    ]

    mutating func value(_ schema: JSONValue, _ path: String, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 64 else { throw StructureError(path, "schemas are nested more than 64 deep") }
        let end: Grammar.Node
        switch schema {
        case .boolean(true): end = try grammar.call(try rule(.value), from: from)
        case .object(let members): end = try value(Keywords(members, path), from: from)
        default: throw StructureError(path, "expected a schema: an object, or true")
        }
        values.append((path, from, end))
        return end
    }

    mutating func value(_ keywords: Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        var keywords = keywords
        keywords.take(Self.annotations)
        if let reference = try keywords.string("$ref") {
            try keywords.end(beside: "$ref")
            return try grammar.call(try referred(reference, keywords.path), from: from)
        }
        if let constant = keywords.take("const") {
            let types = try keywords.givenTypes()
            try keywords.end(beside: "const")
            guard Self.isOf(types, constant) else { throw StructureError(keywords.path + "/const", "is not of the type beside it") }
            return try literal(constant, from: from)
        }
        if let values = try keywords.array("enum") {
            let types = try keywords.givenTypes()
            try keywords.end(beside: "enum")
            guard !values.isEmpty else { throw StructureError(keywords.path + "/enum", "expected at least one value") }
            let valid = values.filter { Self.isOf(types, $0) }
            guard !valid.isEmpty else { throw StructureError(keywords.path + "/enum", "no value is of the type beside it") }
            let out = try grammar.node()
            for (value, begin) in zip(valid, try options(from, count: valid.count)) { grammar.free(try literal(value, from: begin), to: out) }
            return out
        }
        for name in ["anyOf", "oneOf", "allOf"] {
            guard let schemas = try keywords.array(name) else { continue }
            let types = try keywords.givenTypes()
            try keywords.end(beside: name)
            return try several(schemas, of: types, name, keywords.path, from: from)
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

    mutating func several(
        _ schemas: [JSONValue], of types: [String]?, _ name: String, _ path: String, from: Grammar.Node
    ) throws(StructureError) -> Grammar.Node {
        guard !schemas.isEmpty else { throw StructureError("\(path)/\(name)", "expected at least one schema") }
        if name == "allOf", schemas.count > 1 { throw StructureError("\(path)/allOf", "is supported with one schema alone") }
        if name == "oneOf", schemas.count > 1, !areApart(schemas) {
            throw StructureError("\(path)/oneOf", "is supported where a constant member or the type tells its schemas apart; otherwise say anyOf")
        }
        var valid: [(schema: JSONValue, path: String)] = []
        for (place, schema) in schemas.enumerated() {
            let own = "\(path)/\(name)/\(place)"
            if let schema = try narrowed(schema, to: types, own) { valid.append((schema, own)) }
        }
        guard !valid.isEmpty else { throw StructureError("\(path)/\(name)", "no schema is of the type beside it") }
        let out = try grammar.node()
        for (option, begin) in zip(valid, try options(from, count: valid.count)) {
            grammar.free(try value(option.schema, option.path, from: begin), to: out)
        }
        return out
    }

    /// Whether no value is valid under two of the schemas, because their types or the constants of a required member differ.
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

    mutating func referred(_ reference: String, _ path: String) throws(StructureError) -> Grammar.Node {
        let key = "#" + reference
        if let known = rules[key] { return known }
        let target = try target(reference, path)
        let begin = try grammar.node()
        rules[key] = begin
        grammar.end(try value(target, reference.hasPrefix("#") ? String(reference.dropFirst()) : reference, from: begin))
        return begin
    }

    /// The part of the schema at a JSON pointer (RFC 6901).
    func target(_ reference: String, _ path: String) throws(StructureError) -> JSONValue {
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

    mutating func typed(_ type: String?, _ keywords: inout Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
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
}

extension JSONObject {
    var members: [(key: String, value: JSONValue)] { keys.compactMap { key in self[key].map { (key, $0) } } }
}
