import JSON

/// Metadata by key, of the type and in the range that the reader needs. Errors name the file, the key, what was expected and what was found.
extension GGUF {
    package func integer(_ key: String, in range: ClosedRange<Int>, default fallback: Int? = nil) throws(GGUFError) -> Int {
        let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
        return try value(key, expected, default: fallback) { $0.integer.flatMap { range.contains($0) ? $0 : nil } }
    }

    package func number(_ key: String, in range: ClosedRange<Double>, default fallback: Double? = nil) throws(GGUFError) -> Double {
        let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
        return try value(key, expected, default: fallback) { $0.decimal.flatMap { range.contains($0) ? $0 : nil } }
    }

    package func string(_ key: String, default fallback: String? = nil) throws(GGUFError) -> String {
        try value(key, "a string", default: fallback) { $0.string }
    }

    package func strings(_ key: String, default fallback: [String]? = nil) throws(GGUFError) -> [String] {
        try value(key, "an array of strings", default: fallback) { $0.elements { $0.string } }
    }

    package func integers(_ key: String, default fallback: [Int]? = nil) throws(GGUFError) -> [Int] {
        try value(key, "an array of integers", default: fallback) { $0.elements { $0.integer } }
    }

    package func error(_ key: String, expected: String, found: String) -> GGUFError {
        GGUFError(path: path, problem: .wrongMetadata(key: key, expected: expected, found: found))
    }

    private func value<Value>(
        _ key: String, _ expected: String, default fallback: Value?, _ convert: (GGUFValue) -> Value?
    ) throws(GGUFError) -> Value {
        guard let stored = metadata[key] else {
            if let fallback { return fallback }
            throw error(key, expected: expected, found: "nothing")
        }
        guard let value = convert(stored) else { throw error(key, expected: expected, found: stored.summary) }
        return value
    }
}

extension GGUFValue {
    /// The shortest decimal that rounds to this number in the file's width, such as 0.7 for its float32.
    fileprivate var decimal: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): Double(exactly: Float(value)) == value ? Double("\(Float(value))") : value
        case .boolean, .string, .array: nil
        }
    }

    fileprivate func elements<Element>(_ convert: (GGUFValue) -> Element?) -> [Element]? {
        guard case .array(let values) = self else { return nil }
        let elements = values.compactMap(convert)
        return elements.count == values.count ? elements : nil
    }

    /// A few words for errors.
    fileprivate var summary: String {
        switch self {
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .boolean(let value): "\(value)"
        case .string(let value): JSONValue.string(value).summary
        case .array(let values): "an array of \(values.count)"
        }
    }
}
