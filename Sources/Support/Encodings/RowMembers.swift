package import JSON

/// The members of one object of a row, taken one by one. Members that nobody took are refused by name. `null` counts as absent.
package struct RowMembers {
    private let place: String
    private let object: JSONObject
    /// A list, because every row of a manifest takes some sixty names and has few members.
    private var taken: [String] = []

    /// - Parameter place: The prefix of members' names in messages, such as `messages[0]`.
    package init(_ value: JSONValue, at place: String = "") throws(RowError) {
        guard case .object(let object) = value else {
            throw RowError("\(place.isEmpty ? "the row" : place): expected an object, found \(value.summary)")
        }
        self.object = object
        self.place = place
    }

    package func path(_ name: String) -> String { place.isEmpty ? name : place + "." + name }

    package func has(_ name: String) -> Bool { object[name].map { $0 != .null } ?? false }

    package mutating func value(_ name: String) -> JSONValue? {
        taken.append(name)
        return has(name) ? object[name] : nil
    }

    /// The text of a member under any of its names; a number is converted to text. Two names with different texts are refused.
    package mutating func text(_ names: String...) throws(RowError) -> String? {
        var found: (name: String, text: String)?
        for name in names {
            guard let value = value(name) else { continue }
            let text = try text(value, path(name))
            if let found, found.text != text { throw RowError("\(path(name)): says something else than \(found.name), which means the same") }
            found = found ?? (name, text)
        }
        return found?.text
    }

    private func text(_ value: JSONValue, _ path: String) throws(RowError) -> String {
        switch value {
        case .string(let text): return text
        case .integer(let number): return String(number)
        case .real: return value.text
        default: throw RowError("\(path): expected a text, found \(value.summary)")
        }
    }

    package mutating func array(_ name: String) throws(RowError) -> [JSONValue]? {
        switch value(name) {
        case nil: return nil
        case .array(let values): return values
        case let other?: throw RowError("\(path(name)): expected an array, found \(other.summary)")
        }
    }

    /// Ignores members that have no effect on learning.
    package mutating func ignore(_ names: some Sequence<String>) { taken += names }

    /// Refuses members that would affect learning and are not supported. Null, false and empty values pass.
    package mutating func refuse(_ names: String..., because reason: String) throws(RowError) {
        for name in names {
            switch value(name) {
            case nil, .array([]), .boolean(false), .string(""): continue
            case .object(let object) where object.keys.isEmpty: continue
            case _: throw RowError("\(path(name)): \(reason)")
            }
        }
    }

    /// Refuses members that nobody took.
    package func end() throws(RowError) {
        let unknown = object.keys.filter { !taken.contains($0) && has($0) }
        guard let first = unknown.first else { return }
        throw RowError("\(path(first)): unknown member; \(advice(for: first))")
    }

    /// What may be written in the place of an unknown member. A row has dozens of members, most of them names that other programs give to the same:
    /// those are told by the formats, and here only one that the unknown name resembles.
    private func advice(for unknown: String) -> String {
        let names = Set(taken).sorted()
        guard names.count > 12 else { return "the members here are " + names.joined(separator: ", ") }
        let near = NearestName.to(unknown, among: names).map { "did you mean `\($0)`? " } ?? ""
        return near + "`cord data formats` tells the members of a row; `metadata` may hold whatever is not to be read"
    }
}

/// What is wrong with a row.
package struct RowError: Error, Equatable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
