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
    private let entries: [String: (description: String, example: JSONValue?)]

    init(_ file: URL) throws {
        var entries: [String: (description: String, example: JSONValue?)] = [:]
        for (number, line) in try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 3, !parts[0].isEmpty else { throw Unreadable(line: number + 1) }
            let example = parts[2].isEmpty ? nil : try JSONValue(parsing: parts[2])
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
    func described(_ part: JSONValue, in place: String) -> JSONValue { described(part, within: [place]) }

    /// - Parameter within: The enclosing names, outermost first.
    private func described(_ part: JSONValue, within: [String]) -> JSONValue {
        if let list = part.array { return .array(list.map { described($0, within: within) }) }
        guard let object = part.object else { return part }
        let within = within + (object["operationId"]?.string.map { [$0] } ?? [])
        return .object(
            object.mapMembers { name, value in
                if name == "properties", let members = value.object {
                    return .object(
                        members.mapMembers { told(described($1, within: within + [$0]), $0, within, examples: "examples") })
                }
                if name == "parameters", let parameters = value.array {
                    return .array(
                        parameters.map { parameter in
                            guard let name = parameter["name"]?.string, let place = parameter["in"]?.string else { return parameter }
                            return told(parameter, name, within + [place], examples: nil)
                        })
                }
                return PlainSchema.values.contains(name) ? value : described(value, within: within)
            })
    }

    /// - Parameter examples: The key of a schema's examples; nil for a parameter, which has `example`.
    private func told(_ member: JSONValue, _ name: String, _ within: [String], examples: String?) -> JSONValue {
        guard var member = member.object else { return member }
        if member["description"] == nil {
            member["description"] = Self.ownDescription(member) ?? entry(name, within) { $0.description.isEmpty ? nil : .string($0.description) }
        }
        let schema = member["schema"]?.object ?? member
        if member["examples"] == nil, member["example"] == nil {
            let example =
                Self.fixed(schema)
                ?? entry(name, within, isGeneral: !Self.holdsMembers(schema)) { $0.example }.flatMap { Self.takes(schema, $0) ? $0 : nil }
            if let example { member[examples ?? "example"] = examples == nil ? example : .array([example]) }
        }
        return .object(member)
    }

    /// The entry of the name for its nearest enclosing parent.
    ///
    /// - Parameter isGeneral: Whether the entry without a parent counts.
    private func entry<Value>(
        _ name: String, _ within: [String], isGeneral: Bool = true, _ value: ((description: String, example: JSONValue?)) -> Value?
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
    private static func holdsMembers(_ schema: JSONObject) -> Bool {
        schema["properties"] != nil || schema["$ref"] != nil || schema["items"]?.object.map(holdsMembers) == true
    }

    /// The first description among a schema's alternatives.
    private static func ownDescription(_ schema: JSONObject) -> JSONValue? {
        ["anyOf", "oneOf"].lazy.compactMap { schema[$0]?.array?.lazy.compactMap { $0["description"] }.first }.first
    }

    /// The first value of an enumeration, or the default.
    private static func fixed(_ schema: JSONObject) -> JSONValue? {
        if let constant = schema["const"] { return constant }
        if let named = schema["default"], named != .null { return named }
        if schema["type"] == "null" { return .null }
        return schema["enum"]?.array?.first { $0 != .null }
    }

    /// Whether an example fits the type of a schema.
    private static func takes(_ schema: JSONObject, _ example: JSONValue) -> Bool {
        for word in ["anyOf", "oneOf"] {
            if let alternatives = schema[word]?.array { return alternatives.contains { $0.object.map { takes($0, example) } ?? false } }
        }
        if let constant = schema["const"] { return constant == example }
        if let named = schema["enum"]?.array { return named.contains(example) }
        if schema["maxItems"] == .integer(0) { return example == .null || example.array?.isEmpty == true }
        if let text = example.string, let pattern = schema["pattern"]?.string, text.range(of: pattern, options: .regularExpression) == nil {
            return false
        }
        guard let type = schema["type"] else { return true }
        let types = type.array ?? [type]
        return types.contains(.string(example.type)) || example.type == "integer" && types.contains("number")
    }
}

extension JSONValue {
    /// The schema's word for the value's type.
    var type: String {
        switch self {
        case .null: "null"
        case .boolean: "boolean"
        case .integer: "integer"
        case .real: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
