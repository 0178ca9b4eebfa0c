internal import CMicroHTTP
internal import Logging
internal import Synchronization

/// One request and its response on a connection.
///
/// ``ExchangeState`` decides what happens next, and this class does it. libmicrohttpd's thread owns the connection, except while it is suspended:
/// then only a resumption may touch it, and only once. The lock guards the state, the suspension that goes with it, and the handover between the
/// thread and the task.
@safe final class Exchange: @unchecked Sendable {
    typealias State = ExchangeState<Work, Answer>

    /// The input of the handler's task.
    struct Work: Sendable {
        let route: Router.Route
        var request: Request
        let bodyLimit: Int
    }

    /// A response, with the pipe of its body if it is streamed.
    struct Answer: Sendable {
        let response: Response
        var pipe: BytePipe?
    }

    private struct Guarded {
        var state: State
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
    private let trace: String?
    /// Whether the connection ends with this request. libmicrohttpd before 1.0 is too lenient about the end of a chunked body (bare LF, text after
    /// a size), and another reader of the same bytes may see the end elsewhere.
    private let isLast: Bool
    // Used only by the connection's thread.
    private var body: [UInt8] = []
    private var spooled: SpooledBody?
    private var status = 499
    private var bytesSent = 0

    private let guarded: Mutex<Guarded>

    init(
        _ core: DaemonCore, _ record: ConnectionRecord, _ connection: OpaquePointer, method: String, path: String,
        pattern: String, id: String, trace: String?, isLast: Bool, phase: State.Phase
    ) {
        self.core = core
        self.record = record
        unsafe self.connection = connection
        self.method = method
        self.path = path
        self.pattern = pattern
        self.id = id
        self.trace = trace
        self.isLast = isLast
        guarded = Mutex(Guarded(state: State(phase)))
    }

    /// Moves the state, and suspends or resumes the connection accordingly. The caller performs the remaining step.
    private func handle(_ event: State.Event) -> State.Actions {
        guarded.withLock { handle(event, &$0) }
    }

    private func handle(_ event: State.Event, _ guarded: inout Guarded) -> State.Actions {
        let actions = guarded.state.handle(event)
        switch actions.connection {
        case .suspend: unsafe MHD_suspend_connection(connection)
        case .resume: unsafe MHD_resume_connection(connection)
        case nil: break
        }
        return actions
    }

    /// The handler input that waits for the body; `nil` once the answer needs none.
    private var awaited: Work? {
        guarded.withLock { guarded in
            if case .receiving(let work) = guarded.state.phase { work } else { nil }
        }
    }

    // MARK: On the connection's thread

    /// Receives a piece of the body. That of a refused request is read and discarded.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard let work = awaited else { return record.discard() }
        let limits = core.service.limits
        if spooled == nil, work.route.spools, body.count + bytes.count > limits.spoolsFrom { moveToDisk() }
        guard unsafe hold(bytes) else {
            refuse(.busy(503, "The server's disk takes no more of the body.", code: "overloaded"), work.request)
            return
        }
        if body.count + (spooled?.count ?? 0) > work.bodyLimit {
            refuse(Service.tooLarge(limit: work.bodyLimit), work.request)
        } else if core.spooledBytes.load(ordering: .relaxed) > limits.spooledBytesInTotal {
            refuse(.busy(503, "The bodies of all requests fill the server's disk.", code: "overloaded"), work.request)
        } else if core.bodyBytes.load(ordering: .relaxed) > limits.bodyBytesInTotal {
            refuse(.busy(503, "The bodies of all requests fill the server's memory.", code: "overloaded"), work.request)
        } else {
            record.extend(by: UInt64(bytes.count * 1000 / limits.bodyRate))
        }
    }

    /// Counts and stores a piece of the body; false if the disk is full.
    private func hold(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if let spooled {
            core.spooledBytes.wrappingAdd(bytes.count, ordering: .relaxed)
            if unsafe spooled.append(bytes) { return true }
            core.spooledBytes.wrappingSubtract(bytes.count, ordering: .relaxed)
            return false
        }
        core.bodyBytes.wrappingAdd(bytes.count, ordering: .relaxed)
        unsafe body.append(contentsOf: bytes)
        return true
    }

    /// Moves the body received so far to a file. If the folder accepts none, it stays in memory.
    private func moveToDisk() {
        guard let file = SpooledBody(in: core.service.limits.spoolFolder), unsafe body.withUnsafeBytes({ unsafe file.append($0) }) else { return }
        core.spooledBytes.wrappingAdd(body.count, ordering: .relaxed)
        core.bodyBytes.wrappingSubtract(body.count, ordering: .relaxed)
        (spooled, body) = (file, [])
    }

    private func refuse(_ error: HTTPError, _ request: Request) {
        var response = core.service.finished(error.response, for: request)
        response.headers["connection"] = "close"
        _ = handle(.refuse(Answer(response: response)))
        releaseBody()
        record.refuse(with: response)
    }

