import Foundation

/// Operators, look-ups and printing, as Python defines them for the values a template has.
extension TemplateInterpreter {
    mutating func items(of value: Value, _ line: Int) throws(TemplateError) -> [Value] {
        switch value {
        case .undefined: return []
        case .list(let items), .tuple(let items): return items.items
        case .object(let dictionary):
            try spend(elements: dictionary.keys.count, line)
            return dictionary.keys.map(Value.text)
        case .text(let text):
            try limits.spend(elements: text.count, characters: text.count, line)
            return text.units.map { .text(TemplateText(units: [$0])) }
        default: throw .evaluation(line: line, reason: "\(value.typeName) cannot be iterated")
        }
    }

    mutating func arithmetic(
        _ operation: String, _ left: Value, _ right: Value, _ line: Int
    ) throws(TemplateError) -> Value {
        if operation == "~" {
            let (left, right) = (try text(of: left, line), try text(of: right, line))
            try spend(characters: left.count + right.count, line)
            return .text(left + right)
        }
        switch (operation, left, right) {
        case ("+", .text(let a), .text(let b)):
            try spend(characters: a.count + b.count, line)
            return .text(a + b)
        case ("+", .list(let a), .list(let b)):
            try spend(elements: a.count + b.count, line)
            return try list(a.items + b.items, line)
        case ("+", .tuple(let a), .tuple(let b)):
            try spend(elements: a.count + b.count, line)
            return try tuple(a.items + b.items, line)
        case ("*", .text(let text), .integer(let count)), ("*", .integer(let count), .text(let text)):
            let (total, overflow) = text.count.multipliedReportingOverflow(by: max(count, 0))
            try spend(characters: overflow ? .max : total, line)
            return .text(TemplateText(units: Array(repeatElement(text.units, count: text.isEmpty ? 0 : max(count, 0)).joined())))
        case ("*", .list(let items), .integer(let count)), ("*", .integer(let count), .list(let items)):
            let (total, overflow) = items.count.multipliedReportingOverflow(by: max(count, 0))
            try spend(elements: overflow ? .max : total, line)
            return try list(Array(repeatElement(items, count: items.isEmpty ? 0 : max(count, 0)).joined()), line)
        default: break
        }
        if let a = left.asInteger, let b = right.asInteger, operation != "/" {
            let result: (partialValue: Int, overflow: Bool)
            switch operation {
            case "+": result = a.addingReportingOverflow(b)
            case "-": result = a.subtractingReportingOverflow(b)
            case "*": result = a.multipliedReportingOverflow(by: b)
            case "//", "%":
                guard b != 0 else { throw .evaluation(line: line, reason: "division by zero") }
                let (quotient, overflow) = a.dividedReportingOverflow(by: b)
                // The smallest integer by −1: the quotient does not fit, and nothing is left over.
                if overflow, operation == "%" { return .integer(0) }
                let remainder = overflow ? 0 : a % b
                let adjusts = remainder != 0 && (remainder < 0) != (b < 0)
                result = (operation == "%" ? remainder + (adjusts ? b : 0) : quotient - (adjusts ? 1 : 0), overflow)
            case "**":
                guard b >= 0 else { return .number(power(Double(a), Double(b))) }
                var (value, overflow) = (1, false)
                for _ in 0..<min(b, 64) {
                    let (next, overflowed) = value.multipliedReportingOverflow(by: a)
                    (value, overflow) = (next, overflow || overflowed)
                }
                if b > 64, a.magnitude < 2 { value = a == -1 ? (b % 2 == 0 ? 1 : -1) : a }
                result = (value, overflow || b > 64 && a.magnitude > 1)
            default: throw .evaluation(line: line, reason: "unknown operator \(operation)")
            }
            guard !result.overflow else { throw .evaluation(line: line, reason: "\(a) \(operation) \(b) is too large") }
            return .integer(result.partialValue)
        }
        if let a = left.asDouble, let b = right.asDouble {
            switch operation {
            case "+": return .number(a + b)
            case "-": return .number(a - b)
            case "*": return .number(a * b)
            case "**": return .number(power(a, b))
            default:
                guard b != 0 else { throw .evaluation(line: line, reason: "division by zero") }
                if operation == "/" { return .number(a / b) }
                let floor = (a / b).rounded(.down)
                return .number(operation == "//" ? floor : a - floor * b)
            }
        }
        throw .evaluation(line: line, reason: "\(left.typeName) \(operation) \(right.typeName) has no meaning")
    }

