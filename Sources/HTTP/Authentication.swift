/// What a key may be used for; of a route, any of what opens it.
package struct Scope: OptionSet, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let ask = Scope(rawValue: 1)
    package static let measure = Scope(rawValue: 2)
    package static let train = Scope(rawValue: 4)
    package static let all: Scope = [.ask, .measure, .train]

    private static let names: [(Scope, String)] = [(.ask, "ask"), (.measure, "measure"), (.train, "train")]

    /// The single scope of that name.
    package init?(_ name: some StringProtocol) {
        guard let found = Self.names.first(where: { $0.1 == name }) else { return nil }
        self = found.0
    }

    package var names: [String] { Self.names.filter { contains($0.0) }.map(\.1) }
    package var description: String { names.joined(separator: " or ") }
}

/// A secret that opens routes by `Authorization: Bearer SECRET`.
package struct AccessKey: Sendable {
    package let name: String
    let secret: [UInt8]
    package let scopes: Scope

    /// - Parameter name: Says in the log who asked; never the secret.
    package init(name: String, secret: String, scopes: Scope = .all) {
        precondition(!secret.isEmpty, "the key \(name) is empty")
        self.name = name
        self.secret = Array(secret.utf8)
        self.scopes = scopes
    }
}

/// Checks a request's key against those configured. Without any, every route is open.
package struct Authentication: Sendable {
    package let keys: [AccessKey]

    package init(keys: [AccessKey]) { self.keys = keys }

    /// The name of the key that opens a route of this scope.
    ///
    /// - Throws: 401 without a known key, 403 for one that lacks the scope.
    func admit(_ headers: Headers, scope: Scope?) throws(HTTPError) -> String? {
        guard let scope, !keys.isEmpty else { return nil }
        let presented = headers["authorization"].map { $0.split(separator: " ", maxSplits: 1) } ?? []
        guard presented.count == 2, equalIgnoringCase(presented[0], "bearer") else {
            throw refusal("No key was given: send the header \"Authorization: Bearer KEY\".")
        }
        let secret = Array(presented[1].utf8)
        // Every key is compared, so that the time does not tell which one came close.
        var found: AccessKey?
        for key in keys where isEqual(secret, key.secret) { found = key }
        guard let found else { throw refusal("The key in the Authorization header is not one of this server's.") }
        guard !found.scopes.isDisjoint(with: scope) else {
            let allowed = found.scopes.names.joined(separator: ", ")
            throw HTTPError(
                403, "The key \"\(found.name)\" may be used for \(allowed), and this route needs \(scope).",
                type: "permission_error", code: "insufficient_scope")
        }
        return found.name
    }

    private func refusal(_ message: String) -> HTTPError {
        HTTPError(
            401, message, type: "authentication_error", code: "invalid_api_key", headers: ["www-authenticate": "Bearer"]
        )
    }
}

/// Equality in a time that depends on the first length alone.
private func isEqual(_ presented: [UInt8], _ secret: [UInt8]) -> Bool {
    var difference = presented.count ^ secret.count
    for i in presented.indices { difference |= Int(presented[i] ^ secret[i % secret.count]) }
    return difference == 0
}
