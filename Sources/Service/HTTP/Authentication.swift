internal import Foundation
internal import Synchronization

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

    /// A key as an operator writes it: `SECRET`, `NAME=SECRET` or `NAME:SCOPE,SCOPE=SECRET`. Signs of equality that end a secret
    /// belong to it, as base64 has them.
    ///
    /// - Parameter name: What a key without a name is called.
    package init(written text: String, name: String) throws(InvalidKey) {
        // No client can send one, and beside "=" it would silently be part of the name or of the secret.
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

    /// What a file holds, in the form of ``init(written:name:)``: a key a line. Blank lines, and those that begin with #, are
    /// skipped.
    ///
    /// - Throws: Where there is no key, or others may read the file: ssh refuses such a one too, since whoever read it could have
    ///   the keys by now.
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

    /// What a client sends.
    package var bearer: String { String(decoding: secret, as: UTF8.self) }
}

/// Why a key cannot be used. Never says the secret.
package struct InvalidKey: Error, CustomStringConvertible {
    package let description: String
}

/// Checks a request's key against those configured. Without any, every route is open.
package final class Authentication: Sendable {
    private let stored: Mutex<[AccessKey]>

    package init(keys: [AccessKey]) { stored = Mutex(keys) }

    package var keys: [AccessKey] { stored.withLock { $0 } }

    /// Requests that come from now on need one of these keys; those that were let in go on.
    ///
    /// - Throws: where a server that needs keys would be open to all, or the other way round: what else it allows was decided by that.
    package func replace(by keys: [AccessKey]) throws(InvalidKey) {
        let isReplaced = stored.withLock { stored in
            guard stored.isEmpty == keys.isEmpty else { return false }
            stored = keys
            return true
        }
        guard isReplaced else { throw InvalidKey(description: "a server with keys stays one, and one without as well, until it is started again") }
    }

    /// The key that opens a route of this scope; `nil` where none is needed.
    ///
    /// - Throws: 401 without a known key, 403 for one that lacks the scope.
    func admit(_ headers: Headers, scope: Scope?) throws(HTTPError) -> AccessKey? {
        let keys = keys
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

/// Equality in a time that depends on the first length alone.
private func isEqual(_ presented: [UInt8], _ secret: [UInt8]) -> Bool {
    var difference = presented.count ^ secret.count
    for i in presented.indices { difference |= Int(presented[i] ^ secret[i % secret.count]) }
    return difference == 0
}
