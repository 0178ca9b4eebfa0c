/// Jinja's filters and tests.
extension TemplateInterpreter {
    static let filters: Set<String> = [
        "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "indent", "int", "items", "join",
        "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round",
        "safe", "select", "selectattr", "sort", "string", "sum", "title", "tojson", "trim", "unique", "upper",
    ]

    static let tests: Set<String> = [
        "!=", "<", "<=", "==", ">", ">=", "boolean", "callable", "defined", "divisibleby", "eq", "equalto", "even",
        "false", "float", "ge", "greaterthan", "gt", "in", "integer", "iterable", "le", "lessthan", "lower", "lt",
        "mapping", "ne", "none", "number", "odd", "sameas", "sequence", "string", "true", "undefined", "upper",
    ]

    mutating func apply(
        filter: String, to value: Value, _ arguments: Arguments, _ line: Int
    ) throws(TemplateError) -> Value {
        switch filter {
        case "default", "d":
            let replacement = arguments.value(0, "default_value") ?? .literal("")
            if case .undefined = value { return replacement }
            return arguments.value(1, "boolean")?.isTrue == true && !value.isTrue ? replacement : value
        case "string", "safe":
            return .text(try text(of: value, line))
        case "trim":
            let set = try arguments.value(0, "chars").flatMap { value throws(TemplateError) in try optionalText(value, line) }
            return try changed(try text(of: value, line), line) { $0.stripped(set) }
        case "upper": return try changed(try text(of: value, line), line) { $0.uppercased() }
        case "lower": return try changed(try text(of: value, line), line) { $0.lowercased() }
        case "capitalize": return try changed(try text(of: value, line), line) { $0.capitalized() }
        case "title": return try changed(try text(of: value, line), line) { $0.titledByWords() }
        case "replace":
            let old = try text(of: arguments.value(0, "old") ?? .none, line)
            let new = try text(of: arguments.value(1, "new") ?? .none, line)
            let limit = arguments.value(2, "count")?.asInteger ?? -1
            return try replacing(old, in: try text(of: value, line), with: new, limit: limit, line)
        case "length", "count":
            switch value {
            case .undefined: return .integer(0)
            case .text(let text): return .integer(text.count)
            case .list(let items), .tuple(let items): return .integer(items.count)
            case .object(let dictionary): return .integer(dictionary.keys.count)
            default: throw .evaluation(line: line, reason: "\(value.typeName) has no length")
            }
        case "first":
            return try items(of: value, line).first ?? .undefined("the first element")
        case "last":
            return try items(of: value, line).last ?? .undefined("the last element")
        case "list":
            return try list(try items(of: value, line), line)
        case "reverse":
            if case .text(let text) = value { return try changed(text, line) { $0.reversed() } }
            let elements = try items(of: value, line)
            try spend(elements: elements.count, line)
            return try list(elements.reversed(), line)
        case "items":
            guard case .object(let dictionary) = value else {
                if case .undefined = value { return try list([], line) }
                throw .evaluation(line: line, reason: "\(value.typeName) has no items")
            }
            return try list(try pairs(of: dictionary, line), line)
        case "dictsort":
            guard case .object(let dictionary) = value else {
                throw .evaluation(line: line, reason: "dictsort of a \(value.typeName)")
            }
            let pairs = try pairs(of: dictionary, line)
            try spend(characters: dictionary.keys.reduce(0) { $0 + $1.count }, line)
            var keyed = zip(dictionary.keys, pairs).map { (key: Value.text($0.lowercased()), pair: $1) }
            keyed.sort { (Value.order($0.key, $1.key, &limits.steps) ?? 0) < 0 }
            try spend(steps: 0, line)
            return try list(keyed.map(\.pair), line)
        case "join":
            let separator = try text(of: arguments.value(0, "d") ?? .literal(""), line)
            let member = try arguments.value(1, "attribute").map { value throws(TemplateError) in try text(of: value, line) }
            var result: [UInt32] = []
            for (index, element) in try items(of: value, line).enumerated() {
                if index > 0 { try limits.append(separator, to: &result, line) }
                let shown = try member.map { name throws(TemplateError) in try path(name, in: element, line) } ?? element
                try limits.append(try text(of: shown, line), to: &result, line)
            }
            return .text(TemplateText(units: result))
        case "int":
            let fallback = arguments.value(0, "default") ?? .integer(0)
            if case .text(let text) = value {
                let digits = text.stripped(nil).string
                return Int(digits).map(Value.integer) ?? Double(digits).flatMap { Int(exactly: $0.rounded(.towardZero)) }.map(Value.integer)
                    ?? fallback
            }
            if let integer = value.asInteger { return .integer(integer) }
            return value.asDouble.flatMap { Int(exactly: $0.rounded(.towardZero)) }.map(Value.integer) ?? fallback
        case "float":
            if case .text(let text) = value { return .number(Double(text.stripped(nil).string) ?? 0) }
            return .number(value.asDouble ?? arguments.value(0, "default")?.asDouble ?? 0)
        case "abs":
            if let integer = value.asInteger, integer != .min { return .integer(abs(integer)) }
            guard let number = value.asDouble else { throw .evaluation(line: line, reason: "abs of a \(value.typeName)") }
            return .number(abs(number))
        case "round":
            guard let number = value.asDouble else { throw .evaluation(line: line, reason: "round of a \(value.typeName)") }
            if let integer = value.asInteger, arguments.value(1, "method") == nil { return .integer(integer) }
            var scale = 1.0
            for _ in 0..<min(max(arguments.value(0, "precision")?.asInteger ?? 0, 0), 15) { scale *= 10 }
            let method = try text(of: arguments.value(1, "method") ?? .literal("common"), line).string
            let rule: FloatingPointRoundingRule = method == "ceil" ? .up : method == "floor" ? .down : .toNearestOrEven
            return .number((number * scale).rounded(rule) / scale)
        case "sum":
            var total = arguments.value(1, "start") ?? .integer(0)
            for item in try items(of: value, line) {
                let member = try arguments.value(0, "attribute").map { value throws(TemplateError) in try text(of: value, line) }
                let term = try member.map { name throws(TemplateError) in try path(name, in: item, line) } ?? item
                total = try arithmetic("+", total, term, line)
            }
            return total
        case "indent":
            return .text(try indent(try text(of: value, line), arguments, line))
        case "tojson":
            let width: TemplateText? =
                switch arguments.value(1, "indent") ?? arguments.named["indent"] {
                case .integer(let count)?: TemplateText(String(repeating: " ", count: min(max(count, 0), 64)))
                case .text(let text)?: text
                default: nil
                }
            let sorted = arguments.named["sort_keys"]?.isTrue ?? false
            let ascii = arguments.named["ensure_ascii"]?.isTrue ?? false
            guard arguments.named["separators"] == nil else {
                throw .unsupported(line: line, construct: "separators of tojson")
            }
            let json = TemplateJSON(indent: width, sortsKeys: sorted, escapesNonASCII: ascii)
            return .text(try json.encode(value, line, &limits))
        case "min", "max", "sort", "unique":
            return try ordered(filter, value, arguments, line)
        case "map", "select", "reject", "selectattr", "rejectattr":
            return try mapped(filter, value, arguments, line)
        default:
            preconditionFailure("the parser admits no filter \(filter)")
        }
    }

