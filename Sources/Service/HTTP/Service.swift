package import Logging

/// Everything between a request and its response that needs no socket: routing, keys, origins, limits, errors, ids and the log. ``Daemon`` serves
/// it over TCP; tests run it in memory.
///
///     head ─ admit ─▶ refused(response)
///                  └▶ admitted(route, request) ─ body ─ answer ─▶ response ─ note
package struct Service: Sendable {
    /// A request that has ended.
    package struct Observation: Sendable {
        /// The pattern of the route; empty if there was none.
        package let route: String
        package let method: String
        /// 499 if the client had gone before a status could be sent.
        package let status: Int
        /// From the first line of the request to the last byte of the response.
        package let seconds: Double
        package let bytesSent: Int
    }

    package let router: Router
    package let authentication: Authentication
    package let crossOrigin: CrossOrigin
    package let hosts: AllowedHosts
    package let limits: Limits
    package let logger: Logger
    private let publicWords: @Sendable (String) -> String
    private let observe: (@Sendable (Observation) -> Void)?

    /// - Parameters:
    ///   - observe: Called at the end of each request, on a thread that must not be blocked.
    ///   - publicWords: Turns a handler's error message into what clients may read.
    package init(
        router: Router, keys: [AccessKey] = [], crossOrigin: CrossOrigin = .sameOrigin, hosts: AllowedHosts = .any,
        limits: Limits = Limits(), logger: Logger = Logger(label: "http"),
        observe: (@Sendable (Observation) -> Void)? = nil, publicWords: @escaping @Sendable (String) -> String = { $0 }
    ) {
        self.router = router
        self.authentication = Authentication(keys: keys)
        self.crossOrigin = crossOrigin
        self.hosts = hosts
        self.limits = limits
        self.logger = logger
        self.publicWords = publicWords
        self.observe = observe
    }

    package enum Admission: Sendable {
        /// `pattern` is the route's, if one was found.
        case refused(Response, pattern: String)
        /// The request has its id and parameters. Its body follows, of at most `bodyLimit` bytes.
        case admitted(Router.Route, Request, bodyLimit: Int)
    }

    /// Decides by the head of the request alone.
    package func admit(_ head: Request) -> Admission {
        var request = head
        if request.id.isEmpty { request.id = requestID(head.headers["x-request-id"]) }
        var pattern = ""
        do throws(HTTPError) {
            let declaredLength = try Framing.bodyLength(request)
            try request.resolveTarget()
            try hosts.admit(request.headers)
            try crossOrigin.admit(request.headers)
            let method = request.method == "HEAD" ? "GET" : request.method
            guard let match = try router.match(request.path),
                !match.isRest || match.routes[method] != nil || method == "OPTIONS"
            else {
                throw HTTPError(
                    404, "There is nothing at \(request.path). The routes are in /openapi.json.", code: "not_found")
            }
            pattern = match.routes.values.first?.pattern ?? ""
            if request.method == "OPTIONS" && match.routes["OPTIONS"] == nil {
                var response = Response(status: 204, headers: ["allow": match.allow])
                for (name, value) in crossOrigin.preflight(request, allow: match.allow) {
                    response.headers.add(name, value)
                }
                return .refused(finished(response, for: request), pattern: pattern)
            }
            guard let route = match.routes[method] else {
                throw HTTPError(
                    405, "\(request.path) does not take \(request.method); it takes \(match.allow).",
                    code: "method_not_allowed", headers: ["allow": match.allow])
            }
            if let key = try authentication.admit(request.headers, scope: route.scope) {
                (request.keyName, request.scopes) = (key.name, key.scopes)
            }
            request.parameters = match.parameters
            let limit = route.bodyLimit ?? limits.bodyBytes
            if let declaredLength, declaredLength > limit { throw Self.tooLarge(limit: limit) }
            return .admitted(route, request, bodyLimit: limit)
        } catch {
            return .refused(finished(error.response, for: request), pattern: pattern)
        }
    }

    /// Runs the route's handler. Any error becomes a response: an ``HTTPError`` its own, any other error a 500 that reveals nothing internal.
    package func answer(_ request: Request, by route: Router.Route) async -> Response {
        do {
            return finished(try await route.handler(request), for: request)
        } catch var error as HTTPError {
            error.message = publicWords(error.message)
            return finished(error.response, for: request)
        } catch is CancellationError {
            return finished(
                HTTPError.busy(503, "The request was cancelled before it was answered.").response, for: request)
        } catch {
            logger.error(
                "a handler failed",
                metadata: ["route": "\(route.method) \(route.pattern)", "id": "\(request.id)", "error": "\(error)"])
            let message = "The server failed on this request; its log has the reason under \(request.id)."
            return finished(HTTPError(500, message, code: "internal_error").response, for: request)
        }
    }

    /// The response with the header fields that every response has.
    package func finished(_ response: Response, for request: Request) -> Response {
        var response = finished(response, id: request.id)
        for (name, value) in crossOrigin.headers(for: request) { response.headers.add(name, value) }
        return response
    }

    func finished(_ response: Response, id: String) -> Response {
        var response = response
        response.headers["x-request-id"] = id
        return response
    }

    package static func tooLarge(limit: Int) -> HTTPError {
        HTTPError(413, "The body is larger than the \(limit) bytes that this route takes.", code: "body_too_large")
    }

    /// Logs a request that has ended, without its query, header fields and bodies.
    ///
    /// - Parameter trace: Its `traceparent`, as accepted by ``TraceContext``.
    func note(_ observation: Observation, id: String, path: String, trace: String?) {
        logger.info("request", metadata: metadata(observation, id, path, trace))
        observe?(observation)
    }

    private func metadata(_ observation: Observation, _ id: String, _ path: String, _ trace: String?) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "method": "\(observation.method)", "path": "\(path)", "status": .stringConvertible(observation.status),
            "ms": .stringConvertible(Int((observation.seconds * 1000).rounded())), "bytes": .stringConvertible(observation.bytesSent), "id": "\(id)",
        ]
        if let trace { metadata["traceparent"] = "\(trace)" }
        return metadata
    }

    /// The client's own id if it is acceptable, otherwise a new one.
    func requestID(_ supplied: String?) -> String {
        if let supplied, (1...128).contains(supplied.utf8.count), supplied.utf8.allSatisfy(isPlain) { return supplied }
        return newRequestID()
    }

    private func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
