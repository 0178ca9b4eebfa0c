import JSON

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
    /// The keywords whose values are no schemas.
    static let values: Set = ["const", "enum", "default", "example", "examples"]

    /// The components' schemas, and the paths, with names for objects among alternatives.
    static func named(_ schemas: JSONObject, paths: JSONObject) -> (schemas: JSONObject, paths: JSONObject) {
        var names = SchemaNames(known: schemas)
        let plain = schemas.mapMembers { names.lifting(of($1), from: $0) }
        let items = paths.mapMembers { _, operations in
            .object(
                (of(operations).object ?? [:]).mapMembers { _, operation in
                    names.lifting(operation, from: SchemaNames.pascal(operation["operationId"]?.string ?? ""))
                })
        }
        return (names.made.reduce(into: plain) { $0[$1.key] = $1.value }, items)
    }

    /// - Parameter part: Schemas, or something that contains them.
    static func of(_ part: JSONValue) -> JSONValue {
        if let list = part.array { return .array(list.map(of)) }
        guard let object = part.object else { return part }
        var schema = object.mapMembers { values.contains($0) ? $1 : of($1) }
        if let members = schema["properties"]?.object {
            schema["properties"] = .object(
                members.mapMembers { _, member in
                    guard member["type"] == "null", var object = member.object else { return member }
                    object["type"] = nil
                    object["const"] = .null
                    return .object(object)
                })
        }
        if let types = schema["type"]?.array { schema = alternatives(types.compactMap(\.string), of: schema) }
        complete(&schema)
        if let constant = schema["const"], ["integer", "number"].contains(constant.type) {
            schema["const"] = nil
            schema["enum"] = .array([constant])
        }
        if let named = schema["enum"]?.array { return .object(enumerated(named, schema)) }
        if let constant = schema["const"], constant != .null, schema["type"] == nil { schema["type"] = .string(constant.type) }
        schema = conditioned(schema)
        for word in ["anyOf", "oneOf"] { if let list = schema[word]?.array { schema[word] = .array(list.map(choice)) } }
        return .object(schema)
    }

    /// Gives an array its `items`, and an object its members.
    private static func complete(_ schema: inout JSONObject) {
        if schema["type"] == "array", schema["items"] == nil { schema["items"] = .object([:]) }
        if schema["type"] == "object", schema["properties"] == nil, schema["additionalProperties"] == nil { schema["additionalProperties"] = true }
    }

    /// Moves conditions between an object's members ("stream_options" only with "stream") to where generators do not look. From alternatives that
    /// are not types of their own, openapi-generator would make one class with all of their requirements. All of `x-conditions` must hold, as with
    /// allOf.
    private static func conditioned(_ schema: JSONObject) -> JSONObject {
        guard schema["properties"] != nil else { return schema }
        var schema = schema
        var conditions: [JSONValue] = []
        func takes(_ part: JSONObject, _ word: String) -> Bool {
            guard let list = part[word]?.array,
                list.allSatisfy({ $0.object.map { Set($0.keys).isSubset(of: ["properties", "required"]) } ?? false })
            else { return false }
            conditions.append(.object(["anyOf": .array(list)]))
            return true
        }
        for word in ["anyOf", "oneOf"] where takes(schema, word) { schema[word] = nil }
        if let parts = schema["allOf"]?.array {
            let others = parts.filter { part in
                guard let part = part.object, part.keys.count == 1 else { return true }
                return !(takes(part, "anyOf") || takes(part, "oneOf"))
            }
            schema["allOf"] = others.isEmpty ? nil : .array(others)
        }
        if !conditions.isEmpty { schema["x-conditions"] = .array(conditions) }
        return schema
    }

    /// Turns a constant among alternatives into an enumeration of one. After a constant, openapi-python-client tries no other alternative.
    private static func choice(_ alternative: JSONValue) -> JSONValue {
        guard var schema = alternative.object, let constant = schema["const"], constant.string != nil else { return alternative }
        schema["const"] = nil
        schema["enum"] = .array([constant])
        return .object(schema)
    }

    private static func alternatives(_ types: [String], of schema: JSONObject) -> JSONObject {
        let bound = keywords.values.reduce(into: Set()) { $0.formUnion($1) }
        var rest = schema.only { $0 != "type" && !bound.contains($0) }
        rest["anyOf"] = .array(
            types.map { type in
                var own = schema.only { keywords[type]?.contains($0) == true }
                own["type"] = .string(type)
                complete(&own)
                return .object(own)
            })
        return rest
    }

    private static func enumerated(_ named: [JSONValue], _ schema: JSONObject) -> JSONObject {
        var schema = schema
        let others = named.filter { $0 != .null }
        guard let first = others.first else { return schema }
        guard others.count < named.count else {
            if schema["type"] == nil { schema["type"] = .string(first.type) }
            return schema
        }
        schema["enum"] = nil
        schema["type"] = nil
        var own: JSONObject = ["type": .string(first.type)]
        if others.count == 1, first.string == nil { own["const"] = first } else { own["enum"] = .array(others) }
        schema["anyOf"] = .array([.object(own), .object(["type": "null"])])
        return schema
    }
}