    private mutating func optionalText(_ value: Value, _ line: Int) throws(TemplateError) -> TemplateText? {
        if case .none = value { return nil }
        return try text(of: value, line)
    }

    /// `a.b.0` from a value, as filters' `attribute` arguments spell it.
    private mutating func path(_ name: TemplateText, in value: Value, _ line: Int) throws(TemplateError) -> Value {
        var result = value
        try spend(characters: name.count, line)
        for part in name.pieces(separatedBy: TemplateText(".")).map({ name[$0] }) {
            if case .undefined = result { return result }
            try spend(line)
            result = try item(result, Int(part.string).map(Value.integer) ?? .text(part), line)
        }
        return result
    }

    private mutating func indent(_ text: TemplateText, _ arguments: Arguments, _ line: Int) throws(TemplateError) -> TemplateText {
        let margin: TemplateText
        switch arguments.value(0, "width") ?? .integer(4) {
        case .integer(let width): margin = TemplateText(String(repeating: " ", count: min(max(width, 0), 1000)))
        case .text(let text): margin = text
        case let other: throw .evaluation(line: line, reason: "indent by a \(other.typeName)")
        }
        let first = arguments.value(1, "first")?.isTrue ?? false
        let blank = arguments.value(2, "blank")?.isTrue ?? false
        var result: [UInt32] = []
        try limits.read(text.count, line)
        for (index, part) in text.pieces(separatedBy: TemplateText("\n")).enumerated() {
            if index > 0 { try limits.append("\n", to: &result, line) }
            if index == 0 ? first : blank || !part.isEmpty { try limits.append(margin, to: &result, line) }
            try limits.append(text[part], to: &result, line)
        }
        return TemplateText(units: result)
    }

