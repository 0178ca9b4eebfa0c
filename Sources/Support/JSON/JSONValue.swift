import Files
package import Foundation

/// A JSON value, such as a checkpoint's `config.json` or a manifest's row. Numbers with a point differ from integers, booleans from
/// numbers, and objects keep the order of their keys.
///
/// Typed accessors take a dotted path and name it, with what was expected and found, when they fail:
/// `try config.integer("text_config.hidden_size")`.
package enum JSONValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int)
    case real(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Reads JSON text, at most 64 levels deep, in which no object has two equal keys. A byte order mark may stand before it.
    package init(parsing data: Data) throws {
        var scanner = JSONScanner(Array(data.withoutByteOrderMark))
        self = try JSONValue(&scanner, depth: 0)
        try scanner.end()
    }

    package init(parsing text: String) throws { try self.init(parsing: Data(text.utf8)) }

    private init(_ scanner: inout JSONScanner, depth: Int) throws {
        guard depth < 64 else { throw JSONError.tooDeep(byte: scanner.position, limit: 64) }
        switch try scanner.peek("a value") {
        case UInt8(ascii: "{"):
            var object = JSONObject()
            try scanner.members { scanner, key in
                do { object[key] = try JSONValue(&scanner, depth: depth + 1) } catch let error as JSONError {
                    throw error.within(key)
                }
            }
            self = .object(object)
        case UInt8(ascii: "["):
            var array: [JSONValue] = []
            try scanner.elements { array.append(try JSONValue(&$0, depth: depth + 1)) }
            self = .array(array)
        case UInt8(ascii: "\""): self = .string(try scanner.string())
        case UInt8(ascii: "t"):
            try scanner.literal("true")
            self = .boolean(true)
        case UInt8(ascii: "f"):
            try scanner.literal("false")
            self = .boolean(false)
        case UInt8(ascii: "n"):
            try scanner.literal("null")
            self = .null
        default: self = try scanner.number()
        }
    }

    /// The value of a key, nil if there is none or this is no object. The key is taken whole: dots do not divide it.
    package subscript(key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    /// The value at a dotted path; nil if it is absent or `null`.
    package func value(_ path: String) -> JSONValue? {
        var value = self
        for key in path.split(separator: ".") {
            guard let next = value[String(key)] else { return nil }
            value = next
        }
        return value == .null ? nil : value
    }

    package func integer(_ path: String, default fallback: Int? = nil) throws -> Int {
        try read(path, "an integer", fallback) { $0.exactInteger }
    }

    package func number(_ path: String, default fallback: Double? = nil) throws -> Double {
        try read(path, "a number", fallback) { $0.number }
    }

    /// An integer within a range, for numbers that size an array or count a loop.
    package func integer(_ path: String, in range: ClosedRange<Int>, default fallback: Int? = nil) throws -> Int {
        let value = try integer(path, default: fallback)
        if range.contains(value) { return value }
        throw JSONError.unexpected(path: path, expected: "\(range.lowerBound) to \(range.upperBound)", found: "\(value)")
    }

    package func number(_ path: String, in range: ClosedRange<Double>, default fallback: Double? = nil) throws -> Double {
        let value = try number(path, default: fallback)
        if range.contains(value) { return value }
        throw JSONError.unexpected(path: path, expected: "\(range.lowerBound) to \(range.upperBound)", found: "\(value)")
    }

    package func string(_ path: String, default fallback: String? = nil) throws -> String {
        try read(path, "a string", fallback) { if case .string(let string) = $0 { string } else { nil } }
    }

    package func boolean(_ path: String, default fallback: Bool? = nil) throws -> Bool {
        try read(path, "true or false", fallback) { if case .boolean(let boolean) = $0 { boolean } else { nil } }
    }

    package func array(_ path: String, default fallback: [JSONValue]? = nil) throws -> [JSONValue] {
        try read(path, "an array", fallback) { if case .array(let array) = $0 { array } else { nil } }
    }

    package func strings(_ path: String, default fallback: [String]? = nil) throws -> [String] {
        try read(path, "an array of strings", fallback) { value in
            guard case .array(let array) = value else { return nil }
            let strings = array.compactMap { if case .string(let string) = $0 { string } else { nil } }
            return strings.count == array.count ? strings : nil
        }
    }

    /// An integer or an array of integers, such as `eos_token_id`.
    package func integers(_ path: String, default fallback: [Int]? = nil) throws -> [Int] {
        try read(path, "an integer or an array of integers", fallback) { value in
            if let integer = value.exactInteger { return [integer] }
            guard case .array(let array) = value else { return nil }
            let integers = array.compactMap(\.exactInteger)
            return integers.count == array.count ? integers : nil
        }
    }

    package func object(_ path: String, default fallback: JSONObject? = nil) throws -> JSONObject {
        try read(path, "an object", fallback) { if case .object(let object) = $0 { object } else { nil } }
    }

    /// A number without a fraction that fits 64 bits, however it is written.
    package var exactInteger: Int? {
        switch self {
        case .integer(let integer): integer
        case .real(let real): Int(exactly: real)
        default: nil
        }
    }

    package var number: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .real(let real): real
        default: nil
        }
    }

    private func read<T>(_ path: String, _ expected: String, _ fallback: T?, _ convert: (JSONValue) -> T?) throws -> T {
        guard let value = value(path) else {
            if let fallback { return fallback }
            throw JSONError.unexpected(path: path, expected: expected, found: "nothing")
        }
        guard let result = convert(value) else {
            throw JSONError.unexpected(path: path, expected: expected, found: value.summary)
        }
        return result
    }

    /// A few words for error messages.
    package var summary: String {
        switch self {
        case .null: "null"
        case .array(let array): "an array of \(array.count)"
        case .object(let object): "an object of \(object.keys.count)"
        default: text.count > 60 ? text.prefix(60) + "…" : text
        }
    }
}

/// Keys and values in the order in which they were written.
package struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    package private(set) var keys: [String] = []
    private var values: [String: JSONValue] = [:]

    package init() {}

    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }

    package subscript(key: String) -> JSONValue? {
        get { values[key] }
        set {
            if values[key] == nil, newValue != nil { keys.append(key) }
            if newValue == nil { keys.removeAll { $0 == key } }
            values[key] = newValue
        }
    }
}

package enum JSONError: Error, Equatable, CustomStringConvertible {
    case syntax(byte: Int, expected: String, found: String)
    /// A number without a finite value, at `path`: NaN, an infinity, or one that is too large.
    case notFinite(path: String, byte: Int, found: String)
    case duplicateKey(String, byte: Int)
    case tooDeep(byte: Int, limit: Int)
    case unexpected(path: String, expected: String, found: String)

    package var description: String {
        switch self {
        case .syntax(let byte, let expected, let found): "at byte \(byte): expected \(expected), found \(found)"
        case .notFinite(let path, let byte, let found):
            (path.isEmpty ? "at byte \(byte)" : "\"\(path)\"") + ": expected a finite number, found \(found)"
        case .duplicateKey(let key, let byte): "at byte \(byte): the key \"\(key)\" appears twice"
        case .tooDeep(let byte, let limit): "at byte \(byte): nested deeper than \(limit) levels"
        case .unexpected(let path, let expected, let found): "\"\(path)\": expected \(expected), found \(found)"
        }
    }

    /// The same, known to be about the member `key`.
    fileprivate func within(_ key: String) -> JSONError {
        guard case .notFinite(let path, let byte, let found) = self else { return self }
        return .notFinite(path: path.isEmpty ? key : key + "." + path, byte: byte, found: found)
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
}