    mutating func compare(_ operation: String, _ left: Value, _ right: Value, _ line: Int) throws(TemplateError) -> Bool {
        switch operation {
        case "==": return try equal(left, right, line)
        case "!=": return try !equal(left, right, line)
        case "in": return try contains(right, left, line)
        case "not in": return try !contains(right, left, line)
        default:
            let order = Value.order(left, right, &limits.steps)
            try spend(steps: 0, line)
            guard let order else {
                throw .evaluation(line: line, reason: "\(left.typeName) \(operation) \(right.typeName) has no meaning")
            }
            switch operation {
            case "<": return order < 0
            case "<=": return order <= 0
            case ">": return order > 0
            default: return order >= 0
            }
        }
    }

    private mutating func contains(_ container: Value, _ value: Value, _ line: Int) throws(TemplateError) -> Bool {
        switch (container, value) {
        case (.text(let text), .text(let part)):
            try limits.read(text.count + part.count, line)
            return text.contains(part)
        case (.list(let items), _), (.tuple(let items), _): return try !places(of: value, in: items.items, limit: 1, line).isEmpty
        case (.object(let dictionary), .text(let key)):
            try limits.read(key.count, line)
            return dictionary[key] != nil
        case (.object, _), (.undefined, _): return false
        default: throw .evaluation(line: line, reason: "\(value.typeName) in \(container.typeName) has no meaning")
        }
    }

    /// `value.name`: attributes and methods first, then items.
    func attribute(_ value: Value, _ name: String, _ line: Int) throws(TemplateError) -> Value {
        switch value {
        case .undefined(let what):
            throw .evaluation(line: line, reason: "'\(what)' is undefined, so it has no \(name)")
        case .namespace(let number):
            return namespaces[number][name] ?? .undefined(name)
        case .loop(let number):
            if name == "cycle" || name == "changed" { return .method(value, name) }
            return loops.last { $0.number == number }?.value(of: name) ?? .undefined(name)
        case .object(let dictionary):
            if Self.objectMethods.contains(name) { return .method(value, name) }
            return dictionary[TemplateText(name)] ?? .undefined(name)
        case .text where Self.textMethods.contains(name):
            return .method(value, name)
        case .list where Self.listMethods.contains(name), .tuple where Self.listMethods.contains(name):
            return .method(value, name)
        default:
            return .undefined(name)
        }
    }

    /// `value[key]`: items first, then attributes.
    mutating func item(_ value: Value, _ key: Value, _ line: Int) throws(TemplateError) -> Value {
        switch (value, key) {
        case (.undefined(let what), _):
            throw .evaluation(line: line, reason: "'\(what)' is undefined, so it has no items")
        case (.object(let dictionary), .text(let name)):
            try limits.read(name.count, line)
            if let member = dictionary[name] { return member }
            return Self.objectMethods.contains(name.string) ? .method(value, name.string) : .undefined(name.string)
        case (.list(let items), _) where key.asInteger != nil, (.tuple(let items), _) where key.asInteger != nil:
            return Self.element(items.items, key.asInteger ?? 0) ?? .undefined("the element \(key.asInteger ?? 0)")
        case (.text(let text), _) where key.asInteger != nil:
            return Self.element(text.units, key.asInteger ?? 0).map { .text(TemplateText(units: [$0])) }
                ?? .undefined("the character \(key.asInteger ?? 0)")
        case (_, .text(let name)):
            return try attribute(value, name.string, line)
        default:
            return .undefined("an item of a \(value.typeName)")
        }
    }

    private static func element<Element>(_ items: [Element], _ index: Int) -> Element? {
        let position = index < 0 ? index + items.count : index
        return items.indices.contains(position) ? items[position] : nil
    }

