package import Foundation

/// Any JSON value that passes through uninterpreted: schemas, metadata, stored reports.
package enum WireValue: Codable, Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([WireValue])
    case object([String: WireValue])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(String.self) {
            // The most frequent type comes first: a failed attempt creates an error with its path.
            self = .string(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode([WireValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: WireValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    /// Parses bytes that ``JSONGuard`` has not checked, such as the store's own.
    package init(json: Data) throws { self = try JSONDecoder().decode(WireValue.self, from: json) }

    package subscript(name: String) -> WireValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    /// A short description for error messages.
    package var summary: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return String(value)
        case .integer(let value): return String(value)
        case .number(let value): return String(value)
        case .string(let value): return Self.summary(ofString: value)
        case .array(let value): return Self.summary(ofArray: value.count)
        case .object(let value): return Self.summary(ofObject: value.keys)
        }
    }

    private static func summary(ofString value: String) -> String {
        // Counting the characters of a long text is slow.
        let count = value.utf8.count > 1000 ? value.unicodeScalars.count : value.count
        return count > 40 ? "a string of \(count) characters" : "\"\(value)\""
    }

    static func summary(ofArray count: Int) -> String { "an array of \(count)" }

    /// At most the first four names, in alphabetical order.
    static func summary(ofObject names: some Collection<String>) -> String {
        if names.isEmpty { return "an empty object" }
        var first: [String] = []
        for name in names where first.count < 4 || name < first[3] {
            first.insert(name, at: first.firstIndex { name < $0 } ?? first.count)
            if first.count > 4 { first.removeLast() }
        }
        return "an object with \(first.map(cut).joined(separator: ", "))"
    }

    /// A foreign name, shortened for error messages.
    static func cut(_ name: String) -> String {
        name.utf8.count <= 100 ? name : String(String.UnicodeScalarView(name.unicodeScalars.prefix(80))) + "…"
    }
}

extension WireValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(stringLiteral value: String) { self = .string(value) }
}