    private mutating func ordered(
        _ filter: String, _ value: Value, _ arguments: Arguments, _ line: Int
    ) throws(TemplateError) -> Value {
        let elements = try items(of: value, line)
        try spend(elements: elements.count, line)
        let isSort = filter == "sort"
        let member = try (arguments.named["attribute"] ?? (isSort ? arguments.value(2, "attribute") : arguments.value(1, "attribute")))
            .map { value throws(TemplateError) in try text(of: value, line) }
        let sensitive = (isSort ? arguments.value(1, "case_sensitive") : arguments.value(0, "case_sensitive"))?.isTrue ?? false
        var keyed: [(key: Value, element: Value)] = []
        for element in elements {
            var key = try member.map { name throws(TemplateError) in try path(name, in: element, line) } ?? element
            if !sensitive, case .text(let text) = key { key = try changed(text, line) { $0.lowercased() } }
            keyed.append((key, element))
        }
        if filter == "unique" {
            var seen: [Value] = []
            var firsts: [Value] = []
            for (key, element) in keyed where try places(of: key, in: seen, limit: 1, line).isEmpty {
                seen.append(key)
                firsts.append(element)
            }
            return try list(firsts, line)
        }
        if let first = keyed.first, let odd = keyed.first(where: { Value.order(first.key, $0.key, &limits.steps) == nil }) {
            throw .evaluation(line: line, reason: "\(first.key.typeName) and \(odd.key.typeName) have no order")
        }
        let reversed = isSort && arguments.value(0, "reverse")?.isTrue ?? false
        // Both directions are stable, as Python's are.
        let sorted = keyed.enumerated().sorted { a, b in
            let order = Value.order(a.element.key, b.element.key, &limits.steps) ?? 0
            return order == 0 ? a.offset < b.offset : reversed ? order > 0 : order < 0
        }.map(\.element.element)
        try spend(steps: 0, line)
        if isSort { return try list(sorted, line) }
        return (filter == "min" ? sorted.first : sorted.last) ?? .undefined("the \(filter) of nothing")
    }

