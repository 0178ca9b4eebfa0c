import Objectives

/// Members by the type of their value.
extension Fields {
    func text(_ name: String, maxLength: Int = .max) throws -> String? {
        guard let value = try optional(name, "a string", as: String.self) else { return nil }
        guard value.unicodeScalars.count <= maxLength else { throw invalid(name, expected: "at most \(maxLength) characters") }
        return value
    }

    /// A non-empty string, which must be present.
    func name(_ name: String, maxLength: Int = 512) throws -> String {
        let value: String = try required(name, "a string")
        guard !value.isEmpty, value.unicodeScalars.count <= maxLength else {
            throw invalid(name, expected: "a string of 1 to \(maxLength) characters")
        }
        return value
    }

    /// The text of a form field; nil if it was left empty.
    private func filled(_ name: String, _ expected: String) throws -> String? {
        guard let text = try optional(name, expected, as: String.self), !text.isEmpty else { return nil }
        return text
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws -> Double? {
        let expected = "a number from \(short(range.lowerBound)) to \(short(range.upperBound))"
        let value: Double?
        if textual {
            guard let text = try filled(name, expected) else { return nil }
            guard let parsed = Double(text) else { throw invalid(name, expected: expected) }
            value = parsed
        } else {
            value = try optional(name, expected, as: Double.self)
        }
        guard let value else { return nil }
        guard range.contains(value) else { throw invalid(name, expected: expected) }
        return value
    }

    /// A number above zero that stays above zero as a Float, the type in which models compute.
    func positive(_ name: String, upTo bound: Double, atLeast least: Double = 1e-30) throws -> Double? {
        guard let value = try number(name, in: 0...bound) else { return nil }
        guard value > 0 else { throw invalid(name, expected: "a number above 0, at most \(short(bound))") }
        guard value >= least else { throw invalid(name, expected: "a number from \(least) to \(short(bound))") }
        return value
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        let expected =
            range.upperBound == .max
            ? "an integer of at least \(range.lowerBound)"
            : "an integer from \(range.lowerBound) to \(range.upperBound)"
        let value: Int?
        if textual {
            guard let text = try filled(name, expected) else { return nil }
            guard let parsed = Int(text) else { throw invalid(name, expected: expected) }
            value = parsed
        } else {
            value = try optional(name, expected, as: Int.self)
        }
        guard let value else { return nil }
        guard range.contains(value) else { throw invalid(name, expected: expected) }
        return value
    }

    func number(_ option: NumericOption) throws -> Double? {
        let (name, least, most) = (option.name, option.least, option.most)
        let value = least > 0 ? try positive(name, upTo: most, atLeast: least) : try number(name, in: least...most)
        guard value.map(option.allows) ?? true else { throw invalid(name, expected: option.expected) }
        return value
    }

    func integer(_ option: NumericOption) throws -> Int? {
        try integer(option.name, in: Int(option.least)...Int(option.most))
    }

    func flag(_ name: String) throws -> Bool? {
        guard textual else { return try optional(name, "true or false", as: Bool.self) }
        guard let text = try filled(name, "true or false") else { return nil }
        switch text {
        case "true", "1": return true
        case "false", "0": return false
        default: throw invalid(name, expected: "true or false")
        }
    }

    func choice<Value: RawRepresentable<String> & CaseIterable>(_ name: String, of: Value.Type = Value.self) throws
        -> Value?
    {
        let expected = choices(Value.allCases.map(\.rawValue))
        guard let text = try optional(name, expected, as: String.self) else { return nil }
        guard let value = Value(rawValue: text) else { throw invalid(name, expected: expected) }
        return value
    }

    func requiredChoice<Value: RawRepresentable<String> & CaseIterable>(_ name: String, of: Value.Type = Value.self) throws -> Value {
        if let value = try choice(name, of: Value.self) { return value }
        throw missing(name, choices(Value.allCases.map(\.rawValue)))
    }

    /// An array of names.
    func choiceList<Value: RawRepresentable<String> & CaseIterable>(_ name: String, of: Value.Type = Value.self) throws -> [Value]? {
        let names: [String]? = try optional(name, "an array of strings")
        return try names?.enumerated().map { index, text in
            if let value = Value(rawValue: text) { return value }
            throw WireError.value(
                place(name) + "[\(index)]", expected: choices(Value.allCases.map(\.rawValue)), found: "\"\(text)\"")
        }
    }

    /// Reads the members of an object inside this one, and refuses those that `read` did not ask for.
    func object<Value>(_ name: String, _ read: (Fields) throws -> Value) throws -> Value? {
        take([name])
        guard has(name) else { return nil }
        let fields = try Fields(try container.superDecoder(forKey: key(name)))
        let value = try read(fields)
        try fields.end()
        return value
    }

    func object<Value>(_ name: String, _ expected: String, _ read: (Fields) throws -> Value) throws -> Value {
        guard let value = try object(name, read) else { throw missing(name, expected) }
        return value
    }

    /// An array of as many elements as the range allows; nil if it is absent.
    ///
    /// - Parameter elements: The field's word for them, in the plural.
    func list<Element: Decodable>(_ name: String, _ count: ClosedRange<Int>, _ elements: String) throws -> [Element]? {
        guard let list: [Element] = try optional(name, "an array of \(elements)") else { return nil }
        guard count.contains(list.count) else {
            let least = count.lowerBound == 0 ? "at most" : "\(count.lowerBound) to"
            let isUnbounded = count.upperBound == .max
            throw invalid(name, expected: isUnbounded ? "at least one \(elements.dropLast())" : "\(least) \(count.upperBound) \(elements)")
        }
        return list
    }

    func requiredList<Element: Decodable>(_ name: String, _ count: ClosedRange<Int>, _ elements: String) throws -> [Element] {
        guard let list: [Element] = try list(name, count, elements) else { throw missing(name, "an array of \(elements)") }
        return list
    }

    /// OpenAI's labels for an object: at most sixteen.
    func metadata() throws -> [String: String]? {
        let metadata: [String: String]? = try optional("metadata", "an object of strings")
        guard metadata?.count ?? 0 <= 16 else { throw invalid("metadata", expected: "at most 16 members") }
        return metadata
    }

    /// Requires the object's constant, such as a part's `type`, if it is present.
    func constant(_ name: String, _ value: String) throws {
        guard try text(name) ?? value == value else { throw invalid(name, expected: "\"\(value)\"") }
    }

    /// Requires a constant that must be present.
    func requireConstant(_ name: String, _ value: String) throws {
        guard try self.name(name) == value else { throw invalid(name, expected: "\"\(value)\"") }
    }

    /// The name of the model to ask; nil, for the served one, if absent or empty.
    func model() throws -> String? {
        let name = try text("model", maxLength: 512)
        return name?.isEmpty == true ? nil : name
    }

    private func short(_ value: Double) -> String {
        value.rounded() == value && abs(value) < 1e9 ? String(Int(value)) : String(value)
    }
}
