/// Finds the route for a method and a path.
///
/// Patterns consist of literal segments, `{name}` (one segment, percent-decoded, so that an id may contain an encoded slash) and, at the end,
/// `{name...}` (the rest of the path). Literals take precedence over parameters, and parameters over the rest. Routes for `GET` also answer `HEAD`.
package struct Router: Sendable {
    package typealias Handler = @Sendable (Request) async throws -> Response

    /// One method of one pattern.
    package struct Route: Sendable {
        package let method: String
        package let pattern: String
        /// The scope that a key needs; `nil` opens the route to everyone.
        package let scope: Scope?
        /// The largest body in bytes; `nil` means ``Limits/bodyBytes``.
        package let bodyLimit: Int?
        /// Whether large bodies are stored on disk, as ``Request/spooled``.
        let spools: Bool
        let handler: Handler
        /// The executor of the handler and of a streamed body; nil for the cooperative threads.
        let executor: (any TaskExecutor)?
    }

    /// The routes of a path.
    struct Match {
        let routes: [String: Route]
        let parameters: [String: String]
        /// Whether the path matched a `{name...}`, which does not mean that something exists there.
        let isRest: Bool

        var allow: String {
            var methods = Set(routes.keys).union(["OPTIONS"])
            if methods.contains("GET") { methods.insert("HEAD") }
            return methods.sorted().joined(separator: ", ")
        }
    }

    private struct Node: Sendable {
        var literals: [String: Node] = [:]
        /// An array of at most one element, because a struct cannot contain itself.
        var parameter: [Node] = []
        var routes: [String: Route] = [:]
        var rest: [String: Route] = [:]
    }

    private var root = Node()
    private var immediates: [String: @Sendable () -> Response] = [:]
    /// The executor of routes added from here on; nil for Swift's cooperative threads, which no handler may block.
    package var executor: (any TaskExecutor)?
    /// Every route in the order of registration, for documentation and metrics.
    package private(set) var routes: [Route] = []

    package init() {}

    package mutating func on(
        _ method: String, _ pattern: String, scope: Scope? = nil, bodyLimit: Int? = nil, spools: Bool = false, _ handler: @escaping Handler
    ) {
        let route = Route(
            method: method, pattern: pattern, scope: scope, bodyLimit: bodyLimit, spools: spools, handler: handler, executor: executor)
        precondition(pattern.hasPrefix("/"), "a pattern starts with a slash, found \(pattern)")
        Self.insert(route, segments(of: pattern), into: &root)
        routes.append(route)
    }

    package mutating func get(_ pattern: String, scope: Scope? = nil, _ handler: @escaping Handler) {
        on("GET", pattern, scope: scope, handler)
    }

    package mutating func post(
        _ pattern: String, scope: Scope? = nil, bodyLimit: Int? = nil, spools: Bool = false, _ handler: @escaping Handler
    ) {
        on("POST", pattern, scope: scope, bodyLimit: bodyLimit, spools: spools, handler)
    }

    package mutating func delete(_ pattern: String, scope: Scope? = nil, _ handler: @escaping Handler) {
        on("DELETE", pattern, scope: scope, handler)
    }

    /// Adds a public `GET` that is answered on the connection's own thread, without a task. Meant for `/health` and the like; `choose` must not
    /// block.
    package mutating func immediate(_ path: String, _ choose: @escaping @Sendable () -> Response) {
        immediates[path] = choose
        get(path) { _ in choose() }
    }

    func immediate(_ path: String) -> (@Sendable () -> Response)? { immediates[path] }

    /// - Throws: 400 for a parameter with a broken escape.
    func match(_ path: String) throws(HTTPError) -> Match? {
        let segments = segments(of: path)
        var captured: [Substring] = []
        guard let (routes, rest) = Self.find(segments[...], root, &captured) else { return nil }
        guard let pattern = routes.values.first?.pattern else { return nil }
        var values = captured.makeIterator()
        var parameters: [String: String] = [:]
        for segment in self.segments(of: pattern) where segment.hasPrefix("{") {
            let isRest = segment.hasSuffix("...}")
            let name = String(segment.dropFirst().dropLast(isRest ? 4 : 1))
            let raw = isRest ? rest.joined(separator: "/") : String(values.next() ?? "")
            guard let value = percentDecoded(raw) else {
                throw HTTPError(400, "The path \(path) has a broken percent escape in {\(name)}.", code: "invalid_path")
            }
            parameters[name] = value
        }
        return Match(routes: routes, parameters: parameters, isRest: pattern.hasSuffix("...}"))
    }

    private func segments(of path: String) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }

    private static func insert(_ route: Route, _ segments: [Substring], into node: inout Node) {
        guard let first = segments.first else {
            precondition(node.routes[route.method] == nil, "\(route.method) \(route.pattern) is routed twice")
            node.routes[route.method] = route
            return
        }
        if first.hasPrefix("{") && first.hasSuffix("...}") {
            precondition(segments.count == 1, "\(first) stands at the end of a pattern, found \(route.pattern)")
            node.rest[route.method] = route
        } else if first.hasPrefix("{") {
            if node.parameter.isEmpty { node.parameter = [Node()] }
            insert(route, Array(segments.dropFirst()), into: &node.parameter[0])
        } else {
            insert(route, Array(segments.dropFirst()), into: &node.literals[String(first), default: Node()])
        }
    }

    private static func find(
        _ segments: ArraySlice<Substring>, _ node: Node, _ captured: inout [Substring]
    ) -> (routes: [String: Route], rest: ArraySlice<Substring>)? {
        guard let first = segments.first else { return node.routes.isEmpty ? nil : (node.routes, []) }
        if let next = node.literals[String(first)], let found = find(segments.dropFirst(), next, &captured) {
            return found
        }
        if let next = node.parameter.first, !first.isEmpty {
            captured.append(first)
            if let found = find(segments.dropFirst(), next, &captured) { return found }
            captured.removeLast()
        }
        return node.rest.isEmpty ? nil : (node.rest, segments)
    }
}
