import JSON

/// The linear modules with adapters, in the form of peft's `target_modules`.
package enum TargetModules: Sendable, Equatable, Codable {
    /// All but the output head.
    case allLinear
    /// The modules whose path is one of these names, or ends with a dot and one of them.
    case names([String])
    /// The modules whose whole path matches the regular expression, in Python's dialect.
    case expression(String)

    package init(_ text: String) { self = text.lowercased() == "all-linear" ? .allLinear : .expression(text) }

    var json: JSONValue {
        switch self {
        case .allLinear: "all-linear"
        case .names(let names): .array(names.map { .string($0) })
        case .expression(let text): .string(text)
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let names = try? container.decode([String].self) {
            self = .names(names)
        } else {
            self.init(try container.decode(String.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .allLinear: try container.encode("all-linear")
        case .names(let names): try container.encode(names)
        case .expression(let text): try container.encode(text)
        }
    }
}
