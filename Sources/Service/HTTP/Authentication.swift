internal import Foundation
internal import Synchronization

/// What a key may be used for. For a route: the scopes that open it, one of which suffices.
package struct Scope: OptionSet, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let ask = Scope(rawValue: 1)
    package static let measure = Scope(rawValue: 2)
    package static let train = Scope(rawValue: 4)
    package static let all: Scope = [.ask, .measure, .train]

    private static let names: [(Scope, String)] = [(.ask, "ask"), (.measure, "measure"), (.train, "train")]

    /// The single scope with that name.
    package init?(_ name: some StringProtocol) {
        guard let found = Self.names.first(where: { $0.1 == name }) else { return nil }
        self = found.0
    }

    package var names: [String] { Self.names.filter { contains($0.0) }.map(\.1) }
    package var description: String { names.joined(separator: " or ") }
}

/// A secret that opens routes through `Authorization: Bearer SECRET`.
package struct AccessKey: Sendable {
    package let name: String
    let secret: [UInt8]
    package let scopes: Scope

    /// - Parameter name: Identifies the key in the log; must not be the secret.
    package init(name: String, secret: String, scopes: Scope = .all) {
        precondition(!secret.isEmpty, "the key \(name) is empty")
        self.name = name
        self.secret = Array(secret.utf8)
        self.scopes = scopes
    }

    /// Parses a key as operators write it: `SECRET`, `NAME=SECRET` or `NAME:SCOPE,SCOPE=SECRET`. Equals signs at the end of a secret belong to it,
    /// as in base64.
    ///
    /// - Parameter name: The name of a key that has none.
    package init(written text: String, name: String) throws(InvalidKey) {
        // Clients cannot send white space, and beside "=" it would silently become part of the name or the secret.
        guard !text.contains(where: \.isWhitespace) else {
            throw InvalidKey(description: "found a blank: expected NAME=SECRET or SECRET without any")
        }
        let secretStart = text.firstIndex(of: "=").map { text.index(after: $0) }
        guard let secretStart, text[secretStart...].contains(where: { $0 != "=" }) else {
            guard let first = text.first, first != "=" else { throw InvalidKey(description: "the secret is empty") }
            self.init(name: name, secret: text)
            return
        }
        let label = text[..<text.index(before: secretStart)].split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let named = label.first, !named.isEmpty else {
            throw InvalidKey(description: "the name before the secret is empty")
        }
        var scopes = Scope.all
        if label.count == 2 {
            let written = label[1].split(separator: ",", omittingEmptySubsequences: false).map { Scope($0) }
            guard !written.contains(nil) else {
                throw InvalidKey(description: "expected scopes among ask, measure and train, found \(label[1])")
            }
            scopes = Scope(written.compactMap(\.self))
        }
        self.init(name: String(named), secret: String(text[secretStart...]), scopes: scopes)
    }

    /// The keys in a file, one per line in the form of ``init(written:name:)``. Blank lines and lines that begin with # are skipped.
    ///
    /// - Throws: If there is no key, or if others may read the file. ssh refuses such files too, since the keys may already be known.
    package static func lines(of file: SecretFile) throws(InvalidKey) -> [String] {
        let text: String
        do { text = try file.text() } catch {
            throw InvalidKey(description: "\(error)")
        }
        if let mode = file.looseMode {
            throw InvalidKey(
                description: "other users can read \(file.path) (mode \(mode)). Close it with chmod 600, and change its keys if "
                    + "others may have seen them")
        }
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
        guard !lines.isEmpty else { throw InvalidKey(description: "\(file.path) holds no key: expected one a line") }
        return lines
    }

    /// The secret as clients send it.
    package var bearer: String { String(decoding: secret, as: UTF8.self) }
}

/// Why a key cannot be used. Never contains the secret.
package struct InvalidKey: Error, CustomStringConvertible {
    package let description: String
}

/// Checks a request's key against the configured ones. Without configured keys, every route is open.
package final class Authentication: Sendable {
    private let stored: Mutex<[AccessKey]>

    package init(keys: [AccessKey]) { stored = Mutex(keys) }

    package var keys: [AccessKey] { stored.withLock { $0 } }

    /// Replaces the keys for requests from now on; admitted requests continue.
    ///
    /// - Throws: If a server with keys would become open to all, or the reverse, because other settings depend on that.
    package func replace(by keys: [AccessKey]) throws(InvalidKey) {
        let isReplaced = stored.withLock { stored in
            guard stored.isEmpty == keys.isEmpty else { return false }
            stored = keys
            return true
        }
        guard isReplaced else { throw InvalidKey(description: "a server with keys stays one, and one without as well, until it is started again") }
    }

    /// The key that opens a route of this scope; `nil` if none is needed.
    ///
    /// - Throws: 401 without a known key, 403 for a key without the scope.
    func admit(_ headers: Headers, scope: Scope?) throws(HTTPError) -> AccessKey? {
        let keys = keys
        guard let scope, !keys.isEmpty else { return nil }
        let presented = headers["authorization"].map { $0.split(separator: " ", maxSplits: 1) } ?? []
        guard presented.count == 2, equalIgnoringCase(presented[0], "bearer") else {
            throw refusal("No key was given: send the header \"Authorization: Bearer KEY\".")
        }
        let secret = Array(presented[1].utf8)
        // Every key is compared, so that the time does not reveal which one was close.
        var found: AccessKey?
        for key in keys where isEqual(secret, key.secret) { found = key }
        guard let found else { throw refusal("The key in the Authorization header is not one of this server's.") }
        guard !found.scopes.isDisjoint(with: scope) else {
            let allowed = found.scopes.names.joined(separator: ", ")
            throw .insufficientScope("The key \"\(found.name)\" may be used for \(allowed), and this route needs \(scope).")
        }
        return found
    }

    private func refusal(_ message: String) -> HTTPError {
        HTTPError(
            401, message, type: "authentication_error", code: "invalid_api_key", headers: ["www-authenticate": "Bearer"]
        )
    }
}

extension HTTPError {
    package static func insufficientScope(_ message: String) -> HTTPError {
        HTTPError(403, message, type: "permission_error", code: "insufficient_scope")
    }
}

/// Equality in a time that depends only on the length of the first argument.
private func isEqual(_ presented: [UInt8], _ secret: [UInt8]) -> Bool {
    var difference = presented.count ^ secret.count
    for i in presented.indices { difference |= Int(presented[i] ^ secret[i % secret.count]) }
    return difference == 0
}
