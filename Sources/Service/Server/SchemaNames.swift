import Foundation

/// Names for the objects among a schema's alternatives, as client generators need them. A name combines the enclosing schema and what the object
/// says of itself, as in `ChatMessageUser`.
struct SchemaNames {
    /// The named schemas.
    private(set) var made: [String: Any] = [:]
    private let known: [String: Any]

    init(known: [String: Any]) { self.known = known }

    /// The part, with each object among alternatives replaced by a reference.
    ///
    /// - Parameter name: The name of the schema or operation.
    mutating func lifting(_ part: Any, from name: String) -> Any {
        if let list = part as? [Any] { return list.map { lifting($0, from: name) } }
        guard let object = part as? [String: Any] else { return part }
        var result: [String: Any] = [:]
        for key in object.keys.sorted() {
            guard let value = object[key] else { continue }
            switch (key, value) {
            case ("const", _), ("enum", _), ("default", _), ("example", _), ("examples", _): result[key] = value
            case ("properties", let members as [String: Any]):
                result[key] = members.keys.sorted().reduce(into: [String: Any]()) {
                    $0[$1] = lifting(members[$1] ?? [:], from: name + Self.pascal($1))
                }
            case ("anyOf", let list as [Any]), ("oneOf", let list as [Any]):
                result[key] = list.enumerated().map { place, alternative in self.alternative(alternative, place, of: name) }
            default: result[key] = lifting(value, from: name)
            }
        }
        return result
    }

    private mutating func alternative(_ alternative: Any, _ place: Int, of name: String) -> Any {
        guard let schema = alternative as? [String: Any], schema["type"] as? String == "object" else { return lifting(alternative, from: name) }
        if schema["properties"] == nil {
            guard schema["maxProperties"] as? Int == 0 else { return lifting(alternative, from: name) }
            let empty: [String: Any] = [
                "type": "object", "maxProperties": 0, "additionalProperties": true, "description": "An object without members.",
            ]
            return reference("EmptyObject", empty)
        }
        let own = name + (Self.kind(schema) ?? "Form\(place + 1)")
        return reference(own, lifting(schema, from: own))
    }

    private mutating func reference(_ wanted: String, _ schema: Any) -> [String: Any] {
        var (name, number) = (wanted, 1)
        while let other = made[name] ?? known[name] {
            if Self.bytes(other) == Self.bytes(schema) { break }
            number += 1
            name = "\(wanted)\(number)"
        }
        made[name] = schema
        return ["$ref": "#/components/schemas/\(name)"]
    }

    /// A schema as JSON: the same bytes for the same schema.
    private static func bytes(_ schema: Any) -> Data? { try? JSONSerialization.data(withJSONObject: schema, options: .sortedKeys) }

    /// The first constant that an object has for its role, type, kind or object, capitalised.
    private static func kind(_ schema: [String: Any]) -> String? {
        for name in ["role", "type", "kind", "object"] {
            guard let member = (schema["properties"] as? [String: Any])?[name] as? [String: Any] else { continue }
            let forms = [member] + (member["anyOf"] as? [[String: Any]] ?? [])
            for form in forms {
                if let said = form["const"] as? String ?? (form["enum"] as? [Any])?.first as? String { return pascal(said) }
            }
        }
        return nil
    }

    static func pascal(_ text: String) -> String {
        text.split { !$0.isLetter && !$0.isNumber }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
