/// A value in a chat template: what JSON has, and the few kinds that only templates have.
package indirect enum TemplateValue: Sendable {
    /// A name or key that does not exist; harmless until something is asked of it.
    case undefined(String)
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String, isTemplate: Bool)
    case list([TemplateValue])
    /// Keys in the order of the source, as Python's dictionaries keep them.
    case object([(key: String, value: TemplateValue)])

    /// A string from outside the template, as everything a caller supplies.
    package static func string(_ text: String) -> TemplateValue { .text(text, isTemplate: false) }
}

/// The interpreter's own form of a value.
indirect enum Value {
    case undefined(String)
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(TemplateText)
    case list([Value])
    case tuple([Value])
    case object(Dictionary)
    case namespace(Namespace)
    case macro(Macro)
    /// A function of the environment, or a method taken from a value and not yet called.
    case function(String)
    case method(Value, String)
    case loop(LoopState)

    /// Insertion-ordered, with string keys: all that JSON and templates need.
    struct Dictionary {
        private(set) var keys: [TemplateText] = []
        private(set) var values: [Value] = []
        private var positions: [TemplateText: Int] = [:]

        subscript(key: TemplateText) -> Value? { positions[key].map { values[$0] } }

        mutating func set(_ key: TemplateText, _ value: Value) {
            if let position = positions[key] {
                values[position] = value
            } else {
                positions[key] = keys.count
                keys.append(key)
                values.append(value)
            }
        }
    }

    /// Jinja's `namespace()`: the one thing that assignments inside loops may change.
    final class Namespace {
        var values: [String: Value]
        init(_ values: [String: Value]) { self.values = values }
    }

    final class Macro {
        let name: String
        let parameters: [(name: String, defaultValue: Expression?)]
        let body: [Statement]
        init(name: String, parameters: [(name: String, defaultValue: Expression?)], body: [Statement]) {
            (self.name, self.parameters, self.body) = (name, parameters, body)
        }
    }

    /// What `loop` shows of the loop around it.
    final class LoopState {
        let items: [Value]
        var index = 0
        var changed: Value?
        init(items: [Value]) { self.items = items }
    }

    init(_ value: TemplateValue) {
        switch value {
        case .undefined(let name): self = .undefined(name)
        case .none: self = .none
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .text(let text, let isTemplate): self = .text(isTemplate ? TemplateText(text) : TemplateText(supplied: text))
        case .list(let values): self = .list(values.map(Value.init))
        case .object(let members):
            var dictionary = Dictionary()
            for (key, value) in members { dictionary.set(TemplateText(supplied: key), Value(value)) }
            self = .object(dictionary)
        }
    }

    static func literal(_ text: String) -> Value { .text(TemplateText(text)) }

    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .number(let value): value != 0
        case .text(let text): !text.isEmpty
        case .list(let values), .tuple(let values): !values.isEmpty
        case .object(let dictionary): !dictionary.keys.isEmpty
        case .namespace, .macro, .function, .method, .loop: true
        }
    }

    /// Python's name of the type, for errors.
    var typeName: String {
        switch self {
        case .undefined(let name): "undefined (\(name))"
        case .none: "none"
        case .bool: "bool"
        case .integer: "int"
        case .number: "float"
        case .text: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .object: "dict"
        case .namespace: "namespace"
        case .macro: "macro"
        case .function, .method: "function"
        case .loop: "loop"
        }
    }

    var asDouble: Double? {
        switch self {
        case .bool(let value): value ? 1 : 0
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    var asInteger: Int? {
        switch self {
        case .bool(let value): value ? 1 : 0
        case .integer(let value): value
        default: nil
        }
    }

    static func equal(_ a: Value, _ b: Value) -> Bool {
        switch (a, b) {
        case (.none, .none), (.undefined, .undefined): return true
        case (.text(let a), .text(let b)): return a == b
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            return a.count == b.count && zip(a, b).allSatisfy { equal($0, $1) }
        case (.object(let a), .object(let b)):
            return a.keys.count == b.keys.count
                && zip(a.keys, a.values).allSatisfy { key, value in b[key].map { equal($0, value) } ?? false }
        case (.namespace(let a), .namespace(let b)): return a === b
        default:
            if let a = a.asInteger, let b = b.asInteger { return a == b }
            if let a = a.asDouble, let b = b.asDouble { return a == b }
            return false
        }
    }

    /// Negative, zero, positive; nil where Python would refuse to order the two.
    static func order(_ a: Value, _ b: Value) -> Int? {
        switch (a, b) {
        case (.text(let a), .text(let b)): return a == b ? 0 : a < b ? -1 : 1
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            for (x, y) in zip(a, b) where !equal(x, y) { return order(x, y) }
            return a.count - b.count
        default:
            guard let a = a.asDouble, let b = b.asDouble else { return nil }
            return a < b ? -1 : a > b ? 1 : 0
        }
    }
}
