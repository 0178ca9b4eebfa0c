/// JSON text, compact or indented, that ``JSONValue`` reads back to an equal value.
extension JSONValue {
    package var text: String { text(indent: nil) }

    /// One key or element a line, with two spaces per level.
    package var indentedText: String { text(indent: 0) + "\n" }

    private func text(indent: Int?) -> String {
        switch self {
        case .null: "null"
        case .boolean(let boolean): boolean ? "true" : "false"
        case .integer(let integer): String(integer)
        case .real(let real): Self.numeral(real)
        case .string(let string): Self.quoted(string)
        case .array(let array): Self.list("[", array.map { $0.text(indent: indent.map { $0 + 1 }) }, "]", indent)
        case .object(let object):
            Self.list(
                "{",
                object.keys.map { key in
                    let value = object[key] ?? .null
                    return Self.quoted(key) + (indent == nil ? ":" : ": ") + value.text(indent: indent.map { $0 + 1 })
                }, "}", indent)
        }
    }

    private static func list(_ open: String, _ items: [String], _ close: String, _ indent: Int?) -> String {
        guard let indent, !items.isEmpty else { return open + items.joined(separator: ",") + close }
        let inner = "\n" + String(repeating: "  ", count: indent + 1)
        return open + inner + items.joined(separator: "," + inner) + "\n" + String(repeating: "  ", count: indent)
            + close
    }

    private static func numeral(_ real: Double) -> String {
        precondition(real.isFinite, "JSON has no text for the number \(real)")
        return "\(real)"
    }

    private static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                text += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