    private func releaseBody() {
        core.bodyBytes.wrappingSubtract(body.count, ordering: .relaxed)
        core.spooledBytes.wrappingSubtract(spooled?.count ?? 0, ordering: .relaxed)
        (body, spooled) = ([], nil)
    }

    /// Takes the next step of a request: its answer is decided, it has arrived in full, or it was resumed.
    func proceed() -> MHD_Result {
        if let work = awaited { reservePlace(for: work.request) }
        let step = handle(.proceed).step
        record.expectNothing()
        switch step {
        case .send(let answer): return send(answer)
        case .start(var work):
            record.exchange.withLock { $0 = self }
            // A stop that looked for exchanges before this one existed did not find it.
            if core.isStopping { abandon() }
            swap(&work.request.body, &body)
            swap(&work.request.spooled, &spooled)
            start(work)
            return .YES
        case .breakOff, .cancel, nil:
            record.breakOff()
            return .NO
        }
    }

    /// Counts the request among the running ones, or refuses it. Nobody else knows the exchange yet, so a reserved place is always used.
    private func reservePlace(for request: Request) {
        if core.isStopping {
            abandon()
        } else if core.running.wrappingAdd(1, ordering: .relaxed).newValue > core.service.limits.requestsInFlight {
            core.running.wrappingSubtract(1, ordering: .relaxed)
            let error = HTTPError.busy(429, "The server is at its limit of requests in flight.", code: "too_many_requests")
            _ = handle(.refuse(Answer(response: core.service.finished(error.response, for: request))))
        }
    }

    private func send(_ answer: Answer) -> MHD_Result {
        let response = answer.response
        var handle: OpaquePointer?
        var headers = response.headers
        if isLast { headers["connection"] = "close" }
        switch response.body {
        case .bytes(let bytes):
            bytesSent = bytes.count
            unsafe handle = wholeResponse(bytes, headers)
        case .stream:
            unsafe handle = streamedResponse(BodySource(self, answer.pipe), headers)
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

    /// Suspends the connection until the pipe has bytes; `false` if it must end instead.
    func suspendForBytes() -> Bool { handle(.wait).connection == .suspend }

    /// Ends the connection in the middle of a body, so that the client knows it is incomplete.
    func breakOff() { record.breakOff() }

    /// Called when libmicrohttpd has finished the request, whether it was sent or broken off.
    func end() {
        if let pipe = perform(.end) { bytesSent = pipe.total }
        // The pipe's closure retains this exchange.
        guarded.withLock { ($0.task, $0.pipe) = (nil, nil) }
        releaseBody()
        record.exchange.withLock { $0 = nil }
        let seconds = Double(monotonicNanoseconds() - started) / 1e9
        core.service.note(
            .init(route: pattern, method: method, status: status, seconds: seconds, bytesSent: bytesSent), id: id,
            path: path, trace: trace)
    }

    // MARK: On any thread

    private func start(_ work: Work) {
        let task = Task(executorPreference: work.route.executor) { [self] in
            let response = await core.service.answer(work.request, by: work.route)
            await deliver(response)
            core.bodyBytes.wrappingSubtract(work.request.body.count, ordering: .relaxed)
            core.spooledBytes.wrappingSubtract(work.request.spooled?.count ?? 0, ordering: .relaxed)
            core.running.wrappingSubtract(1, ordering: .releasing)
        }
        let isLate = guarded.withLock { guarded in
            if !guarded.state.isOver { guarded.task = task }
            return guarded.state.isOver
        }
        if isLate { task.cancel() }
    }

    private func deliver(_ response: Response) async {
        guard case .stream(let produce) = response.body else {
            _ = hand(over: response, nil)
            return
        }
        let pipe = BytePipe { [self] in _ = handle(.wake) }
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

    /// Whether a client was left to receive the response.
    private func hand(over response: Response, _ pipe: BytePipe?) -> Bool {
        guarded.withLock { guarded in
            let isTaken = handle(.deliver(Answer(response: response, pipe: pipe)), &guarded).connection == .resume
            if isTaken { guarded.pipe = pipe }
            return isTaken
        }
    }

    /// The client has gone, or the daemon stops: cancels the handler and lets the connection close at once.
    func abandon() { _ = perform(.abandon) }

    /// Handles an event that may cancel the task, and returns the pipe that the task writes into.
    private func perform(_ event: State.Event) -> BytePipe? {
        let (step, task, pipe) = guarded.withLock { guarded in
            (handle(event, &guarded).step, guarded.task, guarded.pipe)
        }
        if case .cancel = step {
            task?.cancel()
            // Outside the lock: a reader holds the pipe's lock when it takes this one.
            pipe?.close()
        }
        return pipe
    }
}
