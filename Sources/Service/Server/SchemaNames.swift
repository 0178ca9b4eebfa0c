import JSON

/// Names for the objects among a schema's alternatives, as client generators need them. A name combines the enclosing schema and what the object
/// says of itself, as in `ChatMessageUser`.
struct SchemaNames {
    /// The named schemas.
    private(set) var made: JSONObject = [:]
    private let known: JSONObject

    init(known: JSONObject) { self.known = known }

    /// The part, with each object among alternatives replaced by a reference.
    ///
    /// - Parameter name: The name of the schema or operation.
    mutating func lifting(_ part: JSONValue, from name: String) -> JSONValue {
        if let list = part.array { return .array(list.map { lifting($0, from: name) }) }
        guard let object = part.object else { return part }
        return .object(
            object.mapMembers { key, value in
                if PlainSchema.values.contains(key) { return value }
                if key == "properties", let members = value.object {
                    return .object(members.mapMembers { lifting($1, from: name + Self.pascal($0)) })
                }
                if key == "anyOf" || key == "oneOf", let list = value.array {
                    return .array(list.enumerated().map { place, alternative in self.alternative(alternative, place, of: name) })
                }
                return lifting(value, from: name)
            })
    }

    private mutating func alternative(_ alternative: JSONValue, _ place: Int, of name: String) -> JSONValue {
        guard let schema = alternative.object, schema["type"] == "object" else { return lifting(alternative, from: name) }
        if schema["properties"] == nil {
            guard schema["maxProperties"] == .integer(0) else { return lifting(alternative, from: name) }
            return reference(
                "EmptyObject",
                .object(["additionalProperties": true, "description": "An object without members.", "maxProperties": .integer(0), "type": "object"]))
        }
        let own = name + (Self.kind(schema) ?? "Form\(place + 1)")
        return reference(own, lifting(alternative, from: own))
    }

    private mutating func reference(_ wanted: String, _ schema: JSONValue) -> JSONValue {
        var (name, number) = (wanted, 1)
        while let other = made[name] ?? known[name], other.sorted != schema.sorted {
            number += 1
            name = "\(wanted)\(number)"
        }
        made[name] = schema
        return .object(["$ref": .string("#/components/schemas/\(name)")])
    }

    /// The first constant that an object has for its role, type, kind or object, capitalised.
    private static func kind(_ schema: JSONObject) -> String? {
        for name in ["role", "type", "kind", "object"] {
            guard let member = schema["properties"]?[name] else { continue }
            for form in [member] + (member["anyOf"]?.array ?? []) {
                if let said = form["const"]?.string ?? form["enum"]?.array?.first?.string { return pascal(said) }
            }
        }
        return nil
    }

    static func pascal(_ text: String) -> String {
        text.split { !$0.isLetter && !$0.isNumber }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
