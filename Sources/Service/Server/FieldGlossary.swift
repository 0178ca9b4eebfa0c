import Files
import Foundation
import JSON

/// Descriptions and examples of members, from `glossary.txt`, for those that the files of `OpenAPI/` leave undescribed.
///
///     NAME | DESCRIPTION | EXAMPLE        PARENT.NAME takes precedence, and OUTER.PARENT.NAME over that: each is the member, schema, operation or
///                                         path that holds what follows it
///
/// A member that holds members of its own is shown by theirs, unless an entry with its PARENT has an example.
struct FieldGlossary {
    private let entries: [String: (description: String, example: Any?)]

    init(_ file: URL) throws {
        var entries: [String: (description: String, example: Any?)] = [:]
        for (number, line) in try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 3, !parts[0].isEmpty else { throw Unreadable(line: number + 1) }
            let example = parts[2].isEmpty ? nil : try JSONSerialization.jsonObject(with: Data(parts[2].utf8), options: .fragmentsAllowed)
            guard entries.updateValue((parts[1], example), forKey: parts[0]) == nil else { throw Unreadable(line: number + 1) }
        }
        self.entries = entries
    }

    private struct Unreadable: Error, CustomStringConvertible {
        let line: Int
        var description: String { "glossary.txt, line \(line): expected NAME | DESCRIPTION | EXAMPLE, each NAME once" }
    }

    /// A part of the description with every member and parameter described.
    ///
    /// - Parameter place: The name of the schema, or the path.
    func described(_ part: Any, in place: String) -> Any { described(part, within: [place]) }

    /// - Parameter within: The enclosing names, outermost first.
    private func described(_ part: Any, within: [String]) -> Any {
        if let list = part as? [Any] { return list.map { described($0, within: within) } }
        guard let object = part as? [String: Any] else { return part }
        var within = within
        if let operation = object["operationId"] as? String { within.append(operation) }
        var result: [String: Any] = [:]
        for (name, value) in object {
            if name == "properties", let members = value as? [String: Any] {
                result[name] = members.reduce(into: [String: Any]()) {
                    $0[$1.key] = told(described($1.value, within: within + [$1.key]), $1.key, within, examples: "examples")
                }
            } else if name == "parameters", let parameters = value as? [[String: Any]] {
                result[name] = parameters.map { parameter -> Any in
                    guard let name = parameter["name"] as? String, let place = parameter["in"] as? String else { return parameter }
                    return told(parameter, name, within + [place], examples: nil)
                }
            } else if ["example", "examples", "default", "const", "enum"].contains(name) {
                result[name] = value
            } else {
                result[name] = described(value, within: within)
            }
        }
        return result
    }

    /// - Parameter examples: The key of a schema's examples; nil for a parameter, which has `example`.
    private func told(_ member: Any, _ name: String, _ within: [String], examples: String?) -> Any {
        guard var member = member as? [String: Any] else { return member }
        if member["description"] == nil {
            member["description"] = Self.ownDescription(member) ?? entry(name, within) { $0.description.isEmpty ? nil : $0.description }
        }
        let schema = member["schema"] as? [String: Any] ?? member
        if member["examples"] == nil, member["example"] == nil {
            let example =
                Self.fixed(schema)
                ?? entry(name, within, isGeneral: !Self.holdsMembers(schema)) { $0.example }.flatMap { Self.takes(schema, $0) ? $0 : nil }
            if let example { if let examples { member[examples] = [example] } else { member["example"] = example } }
        }
        return member
    }

    /// The entry of the name for its nearest enclosing parent.
    ///
    /// - Parameter isGeneral: Whether the entry without a parent counts.
    private func entry<Value>(
        _ name: String, _ within: [String], isGeneral: Bool = true, _ value: ((description: String, example: Any?)) -> Value?
    ) -> Value? {
        for (place, parent) in within.enumerated().reversed() {
            for outer in within[..<place].reversed() {
                if let found = entries["\(outer).\(parent).\(name)"].flatMap(value) { return found }
            }
            if let found = entries["\(parent).\(name)"].flatMap(value) { return found }
        }
        return isGeneral ? entries[name].flatMap(value) : nil
    }

    /// Whether a schema has members, itself or in its items.
    private static func holdsMembers(_ schema: [String: Any]) -> Bool {
        schema["properties"] != nil || schema["$ref"] != nil || (schema["items"] as? [String: Any]).map(holdsMembers) == true
    }

    /// The first description among a schema's alternatives.
    private static func ownDescription(_ schema: [String: Any]) -> String? {
        for word in ["anyOf", "oneOf"] {
            if let found = (schema[word] as? [[String: Any]])?.compactMap({ $0["description"] as? String }).first { return found }
        }
        return nil
    }

    /// The first value of an enumeration, or the default.
    private static func fixed(_ schema: [String: Any]) -> Any? {
        if let constant = schema["const"] { return constant }
        if let named = schema["default"], !(named is NSNull) { return named }
        if schema["type"] as? String == "null" { return NSNull() }
        return (schema["enum"] as? [Any])?.first { !($0 is NSNull) }
    }

    /// Whether an example fits the type of a schema.
    private static func takes(_ schema: [String: Any], _ example: Any) -> Bool {
        for word in ["anyOf", "oneOf"] {
            if let alternatives = schema[word] as? [[String: Any]] { return alternatives.contains { takes($0, example) } }
        }
        if let constant = schema["const"] { return "\(constant)" == "\(example)" }
        if let named = schema["enum"] as? [Any] { return named.contains { "\($0)" == "\(example)" } }
        if schema["maxItems"] as? Int == 0 { return example is NSNull || (example as? [Any])?.isEmpty == true }
        if let text = example as? String, let pattern = schema["pattern"] as? String, text.range(of: pattern, options: .regularExpression) == nil {
            return false
        }
        guard let type = schema["type"] else { return true }
        let types = type as? [String] ?? [type as? String ?? ""]
        switch example {
        case is NSNull: return types.contains("null")
        case is String: return types.contains("string")
        case is [Any]: return types.contains("array")
        case is [String: Any]: return types.contains("object")
        default:
            guard let value = try? JSONValue(parsing: JSONSerialization.data(withJSONObject: [example])), case .array(let list) = value else {
                return false
            }
            switch list[0] {
            case .boolean: return types.contains("boolean")
            case .integer: return types.contains("integer") || types.contains("number")
            default: return types.contains("number")
            }
        }
    }
}
