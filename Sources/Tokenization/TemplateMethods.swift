/// Python's methods of strings, dictionaries and lists, and those of `loop`, as far as templates call them. Methods that
/// change a list or dictionary do not exist: the reference's sandbox refuses them too.
extension TemplateInterpreter {
    static let textMethods: Set<String> = [
        "capitalize", "count", "endswith", "find", "isalpha", "isdigit", "isspace", "join", "lower", "lstrip",
        "removeprefix", "removesuffix", "replace", "rfind", "rsplit", "rstrip", "split", "splitlines", "startswith",
        "strip", "title", "upper",
    ]
    static let objectMethods: Set<String> = ["get", "items", "keys", "values"]
    static let listMethods: Set<String> = ["count", "index"]
    static let methods = textMethods.union(objectMethods).union(listMethods).union(["cycle", "changed"])

    mutating func call(
        method: String, of value: Value, _ arguments: Arguments, _ line: Int
    ) throws(TemplateError) -> Value {
        switch value {
        case .text(let text): return try call(method, of: text, arguments, line)
        case .object(let dictionary):
            switch method {
            case "keys": return .list(dictionary.keys.map(Value.text))
            case "values": return .list(dictionary.values)
            case "items": return .list(zip(dictionary.keys, dictionary.values).map { .tuple([.text($0), $1]) })
            default:
                let fallback = arguments.value(1, "default") ?? .none
                guard case .text(let key)? = arguments.positional.first else { return fallback }
                return dictionary[key] ?? fallback
            }
        case .list(let items), .tuple(let items):
            let wanted = arguments.positional.first ?? .none
            if method == "count" { return .integer(items.filter { Value.equal($0, wanted) }.count) }
            guard let index = items.firstIndex(where: { Value.equal($0, wanted) }) else {
                throw .evaluation(line: line, reason: "the value is not in the list")
            }
            return .integer(index)
        case .loop(let loop):
            if method == "cycle" {
                guard !arguments.positional.isEmpty else { throw .evaluation(line: line, reason: "cycle of nothing") }
                return arguments.positional[loop.index % arguments.positional.count]
            }
            let current = Value.list(arguments.positional)
            defer { loop.changed = current }
            return .bool(loop.changed.map { !Value.equal($0, current) } ?? true)
        default:
            throw .evaluation(line: line, reason: "\(value.typeName) has no method \(method)")
        }
    }

    private mutating func call(
        _ method: String, of text: TemplateText, _ arguments: Arguments, _ line: Int
    ) throws(TemplateError) -> Value {
        func given(_ index: Int, _ name: String) throws(TemplateError) -> TemplateText? {
            switch arguments.value(index, name) {
            case nil, .some(.none): return nil
            case .text(let text)?: return text
            case let other?:
                throw .evaluation(line: line, reason: "\(method) needs a string, found a \(other.typeName)")
            }
        }
        func required(_ index: Int = 0) throws(TemplateError) -> TemplateText {
            guard let text = try given(index, "") else {
                throw .evaluation(line: line, reason: "\(method) needs \(index + 1) strings")
            }
            return text
        }
        /// `startswith` and `endswith` take one string or a tuple of them.
        func candidates() throws(TemplateError) -> [TemplateText] {
            guard case .tuple(let items)? = arguments.positional.first else { return [try required()] }
            return items.compactMap { if case .text(let text) = $0 { text } else { nil } }
        }
        switch method {
        case "strip": return .text(text.stripped(try given(0, "chars")))
        case "lstrip": return .text(text.stripped(try given(0, "chars"), right: false))
        case "rstrip": return .text(text.stripped(try given(0, "chars"), left: false))
        case "upper": return .text(text.uppercased())
        case "lower": return .text(text.lowercased())
        case "title": return .text(text.titled())
        case "capitalize": return .text(text.capitalized())
        case "startswith": return .bool(try candidates().contains(where: text.hasPrefix))
        case "endswith": return .bool(try candidates().contains(where: text.hasSuffix))
        case "removeprefix":
            let prefix = try required()
            return .text(text.hasPrefix(prefix) ? TemplateText(units: Array(text.units.dropFirst(prefix.count))) : text)
        case "removesuffix":
            let suffix = try required()
            return .text(text.hasSuffix(suffix) ? TemplateText(units: Array(text.units.dropLast(suffix.count))) : text)
        case "find": return .integer(text.firstIndex(of: try required()) ?? -1)
        case "rfind": return .integer(text.lastIndex(of: try required()) ?? -1)
        case "count":
            let part = try required()
            return .integer(part.isEmpty ? text.count + 1 : text.split(part, limit: -1).count - 1)
        case "replace":
            let result = text.replacing(
                try required(), with: try required(1), limit: arguments.value(2, "count")?.asInteger ?? -1)
            try spend(characters: result.count, line)
            return .text(result)
        case "split", "rsplit":
            let separator = try given(0, "sep")
            let limit = arguments.value(1, "maxsplit")?.asInteger ?? -1
            if separator?.isEmpty == true { throw .evaluation(line: line, reason: "an empty separator") }
            try spend(steps: text.count, line)
            if method == "rsplit", limit >= 0 {
                // Splitting from the right is splitting the mirrored text from the left.
                let mirrored = TemplateText(units: text.units.reversed())
                let separator = separator.map { TemplateText(units: $0.units.reversed()) }
                return .list(
                    mirrored.split(separator, limit: limit).reversed().map { .text(TemplateText(units: $0.units.reversed())) })
            }
            return .list(text.split(separator, limit: limit).map(Value.text))
        case "splitlines":
            var lines = text.replacing(TemplateText("\r\n"), with: TemplateText("\n"))
                .replacing(TemplateText("\r"), with: TemplateText("\n")).split(TemplateText("\n"), limit: -1)
            if lines.last?.isEmpty == true { lines.removeLast() }
            return .list(lines.map(Value.text))
        case "join":
            var result: [UInt32] = []
            for (index, item) in try items(of: arguments.positional.first ?? .undefined("join"), line).enumerated() {
                guard case .text(let part) = item else {
                    throw .evaluation(line: line, reason: "join needs strings, found a \(item.typeName)")
                }
                if index > 0 { result += text.units }
                result += part.units
            }
            try spend(characters: result.count, line)
            return .text(TemplateText(units: result))
        case "isspace": return .bool(!text.isEmpty && text.units.allSatisfy(TemplateText.isSpace))
        case "isdigit", "isalpha":
            return .bool(
                !text.isEmpty
                    && text.string.unicodeScalars.allSatisfy {
                        method == "isdigit" ? $0.properties.numericType == .decimal || $0.properties.numericType == .digit
                            : $0.properties.generalCategory.isLetter
                    })
        default:
            throw .evaluation(line: line, reason: "a string has no method \(method)")
        }
    }
}

extension Unicode.GeneralCategory {
    fileprivate var isLetter: Bool {
        switch self {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}
