import JSON

/// Which linear modules have adapters, as peft's `target_modules` says it.
package enum TargetModules: Sendable, Equatable, Codable {
    /// All but the output head.
    case allLinear
    /// Those whose path is such a name, or ends so after a dot.
    case names([String])
    /// Those whose whole path matches the regular expression, Python's.
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
