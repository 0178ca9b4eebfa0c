/// A request whose body, if any, has arrived in full and within the route's limit.
///
/// The handler's task is cancelled when the client goes away, which shows in `Task.isCancelled` and in every cancellable `await`.
package struct Request: Sendable {
    package var method: String
    /// The path as sent, still percent-encoded, without the query.
    package var path: String
    package var query: Query
    package var headers: Headers
    /// The version in the request line.
    package var version = "HTTP/1.1"
    package var body: [UInt8] = []
    /// A body on disk, if the route spools and the body is too large for memory; ``body`` is empty then.
    package var spooled: SpooledBody?
    /// The client's numeric address, without a port.
    package var peer: String
    /// The value of the response's `x-request-id` header: the client's own id if it was acceptable.
    package var id = ""
    /// The values of the route pattern's `{name}` segments, percent-decoded.
    package var parameters: [String: String] = [:]
    /// The name of the key that opened this route; `nil` on public routes and without configured keys.
    package var keyName: String?
    /// The scopes of that key; all of them without configured keys.
    package var scopes = Scope.all

    package init(
        method: String, path: String, query: Query = Query(), headers: Headers = Headers(), body: [UInt8] = [],
        peer: String = "127.0.0.1"
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
    }

    /// A request for a target as it appears in a request line: a path and an optional query.
    package init(method: String, target: String, headers: Headers = Headers(), body: [UInt8] = []) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts.count > 1 ? Query(encoded: String(parts[1])) : Query()
        self.init(method: method, path: String(parts[0]), query: query, headers: headers, body: body)
    }

    /// Reduces a target in absolute form, as in `GET http://host/path`, to its path. Its authority replaces the `Host` header (RFC 9112, 3.2.2).
    ///
    /// - Throws: 400 for a target without a host, or with a user name.
    mutating func resolveTarget() throws(HTTPError) {
        let slash = UInt8(ascii: "/")
        guard path.utf8.first != slash,
            let scheme = ["http://", "https://"].first(where: { equalIgnoringCase(path.prefix($0.count), $0) })
        else { return }
        let rest = path.utf8.dropFirst(scheme.utf8.count)
        let authority = rest.prefix { $0 != slash }
        guard !authority.isEmpty, !authority.contains(UInt8(ascii: "@")) else {
            throw .framing(
                "The target \(path) must name a host, and no user; send a path such as /health alone.", code: "invalid_target")
        }
        headers["host"] = String(Substring(authority))
        path = authority.endIndex == path.endIndex ? "/" : String(Substring(rest[authority.endIndex...]))
    }

    /// The value of the pattern's segment `{name}`.
    package func parameter(_ name: String) -> String {
        guard let value = parameters[name] else {
            preconditionFailure("the route has no segment {\(name)}; it has \(parameters.keys.sorted())")
        }
        return value
    }

    /// The media type in lower case without parameters; empty if none was sent.
    package var mediaType: String {
        (headers["content-type"] ?? "").prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
    }
}

/// The decoded pairs of a query or of a URL-encoded form, in order.
package struct Query: Sendable {
    package private(set) var items: [(name: String, value: String)] = []

    package init() {}

    /// Decodes `a=1&b=two+words`. Broken percent escapes stay as they are.
    package init(encoded: String) {
        for pair in encoded.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = parts.map { part in
                percentDecoded(String(part.map { $0 == "+" ? " " : $0 }), requireUTF8: false) ?? String(part)
            }
            add(decoded[0], decoded.count > 1 ? decoded[1] : "")
        }
    }

    package mutating func add(_ name: String, _ value: String) { items.append((name, value)) }

    /// The first value with that name.
    package subscript(name: String) -> String? { items.first { $0.name == name }?.value }
}

/// The text with its `%XX` escapes decoded; `nil` for a broken escape, a zero byte or, if UTF-8 is required, for anything else.
func percentDecoded(_ text: some StringProtocol, requireUTF8: Bool = true) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8.makeIterator()
    while let byte = rest.next() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit) else { return nil }
        bytes.append(high << 4 | low)
    }
    if bytes.contains(0) { return nil }
    return requireUTF8 ? String(validating: bytes, as: UTF8.self) : String(decoding: bytes, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
