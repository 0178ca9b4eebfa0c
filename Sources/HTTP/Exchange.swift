internal import CMicroHTTP
internal import Logging
internal import Synchronization

/// One request and its response on a connection.
///
///     receiving ─ whole ─▶ running (suspended) ─ deliver ─▶ ready (resumed) ─ send ─▶ sending ─▶ ended
///         └─ decided by the head: sent without a task   abandon: from anywhere, the task is cancelled
///
/// libmicrohttpd's thread owns the connection, except while it is suspended: then nothing but ``resume()`` may touch it,
/// and once only. The lock guards that, and the handover between the thread and the task.
@safe final class Exchange: @unchecked Sendable {
    enum Phase {
        case decided(Response)
        case admitted(Router.Route, Request, bodyLimit: Int)
        case running
        case ready(Response, BytePipe?)
        case sending
        case ended
    }

    private struct State {
        var phase: Phase
        var isSuspended = false
        var isAbandoned = false
        var task: Task<Void, Never>?
        var pipe: BytePipe?
    }

    let core: DaemonCore
    let record: ConnectionRecord
    private let connection: OpaquePointer
    private let started = monotonicNanoseconds()
    private let method: String
    private let path: String
    private let pattern: String
    private let id: String
    /// Whether the connection ends with this request: one in chunks has an end that libmicrohttpd before 1.0 takes too easily (bare
    /// LF, whatever stands behind a size), and another reader of the same bytes may see it elsewhere.
    private let isLast: Bool
    // Touched by the connection's thread alone.
    private var body: [UInt8] = []
    private var status = 499
    private var bytesSent = 0

    private let state: Mutex<State>

    init(
        _ core: DaemonCore, _ record: ConnectionRecord, _ connection: OpaquePointer, method: String, path: String,
        pattern: String, id: String, isLast: Bool, phase: Phase
    ) {
        self.core = core
        self.record = record
        unsafe self.connection = connection
        self.method = method
        self.path = path
        self.pattern = pattern
        self.id = id
        self.isLast = isLast
        state = Mutex(State(phase: phase))
    }

    // MARK: On the connection's thread