    mutating func slice(_ value: Value, _ start: Int?, _ stop: Int?, _ step: Int, _ line: Int) throws(TemplateError) -> Value {
        guard step != 0 else { throw .evaluation(line: line, reason: "a slice's step is zero") }
        func places(_ count: Int) -> StrideTo<Int> {
            func clamp(_ bound: Int?, _ absent: Int) -> Int {
                guard let bound else { return absent }
                let position = bound < 0 ? bound + count : bound
                return step > 0 ? min(max(position, 0), count) : min(max(position, -1), count - 1)
            }
            // No step beyond the whole is needed.
            let length = min(max(step, -count - 1), count + 1)
            return stride(from: clamp(start, step > 0 ? 0 : count - 1), to: clamp(stop, step > 0 ? count : -1), by: length)
        }
        switch value {
        case .text(let text):
            try spend(characters: text.count, line)
            return .text(TemplateText(units: places(text.count).map { text.units[$0] }))
        case .list(let items):
            try spend(elements: items.count, line)
            return try list(places(items.count).map { items[$0] }, line)
        case .tuple(let items):
            try spend(elements: items.count, line)
            return try tuple(places(items.count).map { items[$0] }, line)
        default: throw .evaluation(line: line, reason: "\(value.typeName) cannot be sliced")
        }
    }

    // MARK: Printing

    /// `str(value)`, with undefined as nothing.
    mutating func text(of value: Value, _ line: Int) throws(TemplateError) -> TemplateText {
        switch value {
        case .undefined: return TemplateText("")
        case .text(let text): return text
        default:
            var units: [UInt32] = []
            try represent(value, to: &units, line)
            return TemplateText(units: units)
        }
    }

    /// Appends `repr(value)`, charged piece by piece: a value may hold the same value twice at each of its levels.
    private mutating func represent(_ value: Value, to units: inout [UInt32], _ line: Int) throws(TemplateError) {
        switch value {
        case .undefined: try limits.append("Undefined", to: &units, line)
        case .none: try limits.append("None", to: &units, line)
        case .bool(let value): try limits.append(value ? "True" : "False", to: &units, line)
        case .integer(let value): try limits.append(String(value), to: &units, line)
        case .number(let value): try limits.append(Self.spell(value), to: &units, line)
        case .text(let text):
            try limits.read(text.count, line)
            try limits.append(Self.quoted(text), to: &units, line)
        case .list(let items): try represent("[", items, "]", to: &units, line)
        case .tuple(let items): try represent("(", items, items.count == 1 ? ",)" : ")", to: &units, line)
        case .object(let dictionary):
            try limits.append("{", to: &units, line)
            for (index, key) in dictionary.keys.enumerated() {
                if index > 0 { try limits.append(", ", to: &units, line) }
                try represent(.text(key), to: &units, line)
                try limits.append(": ", to: &units, line)
                try represent(dictionary.values[index], to: &units, line)
            }
            try limits.append("}", to: &units, line)
        case .namespace, .macro, .function, .method, .loop:
            throw .evaluation(line: line, reason: "a \(value.typeName) cannot be printed")
        }
    }

    private mutating func represent(
        _ open: String, _ items: Value.Elements, _ close: String, to units: inout [UInt32], _ line: Int
    ) throws(TemplateError) {
        try limits.append(open, to: &units, line)
        for (index, item) in items.enumerated() {
            if index > 0 { try limits.append(", ", to: &units, line) }
            try represent(item, to: &units, line)
        }
        try limits.append(close, to: &units, line)
    }

    private static func quoted(_ text: TemplateText) -> TemplateText {
        let hasSingle = text.contains(TemplateText("'"))
        let quote = hasSingle && !text.contains(TemplateText("\"")) ? "\"" : "'"
        let inner = text.mapCharacters { scalar in
            switch scalar {
            case "\\": "\\\\"
            case "\n": "\\n"
            case "\r": "\\r"
            case "\t": "\\t"
            case "'" where quote == "'": "\\'"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: String(scalar)
            }
        }
        return TemplateText(quote) + inner + TemplateText(quote)
    }

    /// Python's spelling of a float.
    static func spell(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        return "\(value)"
    }
}

/// `base ** exponent` for floats, by the C library through Foundation.
private func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

extension Value.LoopState {
    func value(of name: String) -> Value? {
        switch name {
        case "index": .integer(index + 1)
        case "index0": .integer(index)
        case "revindex": .integer(items.count - index)
        case "revindex0": .integer(items.count - index - 1)
        case "first": .bool(index == 0)
        case "last": .bool(index == items.count - 1)
        case "length": .integer(items.count)
        // Only recursive loops, which the parser refuses, go deeper.
        case "depth": .integer(1)
        case "depth0": .integer(0)
        case "previtem": index > 0 ? items[index - 1] : .undefined("loop.previtem")
        case "nextitem": index + 1 < items.count ? items[index + 1] : .undefined("loop.nextitem")
        default: nil
        }
    }
}
