/// An object of the wire that is read member by member. Its reader refuses every member that the initialiser did not ask for.
///
///     init(_ fields: Fields) throws {
///         temperature = try fields.number("temperature", in: 0...2)
///         try fields.refuse("tools", because: "this server calls no tools")
///     }
package protocol WireObject: Decodable {
    init(_ fields: Fields) throws
}

extension WireObject {
    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        try self.init(fields)
        try fields.end()
    }
}

/// The members of one JSON object, taken one by one.
///
/// `null` reads as absent. Every error is a ``WireError`` with the member's path, what was expected and what was found.
package final class Fields {
    let container: KeyedDecodingContainer<Name>
    private let path: [any CodingKey]
    let textual: Bool
    private let isConverted: Bool
    /// The container's names of the members that were asked for.
    private var taken: Set<String> = []

    struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Set if numbers and booleans arrive as text, as in forms and queries.
    static let textualKey = CodingUserInfoKey(rawValue: "textual")!
    /// Set if the decoder has converted member names like `top_k` to `topK`.
    static let convertedKey = CodingUserInfoKey(rawValue: "converted")!

    init(_ decoder: any Decoder) throws {
        path = decoder.codingPath
        textual = decoder.userInfo[Self.textualKey] as? Bool ?? false
        isConverted = decoder.userInfo[Self.convertedKey] as? Bool ?? false
        do {
            container = try decoder.container(keyedBy: Name.self)
        } catch is DecodingError {
            let found =
                (try? decoder.unkeyedContainer()).map { WireValue.summary(ofArray: $0.count ?? 0) }
                ?? (try? WireValue(from: decoder))?.summary ?? "something else"
            let place = path.isEmpty ? "The body" : pathText(path)
            throw WireError(
                "\(place): expected an object; found \(found).", param: path.isEmpty ? nil : pathText(path),
                code: "invalid_type")
        }
    }

    /// The container's spelling of a member's name.
    func key(_ name: String) -> Name {
        guard isConverted else { return Name(stringValue: name) }
        let words = name.split(separator: "_")
        return Name(stringValue: words.prefix(1).joined() + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined())
    }

    func take(_ names: [String]) { for name in names { taken.insert(key(name).stringValue) } }

    /// The object's own path.
    var place: String { pathText(path) }

    func place(_ name: String) -> String { pathText(path + [Name(stringValue: name)]) }

    func has(_ name: String) -> Bool { container.contains(key(name)) && !isNull(name) }

    private func isNull(_ name: String) -> Bool {
        (try? container.decodeNil(forKey: key(name))) ?? false
    }

    func optional<Value: Decodable>(_ name: String, _ expected: String, as: Value.Type = Value.self) throws -> Value? {
        take([name])
        guard has(name) else { return nil }
        do {
            return try container.decode(Value.self, forKey: key(name))
        } catch let error as WireError {
            throw error
        } catch let error as DecodingError {
            throw WireError(
                error, at: place(name), under: path.count + 1, expected: expected, found: found(name))
        } catch {
            // Foundation throws its own error for a number that does not fit the requested type.
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

    /// A description of the value there. Arrays and objects are not decoded for it.
    private func found(_ name: String) -> String {
        let key = key(name)
        if let array = try? container.nestedUnkeyedContainer(forKey: key) { return WireValue.summary(ofArray: array.count ?? 0) }
        if let object = try? container.nestedContainer(keyedBy: Name.self, forKey: key) {
            return WireValue.summary(ofObject: object.allKeys.map(\.stringValue))
        }
        return (try? container.decode(WireValue.self, forKey: key))?.summary ?? "a number out of range"
    }

    func isEmpty(_ name: String) -> Bool {
        let key = key(name)
        if let array = try? container.nestedUnkeyedContainer(forKey: key) { return array.isAtEnd }
        return (try? container.nestedContainer(keyedBy: Name.self, forKey: key))?.allKeys.isEmpty ?? false
    }

    /// Refuses members that were not asked for, unless they are null.
    func end() throws {
        let unknown = container.allKeys.map(\.stringValue).filter { !taken.contains($0) && has($0) }
        guard let first = unknown.min() else { return }
        let place = place(WireValue.cut(first))
        // `curl -d` sends JSON as a form with one field, whose name is the whole body.
        if first.hasPrefix("{") {
            throw WireError(
                "The body is JSON, but came as a form. Send it with the header Content-Type: application/json.", code: "unknown_parameter")
        }
        throw WireError(
            "\(place): unknown field; the fields here are \(taken.sorted().joined(separator: ", ")).",
            param: place, code: "unknown_parameter")
    }
}

/// `"a", "b" or "c"`.
func choices(_ names: [String]) -> String {
    let quoted = names.map { "\"\($0)\"" }
    guard let last = quoted.last, quoted.count > 1 else { return quoted.first ?? "" }
    return quoted.dropLast().joined(separator: ", ") + " or " + last
}
