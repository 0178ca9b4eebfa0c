import Foundation

/// Rewrites schemas into forms that client generators understand: openapi-python-client and openapi-generator then generate every operation
/// (Tests/Clients/generated.py).
///
///     "type": ["integer", "null"], "minimum": 1      →  anyOf of {"type": "integer", "minimum": 1} and {"type": "null"}
///     "enum": [true, null]                           →  anyOf of {"type": "boolean", "const": true} and {"type": "null"}
///     "type": "array"                                →  with "items", of any kind
///     "const": "list"                                →  with its "type"
///     "const": 0                                     →  "enum": [0]
///     a member of "type": "null"                     →  "const": null
///     an object of any members                       →  with "additionalProperties": true
///     anyOf beside "properties", of conditions       →  "x-conditions", which generators leave out
///     an object among anyOf or oneOf                 →  a schema with a name, such as ChatMessageUser
enum PlainSchema {
    /// The keywords that apply to values of one type only.
    private static let keywords: [String: Set<String>] = [
        "string": ["minLength", "maxLength", "pattern", "format", "contentEncoding"],
        "array": ["items", "minItems", "maxItems", "uniqueItems", "prefixItems", "contains"],
        "object": [
            "properties", "required", "additionalProperties", "minProperties", "maxProperties", "dependentRequired", "propertyNames",
        ],
        "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
        "integer": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
    ]
    private static let values: Set = ["const", "enum", "default", "example", "examples"]

    /// The components' schemas, and the paths, with names for objects among alternatives.
    static func named(_ schemas: [String: Any], paths: [String: Any]) -> (schemas: [String: Any], paths: [String: Any]) {
        var names = SchemaNames(known: schemas)
        // Sorted, so that names are the same at every start.
        let plain = schemas.keys.sorted().reduce(into: [String: Any]()) { $0[$1] = names.lifting(of(schemas[$1] ?? [:]), from: $1) }
        let items = paths.keys.sorted().reduce(into: [String: Any]()) { items, path in
            let operations = of(paths[path] ?? [:]) as? [String: Any] ?? [:]
            items[path] = operations.keys.sorted().reduce(into: [String: Any]()) { result, method in
                let operation = operations[method] as? [String: Any]
                result[method] = names.lifting(operations[method] ?? [:], from: SchemaNames.pascal(operation?["operationId"] as? String ?? ""))
            }
        }
        return (plain.merging(names.made) { $1 }, items)
    }

    /// - Parameter part: Schemas, or something that contains them.
    static func of(_ part: Any) -> Any {
        if let list = part as? [Any] { return list.map(of) }
        guard let object = part as? [String: Any] else { return part }
        var schema = object.reduce(into: [String: Any]()) { $0[$1.key] = values.contains($1.key) ? $1.value : of($1.value) }
        if let members = schema["properties"] as? [String: Any] {
            schema["properties"] = members.mapValues { member -> Any in
                guard var member = member as? [String: Any], member["type"] as? String == "null" else { return member }
                member["type"] = nil
                member["const"] = NSNull()
                return member
            }
        }
        if let types = schema["type"] as? [String] { schema = alternatives(types, of: schema) }
        if schema["type"] as? String == "array", schema["items"] == nil { schema["items"] = [String: Any]() }
        if schema["type"] as? String == "object", schema["properties"] == nil, schema["additionalProperties"] == nil {
            schema["additionalProperties"] = true
        }
        if let constant = schema["const"], ["integer", "number"].contains(type(of: constant)) {
            schema["const"] = nil
            schema["enum"] = [constant]
        }
        if let named = schema["enum"] as? [Any] { return enumerated(named, schema) }
        if let constant = schema["const"], !(constant is NSNull), schema["type"] == nil { schema["type"] = type(of: constant) }
        schema = conditioned(schema)
        for word in ["anyOf", "oneOf"] { if let list = schema[word] as? [Any] { schema[word] = list.map(choice) } }
        return schema
    }

    /// Moves conditions between an object's members ("stream_options" only with "stream") to where generators do not look. From alternatives that
    /// are not types of their own, openapi-generator would make one class with all of their requirements. All of `x-conditions` must hold, as with
    /// allOf.
    private static func conditioned(_ schema: [String: Any]) -> [String: Any] {
        guard schema["properties"] != nil else { return schema }
        var schema = schema
        var conditions: [[[String: Any]]] = []
        func takes(_ part: [String: Any], _ word: String) -> Bool {
            guard let list = part[word] as? [[String: Any]], list.allSatisfy({ Set($0.keys).isSubset(of: ["properties", "required"]) }) else {
                return false
            }
            conditions.append(list)
            return true
        }
        for word in ["anyOf", "oneOf"] where takes(schema, word) { schema[word] = nil }
        if let parts = schema["allOf"] as? [[String: Any]] {
            let others = parts.filter { part in !(part.count == 1 && (takes(part, "anyOf") || takes(part, "oneOf"))) }
            schema["allOf"] = others.isEmpty ? nil : others
        }
        if !conditions.isEmpty { schema["x-conditions"] = conditions.map { ["anyOf": $0] } }
        return schema
    }

    /// Turns a constant among alternatives into an enumeration of one. After a constant, openapi-python-client tries no other alternative.
    private static func choice(_ alternative: Any) -> Any {
        guard var schema = alternative as? [String: Any], let constant = schema["const"] as? String else { return alternative }
        schema["const"] = nil
        schema["enum"] = [constant]
        return schema
    }

    private static func alternatives(_ types: [String], of schema: [String: Any]) -> [String: Any] {
        let bound = keywords.values.reduce(into: Set()) { $0.formUnion($1) }
        var rest = schema.filter { $0.key != "type" && !bound.contains($0.key) }
        rest["anyOf"] = types.map { type in
            var own = schema.filter { keywords[type]?.contains($0.key) == true }
            own["type"] = type
            if type == "array", own["items"] == nil { own["items"] = [String: Any]() }
            if type == "object", own["properties"] == nil, own["additionalProperties"] == nil { own["additionalProperties"] = true }
            return own
        }
        return rest
    }

    private static func enumerated(_ named: [Any], _ schema: [String: Any]) -> [String: Any] {
        var schema = schema
        let others = named.filter { !($0 is NSNull) }
        guard let first = others.first else { return schema }
        guard others.count < named.count else {
            if schema["type"] == nil { schema["type"] = type(of: first) }
            return schema
        }
        schema["enum"] = nil
        schema["type"] = nil
        var own: [String: Any] = ["type": type(of: first)]
        if others.count == 1, !(first is String) { own["const"] = first } else { own["enum"] = others }
        schema["anyOf"] = [own, ["type": "null"]]
        return schema
    }

    private static func type(of value: Any) -> String {
        if value is String { return "string" }
        if value is NSNull { return "null" }
        let text = (try? JSONSerialization.data(withJSONObject: [value])).map { String(decoding: $0, as: UTF8.self) } ?? ""
        if text == "[true]" || text == "[false]" { return "boolean" }
        return text.contains(".") || text.contains("e") ? "number" : "integer"
    }
}
