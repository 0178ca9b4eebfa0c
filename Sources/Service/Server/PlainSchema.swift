import Foundation

/// The same schema in the words that generators of clients know: openapi-python-client and openapi-generator make every operation of it
/// (Tests/Clients/generated.py).
///
///     "type": ["integer", "null"], "minimum": 1      →  anyOf of {"type": "integer", "minimum": 1} and {"type": "null"}
///     "enum": [true, null]                           →  anyOf of {"type": "boolean", "const": true} and {"type": "null"}
///     "type": "array"                                →  with "items", of any kind
///     "const": "list"                                →  with its "type"
///     a member of "type": "null"                     →  "enum": [null]
enum PlainSchema {
    /// The keywords that say something of values of one type alone.
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

    /// - Parameter part: schemas, or what holds some.
    static func of(_ part: Any) -> Any {
        if let list = part as? [Any] { return list.map(of) }
        guard let object = part as? [String: Any] else { return part }
        var schema = object.reduce(into: [String: Any]()) { $0[$1.key] = values.contains($1.key) ? $1.value : of($1.value) }
        if let members = schema["properties"] as? [String: Any] {
            schema["properties"] = members.mapValues { member -> Any in
                guard var member = member as? [String: Any], member["type"] as? String == "null" else { return member }
                member["type"] = nil
                member["enum"] = [NSNull()]
                return member
            }
        }
        if let types = schema["type"] as? [String] { schema = alternatives(types, of: schema) }
        if schema["type"] as? String == "array", schema["items"] == nil { schema["items"] = [String: Any]() }
        if let named = schema["enum"] as? [Any] { return enumerated(named, schema) }
        if let constant = schema["const"], schema["type"] == nil { schema["type"] = type(of: constant) }
        return schema
    }

    private static func alternatives(_ types: [String], of schema: [String: Any]) -> [String: Any] {
        let bound = keywords.values.reduce(into: Set()) { $0.formUnion($1) }
        var rest = schema.filter { $0.key != "type" && !bound.contains($0.key) }
        rest["anyOf"] = types.map { type in
            var own = schema.filter { keywords[type]?.contains($0.key) == true }
            own["type"] = type
            if type == "array", own["items"] == nil { own["items"] = [String: Any]() }
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
        if others.count == 1 { own["const"] = first } else { own["enum"] = others }
        schema["anyOf"] = [own, ["type": "null"]]
        return schema
    }

    private static func type(of value: Any) -> String {
        if value is String { return "string" }
        let text = (try? JSONSerialization.data(withJSONObject: [value])).map { String(decoding: $0, as: UTF8.self) } ?? ""
        if text == "[true]" || text == "[false]" { return "boolean" }
        return text.contains(where: [".", "e"].contains) ? "number" : "integer"
    }
}
