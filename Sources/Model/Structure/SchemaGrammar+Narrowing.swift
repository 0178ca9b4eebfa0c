import JSON

/// `type` in combination with keywords that list values: `const`, `enum`, `anyOf` and similar ones.
extension SchemaGrammar {
    /// - Parameter types: of the schema; nil for any.
    static func isOf(_ types: [String]?, _ value: JSONValue) -> Bool {
        guard let types else { return true }
        return switch value {
        case .null: types.contains("null")
        case .boolean: types.contains("boolean")
        case .integer: types.contains("integer") || types.contains("number")
        case .real(let value): types.contains("number") || types.contains("integer") && value == value.rounded()
        case .string: types.contains("string")
        case .array: types.contains("array")
        case .object: types.contains("object")
        }
    }

    /// A schema whose values are those of `schema` that have one of `types`; nil if there is none.
    func narrowed(_ schema: JSONValue, to types: [String]?, _ path: String) throws(StructureError) -> JSONValue? {
        guard let types else { return schema }
        let all = JSONValue.array(types.map { .string($0) })
        guard case .object(var members) = schema else { return schema == .boolean(true) ? .object(["type": all]) : schema }
        if case .string(let reference)? = members["$ref"] {
            var own = Keywords(JSONObject(), path)
            if case .object(let target) = try target(reference, path) { own = Keywords(target, path) }
            guard let found = try own.givenTypes(), found.allSatisfy({ Self.covers(types, $0) }) else {
                throw StructureError(path + "/$ref", "is supported beside a type where the schema that it refers to has a type among those")
            }
            return schema
        }
        var own = Keywords(members, path)
        guard let found = try own.givenTypes() else {
            members["type"] = all
            return .object(members)
        }
        let left = found.filter { Self.covers(types, $0) } + types.filter { $0 == "integer" && found.contains("number") && !types.contains("number") }
        if left.isEmpty { return nil }
        members["type"] = .array(left.map { .string($0) })
        return .object(members)
    }

    private static func covers(_ types: [String], _ type: String) -> Bool { types.contains(type) || type == "integer" && types.contains("number") }
}