    /// Takes a piece of the body. What is too much is read and forgotten, for a short time, so that a client that sends
    /// to the end before it reads gets its answer.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        let admitted: (request: Request, limit: Int)? = state.withLock { state in
            if case .admitted(_, let request, let limit) = state.phase { return (request, limit) }
            return nil
        }
        guard let (request, limit) = admitted else { return }
        let held = core.bodyBytes.wrappingAdd(bytes.count, ordering: .relaxed).newValue
        unsafe body.append(contentsOf: bytes)
        if body.count > limit {
            refuse(Service.tooLarge(limit: limit), request)
        } else if held > core.service.limits.bodyBytesInTotal {
            refuse(.busy(503, "The bodies of all requests fill the server's memory.", code: "overloaded"), request)
        } else {
            record.extend(by: UInt64(bytes.count * 1000 / core.service.limits.bodyRate))
        }
    }

    private func refuse(_ error: HTTPError, _ request: Request) {
        var response = core.service.finished(error.response, for: request)
        response.headers["connection"] = "close"
        state.withLock { $0.phase = .decided(response) }
        releaseBody()
        record.expect(within: 5000, else: .tooLarge)
    }

    private func releaseBody() {
        core.bodyBytes.wrappingSubtract(body.count, ordering: .relaxed)
        body = []
    }

    /// Takes the next step of a request that has arrived in full, or of one that was resumed.
    func proceed() -> MHD_Result {
        enum Step {
            case send(Response, BytePipe?)
            case start(Router.Route, Request)
            case giveUp
        }
        let step: Step = state.withLock { state in
            if state.isAbandoned { return .giveUp }
            switch state.phase {
            case .decided(let response):
                state.phase = .sending
                return .send(response, nil)
            case .ready(let response, let pipe):
                state.phase = .sending
                return .send(response, pipe)
            case .admitted(let route, let request, _):
                if core.isStopping { return .giveUp }
                let running = core.running.wrappingAdd(1, ordering: .relaxed).newValue
                if running > core.service.limits.requestsInFlight {
                    core.running.wrappingSubtract(1, ordering: .relaxed)
                    state.phase = .sending
                    let error = HTTPError.busy(
                        429, "The server is at its limit of requests in flight.", code: "too_many_requests")
                    return .send(core.service.finished(error.response, for: request), nil)
                }
                state.phase = .running
                state.isSuspended = true
                unsafe MHD_suspend_connection(connection)
                return .start(route, request)
            case .running, .sending, .ended: return .giveUp
            }
        }
        record.expectNothing()
        switch step {
        case .giveUp:
            record.breakOff()
            return .NO
        case .send(let response, let pipe): return send(response, pipe)
        case .start(let route, let head):
            record.exchange.withLock { $0 = self }
            var request = head
            swap(&request.body, &body)
            start(route, request)
            return .YES
        }
    }

    /// Queues a refusal before the body has arrived; libmicrohttpd closes the connection after it.
    func sendEarly(_ response: Response) -> MHD_Result {
        state.withLock { $0.phase = .sending }
        record.expectNothing()
        return send(response, nil)
    }

    private func send(_ response: Response, _ pipe: BytePipe?) -> MHD_Result {
        var handle: OpaquePointer?
        var headers = response.headers
        if isLast { headers["connection"] = "close" }
        switch response.body {
        case .bytes(let bytes):
            bytesSent = bytes.count
            unsafe handle = wholeResponse(bytes, headers)
        case .stream:
            unsafe handle = streamedResponse(BodySource(self, pipe), headers)
        }
        guard let handle = unsafe handle else {
            core.service.logger.error(
                "a response could not be sent: a header has a line break, or memory is short",
                metadata: ["path": "\(path)", "headers": "\(response.headers)"])
            record.breakOff()
            return .NO
        }
        defer { unsafe MHD_destroy_response(handle) }
        status = response.status
        return unsafe MHD_queue_response(connection, UInt32(response.status), handle)
    }

    /// Suspends the connection until the pipe has bytes; `false` when it has to end instead.
    func suspendForBytes() -> Bool {
        state.withLock { state in
            if state.isAbandoned || core.isStopping { return false }
            state.isSuspended = true
            unsafe MHD_suspend_connection(connection)
            return true
        }
    }

    /// Ends the connection in the middle of a body, which the client then knows to be cut short.
    func breakOff() { record.breakOff() }

    /// libmicrohttpd is done with the request: sent, or broken off.
    func end() {
        let (task, pipe) = state.withLock { state in
            state.phase = .ended
            defer { (state.task, state.pipe) = (nil, nil) }
            return (state.task, state.pipe)
        }
        task?.cancel()
        if let pipe {
            bytesSent = pipe.total
            pipe.close()
        }
        releaseBody()
        record.exchange.withLock { $0 = nil }
        let seconds = Double(monotonicNanoseconds() - started) / 1e9
        core.service.note(
            .init(route: pattern, method: method, status: status, seconds: seconds, bytesSent: bytesSent), id: id,
            path: path)
    }

    // MARK: On any thread

    private func start(_ route: Router.Route, _ request: Request) {
        let bodyCount = request.body.count
        let task = Task(executorPreference: route.executor) { [self] in
            let response = await core.service.answer(request, by: route)
            await deliver(response)
            core.bodyBytes.wrappingSubtract(bodyCount, ordering: .relaxed)
            core.running.wrappingSubtract(1, ordering: .releasing)
        }
        let isLate = state.withLock { state in
            if case .ended = state.phase { return true }
            state.task = task
            return state.isAbandoned
        }
        if isLate { task.cancel() }
    }

    private func deliver(_ response: Response) async {
        guard case .stream(let produce) = response.body else {
            _ = hand(over: response, nil)
            return
        }
        let pipe = BytePipe { [self] in resume() }
        if method == "HEAD" {
            pipe.finish()
            _ = hand(over: response, pipe)
            return
        }
        guard hand(over: response, pipe) else { return }
        do {
            try await produce(pipe)
            pipe.finish()
        } catch {
            if !(error is CancellationError) {
                core.service.logger.error(
                    "a streamed answer broke off", metadata: ["path": "\(path)", "id": "\(id)", "error": "\(error)"])
            }
            pipe.fail()
        }
    }

    /// Whether there was a client left to take the response.
    private func hand(over response: Response, _ pipe: BytePipe?) -> Bool {
        state.withLock { state in
            guard case .running = state.phase, !state.isAbandoned else { return false }
            state.phase = .ready(response, pipe)
            state.pipe = pipe
            wake(&state)
            return true
        }
    }

    private func resume() { state.withLock { wake(&$0) } }

    private func wake(_ state: inout State) {
        guard state.isSuspended else { return }
        state.isSuspended = false
        unsafe MHD_resume_connection(connection)
    }

    /// The client has gone, or the daemon stops: cancels the handler and lets the connection close at once.
    func abandon() {
        let (task, pipe): (Task<Void, Never>?, BytePipe?) = state.withLock { state in
            if case .ended = state.phase { return (nil, nil) }
            state.isAbandoned = true
            wake(&state)
            return (state.task, state.pipe)
        }
        task?.cancel()
        // Outside the lock: a reader holds the pipe's lock when it takes this one.
        pipe?.close()
    }
}
