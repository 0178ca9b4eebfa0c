/// `json.dumps` of a template's value, origin of every character kept. Separators as Python's defaults: `", "` and `": "`
/// on one line, `","` with indentation.
struct TemplateJSON {
    let indent: TemplateText?
    let sortsKeys: Bool
    let escapesNonASCII: Bool

    /// Every character is charged to `limits` before it is written.
    func encode(_ value: Value, _ line: Int, _ limits: inout TemplateLimits) throws(TemplateError) -> TemplateText {
        var units: [UInt32] = []
        try append(value, level: 0, line, to: &units, &limits)
        return TemplateText(units: units)
    }

    private func append(
        _ value: Value, level: Int, _ line: Int, to units: inout [UInt32], _ limits: inout TemplateLimits
    ) throws(TemplateError) {
        func add(_ text: String) throws(TemplateError) { try limits.append(text, to: &units, line) }
        func breakLine(_ level: Int) throws(TemplateError) {
            guard let indent else { return }
            try add("\n")
            for _ in 0..<level { try limits.append(indent, to: &units, line) }
        }
        switch value {
        case .none: try add("null")
        case .bool(let value): try add(value ? "true" : "false")
        case .integer(let value): try add(String(value))
        case .number(let value):
            try add(value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : TemplateInterpreter.spell(value))
        case .text(let text):
            try limits.read(text.count, line)
            try limits.append(quoted(text), to: &units, line)
        case .list(let items), .tuple(let items):
            if items.isEmpty { return try add("[]") }
            try add("[")
            for (index, item) in items.enumerated() {
                if index > 0 { try add(indent == nil ? ", " : ",") }
                try breakLine(level + 1)
                try append(item, level: level + 1, line, to: &units, &limits)
            }
            try breakLine(level)
            try add("]")
        case .object(let dictionary):
            var members = Array(zip(dictionary.keys, dictionary.values))
            if members.isEmpty { return try add("{}") }
            if sortsKeys { members.sort { $0.0 < $1.0 } }
            try add("{")
            for (index, member) in members.enumerated() {
                if index > 0 { try add(indent == nil ? ", " : ",") }
                try breakLine(level + 1)
                try limits.read(member.0.count, line)
                try limits.append(quoted(member.0), to: &units, line)
                try add(": ")
                try append(member.1, level: level + 1, line, to: &units, &limits)
            }
            try breakLine(level)
            try add("}")
        case .undefined, .namespace, .macro, .function, .method, .loop:
            throw .evaluation(line: line, reason: "\(value.typeName) has no JSON form")
        }
    }

    private func quoted(_ text: TemplateText) -> TemplateText {
        func escape(_ unit: UInt16) -> String {
            let hex = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        }
        let inner = text.mapCharacters { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\n": "\\n"
            case "\r": "\\r"
            case "\t": "\\t"
            case "\u{8}": "\\b"
            case "\u{C}": "\\f"
            case _ where scalar.value < 0x20: escape(UInt16(scalar.value))
            case _ where scalar.value > 0x7E && escapesNonASCII: String(scalar).utf16.map(escape).joined()
            default: String(scalar)
            }
        }
        return TemplateText("\"") + inner + TemplateText("\"")
    }
}
