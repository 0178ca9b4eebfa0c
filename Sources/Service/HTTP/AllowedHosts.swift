/// The names that a server answers to, by the `Host` header of a request.
///
/// A web page can make its own name resolve to this machine (DNS rebinding). Its browser then treats this server as the page's own, and the page
/// can read answers and start work. The page's name in the `Host` header gives it away. If keys are required, the name does not matter, because the
/// page has none.
package struct AllowedHosts: Sendable {
    package static let any = AllowedHosts(["*"])

    private let names: Set<String>

    /// - Parameter names: Names or addresses without ports, besides `localhost` and the loopback addresses; `*` allows all.
    package init(_ names: some Sequence<String>) { self.names = Set(names.map { Self.name($0) }) }

    /// Whether a request with this `Host` is answered. A request without the header does not come from a browser.
    func allows(_ host: String?) -> Bool {
        guard let host, !Self.isUsual(host), !names.contains("*") else { return true }
        let name = Self.name(host)
        return name == "localhost" || name.hasSuffix(".localhost") || name == "::1" || Self.isLoopback(name)
            || names.contains(name)
    }

    /// - Throws: 403 for a foreign name.
    func admit(_ headers: Headers) throws(HTTPError) {
        let host = headers["host"]
        if allows(host) { return }
        let name = Self.name(host ?? "")
        throw HTTPError(
            403,
            "This server does not answer to the name \"\(name)\". Ask it as localhost, or allow the name with --allow-host.",
            type: "permission_error", code: "host_not_allowed")
    }

    /// `localhost` or `127.0.0.1`, with an optional port. Nearly every request has one of these, recognised here without parsing.
    private static func isUsual(_ host: String) -> Bool {
        let bytes = host.utf8
        guard bytes.starts(with: "localhost".utf8) || bytes.starts(with: "127.0.0.1".utf8) else { return false }
        let port = bytes.dropFirst(9)
        return port.isEmpty || port.first == UInt8(ascii: ":") && port.dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }

    /// The name in lower case, without port, IPv6 brackets and trailing dot.
    private static func name(_ host: String) -> String {
        var name = Substring(host.lowercased())
        if name.hasPrefix("["), let end = name.firstIndex(of: "]") {
            name = name[..<end].dropFirst()
        } else if let colon = name.lastIndex(of: ":"), name.firstIndex(of: ":") == colon {
            name = name[..<colon]
        }
        return String(name.hasSuffix(".") ? name.dropLast() : name)
    }

    /// Whether the name is a numeric address in 127.0.0.0/8. A name such as `127.example.org` can belong to anybody.
    private static func isLoopback(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
