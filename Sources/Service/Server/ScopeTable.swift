package import HTTP

/// Which scope opens which route, as a table for readers: the one in Sources/SECURITY.md is this one.
package enum ScopeTable {
    /// - Returns: Markdown, a line a route in the router's order, with a line break at the end.
    package static func markdown(_ router: Router) -> String {
        let scopes: [Scope] = [.ask, .measure, .train]
        var lines = ["| route | no key | \(scopes.map(\.description).joined(separator: " | ")) |", "|---|---|---|---|---|"]
        for route in router.routes {
            let cells = [route.scope == nil] + scopes.map { route.scope?.contains($0) ?? true }
            lines.append("| `\(route.method) \(route.pattern)` | \(cells.map { $0 ? "yes" : "" }.joined(separator: " | ")) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
