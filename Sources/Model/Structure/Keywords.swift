import JSON

/// A schema's members, taken one by one, so that none is ignored.
struct Keywords {
    let path: String
    private var members: [String: JSONValue]

    init(_ object: JSONObject, _ path: String) {
        self.path = path
        members = Dictionary(object.members.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }

    mutating func take(_ name: String) -> JSONValue? { members.removeValue(forKey: name) }

    mutating func take(_ names: Set<String>) { for name in names { members[name] = nil } }

    private func wrong(_ name: String, _ expected: String) -> StructureError { StructureError("\(path)/\(name)", "expected \(expected)") }

    mutating func string(_ name: String) throws(StructureError) -> String? {
        guard let value = take(name) else { return nil }
        guard case .string(let text) = value else { throw wrong(name, "a string") }
        return text
    }

    mutating func array(_ name: String) throws(StructureError) -> [JSONValue]? {
        guard let value = take(name) else { return nil }
        guard case .array(let values) = value else { throw wrong(name, "an array") }
        return values
    }

    mutating func object(_ name: String) throws(StructureError) -> JSONObject? {
        guard let value = take(name) else { return nil }
        guard case .object(let members) = value else { throw wrong(name, "an object") }
        return members
    }

    mutating func number(_ name: String) throws(StructureError) -> Double? {
        switch take(name) {
        case nil: return nil
        case .integer(let value): return Double(value)
        case .real(let value): return value
        default: throw wrong(name, "a number")
        }
    }

    mutating func count(_ name: String) throws(StructureError) -> Int? {
        guard let value = take(name) else { return nil }
        guard case .integer(let count) = value, (0...10_000).contains(count) else { throw wrong(name, "an integer from 0 to 10000") }
        return count
    }

    /// The types that `type` names; nil if it is not there.
    mutating func givenTypes() throws(StructureError) -> [String]? { members["type"] == nil ? nil : try types() }

    /// The types that a value may have; empty for any.
    mutating func types() throws(StructureError) -> [String] {
        switch take("type") {
        case nil: return Self.keywords.sorted { $0.key < $1.key }.filter { !$0.value.isDisjoint(with: members.keys) }.prefix(1).map(\.key)
        case .string(let type): return [type]
        case .array(let values):
            var types: [String] = []
            for value in values {
                guard case .string(let type) = value, !types.contains(type) else { throw wrong("type", "names of types, each once") }
                types.append(type)
            }
            // Every integer is a number.
            if types.contains("number") { types.removeAll { $0 == "integer" } }
            if types.isEmpty { throw wrong("type", "at least one type") }
            return types
        default: throw wrong("type", "a type's name or an array of such")
        }
    }

    /// The keywords that restrict values of each type.
    private static let keywords: [String: Set<String>] = [
        "object": ["properties", "required", "additionalProperties"],
        "array": ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"],
        "string": ["minLength", "maxLength", "pattern", "format"],
        "integer": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
        "number": ["minimum"],
    ]

    /// The keywords that restrict values of `type`.
    func only(for type: String) -> Keywords {
        var own = self
        own.members = members.filter { Self.keywords[type, default: []].contains($0.key) }
        return own
    }

    /// - Throws: An error for a keyword that was not taken.
    func end(beside what: String? = nil) throws(StructureError) {
        guard let name = members.keys.sorted().first else { return }
        throw StructureError("\(path)/\(name)", "this keyword is not supported\(what.map { " beside \($0)" } ?? "")")
    }

    func end(knowing types: [String]) throws(StructureError) {
        var left = self
        for type in types { left.take(Self.keywords[type, default: []]) }
        try left.end()
    }
}