    private mutating func mapped(
        _ filter: String, _ value: Value, _ arguments: Arguments, _ line: Int
    ) throws(TemplateError) -> Value {
        let elements = try items(of: value, line)
        try limits.spend(steps: elements.count, elements: elements.count, line)
        var rest = arguments
        if filter == "map" {
            if let name = arguments.named["attribute"] {
                let name = try text(of: name, line)
                var result: [Value] = []
                for element in elements {
                    let member = try path(name, in: element, line)
                    if case .undefined = member, let fallback = arguments.named["default"] {
                        result.append(fallback)
                    } else {
                        result.append(member)
                    }
                }
                return try list(result, line)
            }
            guard !rest.positional.isEmpty else { throw .evaluation(line: line, reason: "map needs a filter or an attribute") }
            let name = try text(of: rest.positional.removeFirst(), line).string
            guard Self.filters.contains(name) else { throw .unsupported(line: line, construct: "the filter \(name)") }
            var result: [Value] = []
            for element in elements { result.append(try apply(filter: name, to: element, rest, line)) }
            return try list(result, line)
        }
        var member: TemplateText?
        if filter.hasSuffix("attr") {
            guard !rest.positional.isEmpty else { throw .evaluation(line: line, reason: "\(filter) needs an attribute") }
            member = try text(of: rest.positional.removeFirst(), line)
        }
        let keeps = filter.hasPrefix("select")
        let name = rest.positional.isEmpty ? nil : try text(of: rest.positional.removeFirst(), line).string
        if let name, !Self.tests.contains(name) { throw .unsupported(line: line, construct: "the test \(name)") }
        var result: [Value] = []
        for element in elements {
            let subject = try member.map { path throws(TemplateError) in try self.path(path, in: element, line) } ?? element
            let passes = try name.map { name throws(TemplateError) in try test(name, subject, rest.positional, line) } ?? subject.isTrue
            if passes == keeps { result.append(element) }
        }
        return try list(result, line)
    }

    mutating func test(_ name: String, _ value: Value, _ arguments: [Value], _ line: Int) throws(TemplateError) -> Bool {
        func operand() throws(TemplateError) -> Value {
            guard let first = arguments.first else { throw .evaluation(line: line, reason: "the test \(name) needs an argument") }
            return first
        }
        switch name {
        case "defined": if case .undefined = value { return false } else { return true }
        case "undefined": if case .undefined = value { return true } else { return false }
        case "none": if case .none = value { return true } else { return false }
        case "boolean": if case .bool = value { return true } else { return false }
        case "true": if case .bool(true) = value { return true } else { return false }
        case "false": if case .bool(false) = value { return true } else { return false }
        case "integer": if case .integer = value { return true } else { return false }
        case "float": if case .number = value { return true } else { return false }
        case "number": return value.asDouble != nil
        case "string": if case .text = value { return true } else { return false }
        case "mapping": if case .object = value { return true } else { return false }
        case "iterable", "sequence":
            switch value {
            case .undefined, .text, .list, .tuple, .object: return true
            default: return false
            }
        case "callable":
            switch value {
            case .macro, .function, .method: return true
            default: return false
            }
        case "even", "odd", "divisibleby":
            let divisor = name == "divisibleby" ? try operand().asInteger : 2
            guard let integer = value.asInteger, let divisor, divisor != 0 else {
                throw .evaluation(line: line, reason: "\(name) of a \(value.typeName)")
            }
            return integer.isMultiple(of: divisor) == (name != "odd")
        case "lower", "upper":
            let shown = try text(of: value, line)
            try spend(characters: 3 * shown.count, line)
            let isCased = shown.uppercased() != shown.lowercased()
            return isCased && shown == (name == "lower" ? shown.lowercased() : shown.uppercased())
        case "sameas", "eq", "equalto", "==": return try equal(value, try operand(), line)
        case "ne", "!=": return try !equal(value, try operand(), line)
        case "in": return try compare("in", value, try operand(), line)
        case "lt", "lessthan", "<": return try compare("<", value, try operand(), line)
        case "le", "<=": return try compare("<=", value, try operand(), line)
        case "gt", "greaterthan", ">": return try compare(">", value, try operand(), line)
        case "ge", ">=": return try compare(">=", value, try operand(), line)
        default: preconditionFailure("the parser admits no test \(name)")
        }
    }
}
