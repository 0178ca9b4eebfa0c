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
            case "keys":
                try spend(elements: dictionary.keys.count, line)
                return try list(dictionary.keys.map(Value.text), line)
            case "values":
                try spend(elements: dictionary.keys.count, line)
                return try list(dictionary.values, line)
            case "items": return try list(try pairs(of: dictionary, line), line)
            default:
                let fallback = arguments.value(1, "default") ?? .none
                guard case .text(let key)? = arguments.positional.first else { return fallback }
                try limits.read(key.count, line)
                return dictionary[key] ?? fallback
            }
        case .list(let items), .tuple(let items):
            let wanted = arguments.positional.first ?? .none
            let places = try places(of: wanted, in: items.items, limit: method == "count" ? .max : 1, line)
            if method == "count" { return .integer(places.count) }
            guard let index = places.first else { throw .evaluation(line: line, reason: "the value is not in the list") }
            return .integer(index)
        case .loop(let number):
            guard let place = loops.lastIndex(where: { $0.number == number }) else {
                throw .evaluation(line: line, reason: "the loop has ended")
            }
            if method == "cycle" {
                guard !arguments.positional.isEmpty else { throw .evaluation(line: line, reason: "cycle of nothing") }
                return arguments.positional[loops[place].index % arguments.positional.count]
            }
            let before = loops[place].changed
            loops[place].changed = arguments.positional
            guard let before, before.count == arguments.positional.count else { return .bool(true) }
            for (old, new) in zip(before, arguments.positional) where try !equal(old, new, line) { return .bool(true) }
            return .bool(false)
        default:
            throw .evaluation(line: line, reason: "\(value.typeName) has no method \(method)")
        }
    }

    /// A tuple of key and value for every member.
    mutating func pairs(of dictionary: Value.Dictionary, _ line: Int) throws(TemplateError) -> [Value] {
        try spend(elements: 3 * dictionary.keys.count, line)
        var result: [Value] = []
        result.reserveCapacity(dictionary.keys.count)
        for (key, value) in zip(dictionary.keys, dictionary.values) { result.append(try tuple([.text(key), value], line)) }
        return result
    }

    mutating func equal(_ a: Value, _ b: Value, _ line: Int) throws(TemplateError) -> Bool {
        let equal = Value.equal(a, b, &limits.steps)
        try spend(steps: 0, line)
        return equal
    }

    /// The indices of the first `limit` items equal to `wanted`.
    mutating func places(
        of wanted: Value, in items: [Value], limit: Int, _ line: Int
    ) throws(TemplateError) -> [Int] {
        var result: [Int] = []
        for (index, item) in items.enumerated() where try equal(item, wanted, line) {
            result.append(index)
            if result.count == limit { break }
        }
        return result
    }

    /// `transform` of a text, which gives about as many characters as the text has.
    mutating func changed(
        _ text: TemplateText, _ line: Int, _ transform: (TemplateText) -> TemplateText
    ) throws(TemplateError) -> Value {
        try spend(characters: text.count, line)
        return .text(transform(text))
    }

    /// `text.replace(old, new, limit)`; any number of times where `limit` is negative.
    mutating func replacing(
        _ old: TemplateText, in text: TemplateText, with new: TemplateText, limit: Int, _ line: Int
    ) throws(TemplateError) -> Value {
        try limits.read(text.count + old.count, line)
        let places = text.places(of: old, limit: limit < 0 ? .max : limit)
        let (growth, overflow) = places.count.multipliedReportingOverflow(by: new.count - old.count)
        try spend(characters: overflow ? .max : text.count + growth, line)
        var result: [UInt32] = []
        var rest = 0
        for place in places {
            result += text.units[rest..<place]
            result += new.units
            rest = place + old.count
        }
        return .text(TemplateText(units: result + text.units[rest...]))
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
        try limits.read(text.count, line)
        switch method {
        case "strip":
            let set = try given(0, "chars")
            return try changed(text, line) { $0.stripped(set) }
        case "lstrip":
            let set = try given(0, "chars")
            return try changed(text, line) { $0.stripped(set, right: false) }
        case "rstrip":
            let set = try given(0, "chars")
            return try changed(text, line) { $0.stripped(set, left: false) }
        case "upper": return try changed(text, line) { $0.uppercased() }
        case "lower": return try changed(text, line) { $0.lowercased() }
        case "title": return try changed(text, line) { $0.titled() }
        case "capitalize": return try changed(text, line) { $0.capitalized() }
        case "startswith": return .bool(try candidates().contains(where: text.hasPrefix))
        case "endswith": return .bool(try candidates().contains(where: text.hasSuffix))
        case "removeprefix":
            let prefix = try required()
            return try changed(text, line) { $0.hasPrefix(prefix) ? $0[prefix.count..<$0.count] : $0 }
        case "removesuffix":
            let suffix = try required()
            return try changed(text, line) { $0.hasSuffix(suffix) ? $0[0..<$0.count - suffix.count] : $0 }
        case "find": return .integer(text.firstIndex(of: try required()) ?? -1)
        case "rfind": return .integer(text.lastIndex(of: try required()) ?? -1)
        case "count":
            let part = try required()
            return .integer(part.isEmpty ? text.count + 1 : text.places(of: part).count)
        case "replace":
            return try replacing(
                try required(), in: text, with: try required(1), limit: arguments.value(2, "count")?.asInteger ?? -1, line)
        case "split", "rsplit":
            let separator = try given(0, "sep")
            let limit = arguments.value(1, "maxsplit")?.asInteger ?? -1
            if separator?.isEmpty == true { throw .evaluation(line: line, reason: "an empty separator") }
            if method == "rsplit", limit >= 0 {
                // Splitting from the right is splitting the mirrored text from the left.
                try spend(characters: text.count, line)
                let pieces = text.reversed().pieces(separatedBy: separator?.reversed(), limit: limit)
                return try texts(pieces.reversed().map { text.count - $0.upperBound..<text.count - $0.lowerBound }, of: text, line)
            }
            return try texts(text.pieces(separatedBy: separator, limit: limit), of: text, line)
        case "splitlines":
            try spend(characters: 2 * text.count, line)
            let plain = text.unixLines()
            var lines = plain.pieces(separatedBy: TemplateText("\n"))
            if lines.last?.isEmpty == true { lines.removeLast() }
            return try texts(lines, of: plain, line)
        case "join":
            var result: [UInt32] = []
            for (index, item) in try items(of: arguments.positional.first ?? .undefined("join"), line).enumerated() {
                guard case .text(let part) = item else {
                    throw .evaluation(line: line, reason: "join needs strings, found a \(item.typeName)")
                }
                if index > 0 { try limits.append(text, to: &result, line) }
                try limits.append(part, to: &result, line)
            }
            return .text(TemplateText(units: result))
        case "isspace": return .bool(!text.isEmpty && text.units.allSatisfy(TemplateText.isSpace))
        case "isdigit", "isalpha":
            return .bool(
                !text.isEmpty
                    && text.string.unicodeScalars.allSatisfy {
                        method == "isdigit"
                            ? $0.properties.numericType == .decimal || $0.properties.numericType == .digit
                            : $0.properties.generalCategory.isLetter
                    })
        default:
            throw .evaluation(line: line, reason: "a string has no method \(method)")
        }
    }
}

extension TemplateInterpreter {
    /// A list of the pieces of a text.
    private mutating func texts(_ pieces: [Range<Int>], of text: TemplateText, _ line: Int) throws(TemplateError) -> Value {
        try limits.spend(elements: pieces.count, characters: text.count, line)
        return try list(pieces.map { .text(text[$0]) }, line)
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
