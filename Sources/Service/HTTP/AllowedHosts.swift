/// Which names a server answers to, by the `Host` header of a request.
///
/// A page on the Internet can have its own name resolve to this machine (DNS rebinding): its browser then takes a server here for
/// the page's own, reads what it answers and makes it work. The name stays the page's, and that gives it away. Where keys are
/// asked for, the name does not matter: the page has none.
package struct AllowedHosts: Sendable {
    package static let any = AllowedHosts(["*"])

    private let names: Set<String>

    /// - Parameter names: Names or addresses without ports, beside `localhost` and the loopback addresses; `*` allows all.
    package init(_ names: some Sequence<String>) { self.names = Set(names.map { Self.name($0) }) }

    /// Whether a request for this `Host` is answered. One without the header comes from no browser.
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

    /// `localhost` or `127.0.0.1`, perhaps with a port: what nearly every request says, told without taking it apart.
    private static func isUsual(_ host: String) -> Bool {
        let bytes = host.utf8
        guard bytes.starts(with: "localhost".utf8) || bytes.starts(with: "127.0.0.1".utf8) else { return false }
        let port = bytes.dropFirst(9)
        return port.isEmpty || port.first == UInt8(ascii: ":") && port.dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }

    /// In lower case, without the port, the brackets of an IPv6 address and the dot at the end.
    private static func name(_ host: String) -> String {
        var name = Substring(host.lowercased())
        if name.hasPrefix("["), let end = name.firstIndex(of: "]") {
            name = name[..<end].dropFirst()
        } else if let colon = name.lastIndex(of: ":"), name.firstIndex(of: ":") == colon {
            name = name[..<colon]
        }
        return String(name.hasSuffix(".") ? name.dropLast() : name)
    }

    /// 127.0.0.0/8, in four numbers: a name such as `127.example.org` is anybody's.
    private static func isLoopback(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
