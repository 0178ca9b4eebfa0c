/// A value in a chat template: JSON's kinds, and a few of templates.
package indirect enum TemplateValue: Sendable {
    /// A name or key that does not exist. It is an error only when it is used.
    case undefined(String)
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String, isTemplate: Bool)
    /// A string of stretches from the template and from outside.
    case pieces([TextPiece])
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
    case list(Elements)
    case tuple(Elements)
    case object(Dictionary)
    /// The interpreter's namespace of this number. The interpreter owns the members of namespaces and loops, because values that refer to one
    /// another in circles would never be released, and long chains too deeply.
    case namespace(Int)
    case macro(Macro)
    /// A function of the environment, or a method taken from a value and not yet called.
    case function(String)
    case method(Value, String)
    /// The interpreter's loop of this number.
    case loop(Int)

    /// The items of a list or a tuple.
    struct Elements: RandomAccessCollection {
        let items: [Value]
        /// The depth of nested containers, including this one.
        let depth: Int

        init(_ items: [Value]) {
            self.items = items
            depth = 1 + (items.lazy.map(\.depth).max() ?? 0)
        }

        var startIndex: Int { 0 }
        var endIndex: Int { items.count }
        subscript(index: Int) -> Value { items[index] }
    }

    /// Insertion-ordered, with string keys: all that JSON and templates need.
    struct Dictionary {
        private(set) var keys: [TemplateText] = []
        private(set) var values: [Value] = []
        /// The depth, as in ``Elements``.
        private(set) var depth = 1
        private var positions: [TemplateText: Int] = [:]

        subscript(key: TemplateText) -> Value? { positions[key].map { values[$0] } }

        mutating func set(_ key: TemplateText, _ value: Value) {
            depth = Swift.max(depth, value.depth + 1)
            if let position = positions[key] {
                values[position] = value
            } else {
                positions[key] = keys.count
                keys.append(key)
                values.append(value)
            }
        }
    }

    final class Macro {
        let name: String
        let parameters: [(name: String, defaultValue: Expression?)]
        let body: [Statement]
        init(name: String, parameters: [(name: String, defaultValue: Expression?)], body: [Statement]) {
            (self.name, self.parameters, self.body) = (name, parameters, body)
        }
    }

    /// The members of `loop` inside a loop.
    struct LoopState {
        let number: Int
        let items: [Value]
        var index = 0
        var changed: [Value]?
    }

    init(_ value: TemplateValue) {
        switch value {
        case .undefined(let name): self = .undefined(name)
        case .none: self = .none
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .text(let text, let isTemplate): self = .text(isTemplate ? TemplateText(text) : TemplateText(supplied: text))
        case .pieces(let pieces):
            self = .text(TemplateText(units: pieces.flatMap { ($0.isTemplate ? TemplateText($0.text) : TemplateText(supplied: $0.text)).units }))
        case .list(let values): self = .list(Elements(values.map(Value.init)))
        case .object(let members):
            var dictionary = Dictionary()
            for (key, value) in members { dictionary.set(TemplateText(supplied: key), Value(value)) }
            self = .object(dictionary)
        }
    }

    static func literal(_ text: String) -> Value { .text(TemplateText(text)) }

    /// Containers in one another, 0 for what holds nothing.
    var depth: Int {
        switch self {
        case .list(let elements), .tuple(let elements): elements.depth
        case .object(let dictionary): dictionary.depth
        case .method(let value, _): value.depth + 1
        default: 0
        }
    }

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

    /// Whether two values are equal, a step for every element and for every 64 characters; where `steps` become fewer than none, the
    /// answer means nothing and the caller throws. A value may hold the same value twice at each of its levels.
    static func equal(_ a: Value, _ b: Value, _ steps: inout Int) -> Bool {
        steps -= 1
        guard steps >= 0 else { return false }
        switch (a, b) {
        case (.none, .none), (.undefined, .undefined): return true
        case (.text(let a), .text(let b)):
            guard a.count == b.count else { return false }
            steps -= a.count / 64
            return steps >= 0 && a == b
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            return a.count == b.count && zip(a, b).allSatisfy { equal($0, $1, &steps) }
        case (.object(let a), .object(let b)):
            guard a.keys.count == b.keys.count else { return false }
            return zip(a.keys, a.values).allSatisfy { key, value in
                steps -= key.count / 64
                return b[key].map { equal($0, value, &steps) } ?? false
            }
        case (.namespace(let a), .namespace(let b)): return a == b
        default:
            if let a = a.asInteger, let b = b.asInteger { return a == b }
            if let a = a.asDouble, let b = b.asDouble { return a == b }
            return false
        }
    }

    /// Negative, zero, positive; nil if Python would refuse to order the two. `steps` as in ``equal(_:_:_:)``.
    static func order(_ a: Value, _ b: Value, _ steps: inout Int) -> Int? {
        steps -= 1
        guard steps >= 0 else { return 0 }
        switch (a, b) {
        case (.text(let a), .text(let b)):
            steps -= min(a.count, b.count) / 64
            return steps < 0 || a == b ? 0 : a < b ? -1 : 1
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            for (x, y) in zip(a, b) where !equal(x, y, &steps) { return order(x, y, &steps) }
            return a.count - b.count
        default:
            guard let a = a.asDouble, let b = b.asDouble else { return nil }
            return a < b ? -1 : a > b ? 1 : 0
        }
    }
}
