internal import CMicroHTTP
internal import Synchronization

/// The part of a daemon that the callbacks use.
final class DaemonCore: Sendable {
    let service: Service
    let connections: Connections
    let draining = Atomic(false)
    private let stopping = Atomic(false)
    /// The number of requests that libmicrohttpd has begun and not ended.
    let open = Atomic(0)
    /// The number of handler tasks.
    let running = Atomic(0)
    /// The bytes of bodies being received or handled.
    let bodyBytes = Atomic(0)
    /// Those of them on disk.
    let spooledBytes = Atomic(0)
    let lastWords = Mutex("")
    private let drainingResponse: Response
    private let excessResponse: Response

    init(_ service: Service, _ connections: Connections) {
        self.service = service
        self.connections = connections
        func closing(_ error: HTTPError) -> Response {
            var response = error.response
            response.headers["connection"] = "close"
            return response
        }
        drainingResponse = closing(.busy(503, "The server is shutting down.", retryAfter: 5, code: "draining"))
        excessResponse = closing(
            .busy(
                429, "Your address has more connections open than one address may have.", code: "too_many_connections"))
    }

    var isStopping: Bool { stopping.load(ordering: .acquiring) }
    var isBusy: Bool { open.load(ordering: .acquiring) > 0 || running.load(ordering: .acquiring) > 0 }

    /// From here on no connection is suspended: stopping libmicrohttpd with a suspended one would abort the process.
    func beginStop() {
        draining.store(true, ordering: .releasing)
        stopping.store(true, ordering: .releasing)
        for record in connections.all { record.exchange.withLock { $0 }?.abandon() }
    }

    /// The first call for a request, when its head has arrived.
    ///
    /// A refusal is sent before the body, which closes the connection, only to a client that asks before it sends a body: it is not told to continue.
    /// Others would meet a broken connection while they send, and never read it.
    func begin(
        _ connection: OpaquePointer, method: UnsafePointer<CChar>, target: UnsafePointer<CChar>,
        version: UnsafePointer<CChar>, _ context: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) -> MHD_Result {
        guard let pointer = unsafe cmh_socket_context(connection) else { return .NO }
        let record = unsafe Unmanaged<ConnectionRecord>.fromOpaque(pointer).takeUnretainedValue()
        record.begin(within: record.isExcess ? 5000 : service.limits.requestTime.milliseconds)

        let layout = unsafe HeadLayout(connection, method: method, target: target, version: version)
        let (method, path) = unsafe (String(cString: method), String(cString: target))
        var pattern = ""
        let id = service.requestID(unsafe header("X-Request-Id", connection))
        record.requestID.withLock { $0 = id }
        var isChunked = false
        var isEarly = false
        let phase: Exchange.State.Phase
        if let fault = layout.fault {
            let error = HTTPError.framing("The head of the request is not HTTP/1.1: \(fault).", code: "malformed_head")
            phase = .decided(.init(response: service.finished(error.response, id: id)))
            isEarly = true
        } else if draining.load(ordering: .relaxed) {
            phase = .decided(.init(response: service.finished(drainingResponse, id: id)))
        } else if record.isExcess {
            phase = .decided(.init(response: service.finished(excessResponse, id: id)))
        } else if let choose = unsafe immediate(connection, method, path, layout) {
            pattern = path
            phase = .decided(.init(response: service.finished(choose(), id: id)))
        } else {
            var head = unsafe Request(
                connection, method: method, path: path, version: String(cString: version), peer: record.peer)
            head.id = id
            isChunked = head.headers["transfer-encoding"] != nil
            switch service.admit(head) {
            case .refused(let response, let found):
                pattern = found
                phase = .decided(.init(response: response))
                isEarly = response.closes || equalIgnoringCase(head.headers["expect"] ?? "", "100-continue")
                if !isEarly, layout.declaresBody { record.refuse(with: response) }
            case .admitted(let route, let request, let limit):
                pattern = route.pattern
                phase = .receiving(.init(route: route, request: request, bodyLimit: limit))
            }
        }
        let exchange = unsafe Exchange(
            self, record, connection, method: method, path: path, pattern: pattern, id: id,
            trace: TraceContext.parent(unsafe header("traceparent", connection)), isLast: isChunked, phase: phase)
        open.wrappingAdd(1, ordering: .relaxed)
        unsafe context.pointee = Unmanaged.passRetained(exchange).toOpaque()
        return isEarly ? exchange.proceed() : .YES
    }

    /// The handler of a route that answers at once. A request from a page, for another name or with a body takes the normal path, on which it may
    /// be refused.
    private func immediate(
        _ connection: OpaquePointer, _ method: String, _ path: String, _ layout: HeadLayout
    ) -> (@Sendable () -> Response)? {
        guard method == "GET" || method == "HEAD", !layout.declaresBody, layout.hosts < 2,
            let choose = service.router.immediate(path), unsafe header("Origin", connection) == nil,
            service.hosts.allows(unsafe header("Host", connection))
        else { return nil }
        return choose
    }

    private func header(_ name: String, _ connection: OpaquePointer) -> String? {
        unsafe MHD_lookup_connection_value(connection, .HEADER_KIND, name).map { unsafe String(cString: $0) }
    }
}
