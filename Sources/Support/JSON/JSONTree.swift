/// Reads and rewrites trees of values, in addition to ``JSONValue``'s accessors by path.
extension JSONValue {
    package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    package var array: [JSONValue]? { if case .array(let array) = self { array } else { nil } }

    package var string: String? { if case .string(let string) = self { string } else { nil } }

    /// The value with the keys of every object in alphabetical order.
    package var sorted: JSONValue {
        switch self {
        case .array(let array): .array(array.map(\.sorted))
        case .object(let object): .object(JSONObject(object.keys.sorted().map { ($0, (object[$0] ?? .null).sorted) }))
        case .null, .boolean, .integer, .real, .string: self
        }
    }
}

extension JSONObject: Sequence {
    package init(_ members: some Sequence<(String, JSONValue)>) {
        self.init()
        for (key, value) in members { self[key] = value }
    }

    package var isEmpty: Bool { keys.isEmpty }

    package func makeIterator() -> some IteratorProtocol<(key: String, value: JSONValue)> {
        keys.lazy.compactMap { key in self[key].map { (key, $0) } }.makeIterator()
    }

    /// The members with new values.
    package func mapMembers(_ change: (String, JSONValue) throws -> JSONValue) rethrows -> JSONObject {
        JSONObject(try map { ($0.key, try change($0.key, $0.value)) })
    }

    package func only(_ isWanted: (String) -> Bool) -> JSONObject { JSONObject(filter { isWanted($0.key) }.map { ($0.key, $0.value) }) }
}
