/// The members of one JSON object, taken one by one; what is left at the end is refused by name.
///
///     let fields = try Fields(decoder)
///     temperature = try fields.number("temperature", in: 0...2)
///     try fields.refuse("tools", because: "this server calls no tools")
///     try fields.end()
///
/// `null` reads as absent. Every error is a ``WireError`` with the member's path, what was expected and what was found.
final class Fields {
    private let container: KeyedDecodingContainer<Name>
    private let path: [any CodingKey]
    private let textual: Bool
    private var taken: Set<String> = []

    struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Set where numbers and booleans arrive as text, as in forms and queries.
    static let textualKey = CodingUserInfoKey(rawValue: "textual")!

    init(_ decoder: any Decoder) throws {
        path = decoder.codingPath
        textual = decoder.userInfo[Self.textualKey] as? Bool ?? false
        do {
            container = try decoder.container(keyedBy: Name.self)
        } catch is DecodingError {
            let found = (try? decoder.unkeyedContainer()).map { JSONValue.summary(ofArray: $0.count ?? 0) }
                ?? (try? JSONValue(from: decoder))?.summary ?? "something else"
            let place = path.isEmpty ? "The body" : pathText(path)
            throw WireError(
                "\(place): expected an object; found \(found).", param: path.isEmpty ? nil : pathText(path),
                code: "invalid_type")
        }
    }

    func place(_ name: String) -> String { pathText(path + [Name(stringValue: name)]) }

    func has(_ name: String) -> Bool { container.contains(Name(stringValue: name)) && !isNull(name) }

    private func isNull(_ name: String) -> Bool {
        (try? container.decodeNil(forKey: Name(stringValue: name))) ?? false
    }

    func optional<Value: Decodable>(_ name: String, _ expected: String, as: Value.Type = Value.self) throws -> Value? {
        taken.insert(name)
        guard has(name) else { return nil }
        do {
            return try container.decode(Value.self, forKey: Name(stringValue: name))
        } catch let error as WireError {
            throw error
        } catch let error as DecodingError {
            throw WireError(
                error, at: place(name), under: path.count + 1, expected: expected, found: found(name))
        } catch {
            // Foundation's own error for a number that does not fit the type it is read as.
            throw invalid(name, expected: expected)
        }
    }

    func required<Value: Decodable>(_ name: String, _ expected: String, as: Value.Type = Value.self) throws -> Value {
        if let value = try optional(name, expected, as: Value.self) { return value }
        throw missing(name, expected)
    }

    func missing(_ name: String, _ expected: String) -> WireError {
        WireError(
            "\(place(name)): expected \(expected); found nothing.", param: place(name),
            code: "missing_required_parameter")
    }

    func invalid(_ name: String, expected: String) -> WireError {
        .value(place(name), expected: expected, found: found(name))
    }

    /// What stands there, in words. Nothing of an array or an object is decoded for it.
    private func found(_ name: String) -> String {
        let key = Name(stringValue: name)
        if let array = try? container.nestedUnkeyedContainer(forKey: key) { return JSONValue.summary(ofArray: array.count ?? 0) }
        if let object = try? container.nestedContainer(keyedBy: Name.self, forKey: key) {
            return JSONValue.summary(ofObject: object.allKeys.map(\.stringValue))
        }
        return (try? container.decode(JSONValue.self, forKey: key))?.summary ?? "a number out of range"
    }

    private func isEmpty(_ name: String) -> Bool {
        let key = Name(stringValue: name)
        if let array = try? container.nestedUnkeyedContainer(forKey: key) { return array.isAtEnd }
        return (try? container.nestedContainer(keyedBy: Name.self, forKey: key))?.allKeys.isEmpty ?? false
    }

    func text(_ name: String, maxLength: Int = .max) throws -> String? {
        guard let value = try optional(name, "a string", as: String.self) else { return nil }
        guard value.unicodeScalars.count <= maxLength else { throw invalid(name, expected: "at most \(maxLength) characters") }
        return value
    }

    /// A string that is there and not empty.
    func name(_ name: String, maxLength: Int = 512) throws -> String {
        let value: String = try required(name, "a string")
        guard !value.isEmpty, value.unicodeScalars.count <= maxLength else {
            throw invalid(name, expected: "a string of 1 to \(maxLength) characters")
        }
        return value
    }

    /// The text of a form's field; nil for one that was left empty.
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

    /// A number above zero that stays above zero as a Float, in which models compute.
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

    /// The object's constant, such as a part's `type`.
    func constant(_ name: String, _ value: String) throws {
        guard try text(name) ?? value == value else { throw invalid(name, expected: "\"\(value)\"") }
    }

    /// The name of the model that answers; nil, the served one, where it is absent or empty.
    func model() throws -> String? {
        let name = try text("model", maxLength: 512)
        return name?.isEmpty == true ? nil : name
    }

    /// Members that may be there and change nothing about the answer.
    func ignore(_ names: String...) { taken.formUnion(names) }

    /// What clients send for a service's accounts, logs and caches.
    func ignoreBookkeeping() {
        ignore(
            "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
            "prompt_cache_options", "cache_prompt", "request_id", "priority")
    }

    /// A member that changes nothing at one of these values, and that this server does not have at another.
    func accept(_ name: String, _ values: [JSONValue], because reason: String) throws {
        taken.insert(name)
        guard has(name) else { return }
        if let value = try? container.decode(JSONValue.self, forKey: Name(stringValue: name)), values.contains(value) { return }
        throw unsupported(name, reason)
    }

    /// vLLM's and SGLang's members of a request, at the values that they have when they are absent.
    func acceptDefaults(because reason: String) throws {
        let defaults: [(String, JSONValue)] = [
            ("add_generation_prompt", true), ("add_special_tokens", false), ("best_of", 1), ("continue_final_message", false),
            ("echo", false), ("ignore_eos", false), ("include_stop_str_in_output", false), ("length_penalty", 1), ("min_tokens", 0),
            ("skip_special_tokens", true), ("spaces_between_special_tokens", true), ("typical_p", 1), ("use_beam_search", false),
        ]
        for (name, value) in defaults { try accept(name, [value], because: reason) }
        try refuse("chat_template_kwargs", "stop_token_ids", "bad_words", because: reason)
    }

    /// Members that would change the answer and that this server does not have. Null and empty ones pass.
    func refuse(_ names: String..., because reason: String) throws {
        for name in names {
            taken.insert(name)
            guard has(name), !isEmpty(name) else { continue }
            throw unsupported(name, reason)
        }
    }

    private func unsupported(_ name: String, _ reason: String) -> WireError {
        WireError(
            "\(place(name)) is not supported: \(reason). Leave it out.", param: place(name), code: "unsupported_parameter")
    }

    /// Refuses members that were not asked for; one that is null says nothing.
    func end() throws {
        guard let first = container.allKeys.lazy.map(\.stringValue).filter({ !self.taken.contains($0) && self.has($0) }).min() else { return }
        let place = place(JSONValue.cut(first))
        throw WireError(
            "\(place): unknown field; the fields here are \(taken.sorted().joined(separator: ", ")).",
            param: place, code: "unknown_parameter")
    }

    private func short(_ value: Double) -> String {
        value.rounded() == value && abs(value) < 1e9 ? String(Int(value)) : String(value)
    }
}

/// `"a", "b" or "c"`.
func choices(_ names: [String]) -> String {
    let quoted = names.map { "\"\($0)\"" }
    guard let last = quoted.last, quoted.count > 1 else { return quoted.first ?? "" }
    return quoted.dropLast().joined(separator: ", ") + " or " + last
}
