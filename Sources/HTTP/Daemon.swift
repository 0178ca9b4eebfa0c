internal import CMicroHTTP
internal import Foundation
internal import Glibc
internal import Logging
internal import Synchronization

/// An HTTP server: libmicrohttpd on threads of its own, each with its own epoll, in front of a ``Service``.
///
///     socket ─ accepted ─ head ─ admit ─ body ─ suspended while the handler's task runs ─ response
///
/// Nothing blocks those threads. Where a callback would have to wait, the connection is suspended, and the task that it
/// waits for resumes it (see ``Exchange``).
@safe package final class Daemon: @unchecked Sendable {
    private let core: DaemonCore
    private let handle: OpaquePointer
    private let isStopped = Atomic(false)
    /// The port in force.
    package let port: Int
    /// Where the server can be reached, as in `http://127.0.0.1:8080`.
    package let url: String

    /// PEM files that make the server speak TLS.
    package struct TLSFiles: Sendable {
        package let certificate: String
        package let key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// Starts to serve.
    ///
    /// - Parameter address: Addresses other than this machine's own need a key in the service.
    /// - Parameter port: 0 takes a free one.
    package init(
        _ service: Service, address: String = "127.0.0.1", port: Int = 8080, threads: Int = 2, tls: TLSFiles? = nil
    ) throws(DaemonError) {
        let socket = try ListenSocket(address: address, port: port, allowsOthers: !service.authentication.keys.isEmpty)
        var isOurs = true
        defer { if isOurs { _ = close(socket.descriptor) } }
        let certificate = try tls.map { tls throws(DaemonError) in try Self.pem(tls.certificate) }
        let key = try tls.map { tls throws(DaemonError) in try Self.pem(tls.key) }
        let limits = service.limits
        Self.raiseDescriptorLimit(to: limits.connections + 256)

        let core = DaemonCore(
            service, try Connections(limitPerAddress: limits.connectionsPerAddress, isSecure: tls != nil))
        var flags =
            MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue | MHD_USE_ITC.rawValue
            | MHD_USE_ERROR_LOG.rawValue | MHD_USE_TURBO.rawValue
        if tls != nil { flags |= MHD_USE_TLS.rawValue }
        let started: OpaquePointer? = unsafe withOptionalCString(key) { key in
            unsafe withOptionalCString(certificate) { certificate in
                unsafe cmh_start(
                    cmh_options(
                        flags: flags, listen_socket: socket.descriptor, threads: UInt32(max(1, threads)),
                        connections: UInt32(limits.connections), connection_memory: limits.headerBytes,
                        stall_seconds: UInt32(limits.stallTime.components.seconds), tls_key: key,
                        tls_certificate: certificate, context: Unmanaged.passUnretained(core).toOpaque(),
                        access: access, completed: completed, connection: connectionChanged, unescape: keepEscapes,
                        log: log))
            }
        }
        guard let started = unsafe started else {
            core.connections.stop()
            let reason = core.lastWords.withLock { $0 }
            throw .cannotStart(reason: reason.isEmpty ? "libmicrohttpd gave no reason" : reason)
        }
        isOurs = false
        self.core = core
        unsafe handle = started
        self.port = socket.port
        let host = address.contains(":") ? "[\(address)]" : address
        url = "\(tls == nil ? "http" : "https")://\(host):\(socket.port)"
    }

    deinit { stopNow() }

    /// Answers 503 to new requests, lets those in flight finish, for `time` at most, and stops.
    package func drain(within time: Duration) async {
        core.draining.store(true, ordering: .releasing)
        let end = ContinuousClock.now + time
        while core.isBusy && ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(20)) }
        await stop()
    }

    /// Cancels what is in flight, gives it a second to end, and stops.
    package func stop() async {
        core.beginStop()
        let end = ContinuousClock.now + .seconds(1)
        while core.isBusy && ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
        await withCheckedContinuation { continuation in
            // Joining libmicrohttpd's threads blocks, which a task must not.
            Thread.detachNewThread { [self] in
                stopNow()
                continuation.resume()
            }
        }
    }

    private func stopNow() {
        guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        core.beginStop()
        unsafe MHD_stop_daemon(handle)
        core.connections.stop()
    }

    private static func pem(_ path: String) throws(DaemonError) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw .unreadableTLS(path: path, reason: error.localizedDescription)
        }
    }

    /// Each connection takes a descriptor, and the usual soft limit of 1,024 is less than what the hard one allows.
    private static func raiseDescriptorLimit(to count: Int) {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < rlim_t(count)
        else { return }
        limit.rlim_cur = min(limit.rlim_max, rlim_t(count))
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// What the callbacks need of a daemon.
final class DaemonCore: Sendable {
    let service: Service
    let connections: Connections
    let draining = Atomic(false)
    private let stopping = Atomic(false)
    /// Requests that libmicrohttpd has begun and not ended.
    let open = Atomic(0)
    /// Handlers' tasks.
    let running = Atomic(0)
    /// Bytes of bodies that are being received or handled.
    let bodyBytes = Atomic(0)
    let lastWords = Mutex("")
    let drainingResponse: FixedResponse
    let excessResponse: FixedResponse

    init(_ service: Service, _ connections: Connections) {
        self.service = service
        self.connections = connections
        func closing(_ error: HTTPError) -> FixedResponse {
            var response = error.response
            response.headers["connection"] = "close"
            return FixedResponse(response)
        }
        drainingResponse = closing(.busy(503, "The server is shutting down.", retryAfter: 5, code: "draining"))
        excessResponse = closing(
            .busy(
                429, "Your address has more connections open than one address may have.", code: "too_many_connections"))
    }

    var isStopping: Bool { stopping.load(ordering: .acquiring) }
    var isBusy: Bool { open.load(ordering: .acquiring) > 0 || running.load(ordering: .acquiring) > 0 }

    /// From here on no connection is suspended: stopping libmicrohttpd with one would abort the process.
    func beginStop() {
        draining.store(true, ordering: .releasing)
        stopping.store(true, ordering: .releasing)
        for record in connections.all { record.exchange.withLock { $0 }?.abandon() }
    }

    /// The first call for a request, when its head has arrived.
    fileprivate func begin(
        _ connection: OpaquePointer, method: String, path: String,
        _ context: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) -> MHD_Result {
        guard let pointer = unsafe cmh_socket_context(connection) else { return .NO }
        let record = unsafe Unmanaged<ConnectionRecord>.fromOpaque(pointer).takeUnretainedValue()
        record.expect(within: record.isExcess ? 5000 : service.limits.requestTime.milliseconds, else: .timeout)

        var pattern = ""
        var id = ""
        var early: Response?
        let phase: Exchange.Phase
        if draining.load(ordering: .relaxed) {
            phase = .fixed(drainingResponse)
        } else if record.isExcess {
            phase = .fixed(excessResponse)
        } else if let choose = unsafe immediate(connection, method, path) {
            pattern = path
            phase = .fixed(choose())
        } else {
            let head = unsafe Request(connection, method: method, path: path, peer: record.peer)
            switch service.admit(head) {
            case .refused(let response, let found):
                pattern = found
                phase = .refused(response)
                // A short body is read first, which saves the connection and makes sure that the answer is read.
                if let length = head.headers["content-length"].flatMap(Int.init), length > 1 << 20 { early = response }
            case .admitted(let route, let request, let limit):
                pattern = route.pattern
                id = request.id
                phase = .admitted(route, request, bodyLimit: limit)
            }
        }
        let exchange = unsafe Exchange(
            self, record, connection, method: method, path: path, pattern: pattern, id: id, phase: phase)
        open.wrappingAdd(1, ordering: .relaxed)
        unsafe context.pointee = Unmanaged.passRetained(exchange).toOpaque()
        return early.map { exchange.sendEarly($0) } ?? .YES
    }

    private func immediate(_ connection: OpaquePointer, _ method: String, _ path: String) -> (
        @Sendable () -> FixedResponse
    )? {
        guard method == "GET" || method == "HEAD", let choose = service.router.immediate(path) else { return nil }
        // What depends on the client's origin goes the long way.
        return unsafe MHD_lookup_connection_value(connection, .HEADER_KIND, "Origin") == nil ? choose : nil
    }
}

private func withOptionalCString<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    if let text { return unsafe text.withCString { unsafe body($0) } }
    return body(nil)
}

extension Request {
    fileprivate init(_ connection: OpaquePointer, method: String, path: String, peer: String) {
        self.init(method: method, path: path, peer: peer)
        unsafe withUnsafeMutablePointer(to: &self) { request in
            _ = unsafe MHD_get_connection_values_n(connection, .HEADER_KIND, addHeader, request)
            _ = unsafe MHD_get_connection_values_n(connection, .GET_ARGUMENT_KIND, addArgument, request)
        }
    }
}

// MARK: Callbacks
//
// They run on libmicrohttpd's threads, so they are functions of the file: a closure could be taken for an actor's.

private func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String {
    guard let bytes = unsafe bytes else { return "" }
    return unsafe String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
}

private func addHeader(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ key: UnsafePointer<CChar>?, _ keyCount: Int,
    _ value: UnsafePointer<CChar>?, _ valueCount: Int
) -> MHD_Result {
    unsafe context?.assumingMemoryBound(to: Request.self).pointee.headers.add(
        text(key, keyCount), text(value, valueCount))
    return .YES
}

private func addArgument(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ key: UnsafePointer<CChar>?, _ keyCount: Int,
    _ value: UnsafePointer<CChar>?, _ valueCount: Int
) -> MHD_Result {
    // libmicrohttpd has made spaces of the plus signs; the escapes it left to us.
    let name = unsafe text(key, keyCount)
    let value = unsafe text(value, valueCount)
    unsafe context?.assumingMemoryBound(to: Request.self).pointee.query.add(
        percentDecoded(name, requireUTF8: false) ?? name, percentDecoded(value, requireUTF8: false) ?? value)
    return .YES
}

/// Escapes stay in the path, so that an encoded slash does not become a separator.
private func keepEscapes(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ text: UnsafeMutablePointer<CChar>?
) -> Int {
    unsafe text.map { unsafe strlen($0) } ?? 0
}

private func access(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ upload: UnsafePointer<CChar>?,
    _ uploadCount: UnsafeMutablePointer<Int>?, _ exchange: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context = unsafe context, let connection = unsafe connection, let url = unsafe url,
        let method = unsafe method, let uploadCount = unsafe uploadCount, let exchange = unsafe exchange
    else { return .NO }
    guard let current = unsafe exchange.pointee else {
        let core = unsafe Unmanaged<DaemonCore>.fromOpaque(context).takeUnretainedValue()
        return unsafe core.begin(connection, method: String(cString: method), path: String(cString: url), exchange)
    }
    let running = unsafe Unmanaged<Exchange>.fromOpaque(current).takeUnretainedValue()
    if unsafe uploadCount.pointee > 0 {
        unsafe running.receive(UnsafeRawBufferPointer(start: upload, count: uploadCount.pointee))
        unsafe uploadCount.pointee = 0
        return .YES
    }
    return running.proceed()
}

private func completed(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ exchange: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ reason: MHD_RequestTerminationCode
) {
    guard let pointer = unsafe exchange?.pointee else { return }
    unsafe exchange?.pointee = nil
    let ended = unsafe Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue()
    ended.end()
    ended.record.expect(within: ended.core.service.limits.idleTime.milliseconds, else: .silence)
    ended.core.open.wrappingSubtract(1, ordering: .releasing)
}

private func connectionChanged(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ record: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ change: MHD_ConnectionNotificationCode
) {
    guard let context = unsafe context, let connection = unsafe connection, let record = unsafe record else { return }
    let core = unsafe Unmanaged<DaemonCore>.fromOpaque(context).takeUnretainedValue()
    if change == .CONNECTION_NOTIFY_STARTED {
        let peer = unsafe cmh_peer(connection).map { unsafe numericAddress($0) } ?? "unknown"
        let opened = core.connections.open(socket: unsafe cmh_socket(connection), peer: peer)
        opened.expect(within: opened.isExcess ? 5000 : core.service.limits.requestTime.milliseconds, else: .timeout)
        unsafe record.pointee = Unmanaged.passRetained(opened).toOpaque()
    } else if let pointer = unsafe record.pointee {
        core.connections.close(unsafe Unmanaged<ConnectionRecord>.fromOpaque(pointer).takeRetainedValue())
        unsafe record.pointee = nil
    }
}

/// The body of a streamed response, as libmicrohttpd asks for it.
final class BodySource {
    fileprivate let exchange: Exchange
    fileprivate let pipe: BytePipe?

    init(_ exchange: Exchange, _ pipe: BytePipe?) {
        self.exchange = exchange
        self.pipe = pipe
    }
}

func streamedResponse(_ source: BodySource, _ headers: Headers) -> OpaquePointer? {
    let retained = unsafe Unmanaged.passRetained(source)
    guard let handle = unsafe MHD_create_response_from_callback(.max, 32 << 10, readBody, retained.toOpaque(), freeBody)
    else {
        unsafe retained.release()
        return nil
    }
    guard unsafe addHeaders(headers, to: handle) else {
        unsafe MHD_destroy_response(handle)
        return nil
    }
    return unsafe handle
}

private func readBody(
    _ context: UnsafeMutableRawPointer?, _ position: UInt64, _ target: UnsafeMutablePointer<CChar>?, _ room: Int
) -> Int {
    let endOfStream = -1
    let endWithError = -2
    guard let context = unsafe context else { return endWithError }
    let source = unsafe Unmanaged<BodySource>.fromOpaque(context).takeUnretainedValue()
    guard let pipe = source.pipe else { return endOfStream }
    let buffer = unsafe UnsafeMutableRawBufferPointer(start: target, count: room)
    switch unsafe pipe.read(into: buffer, whenEmpty: { source.exchange.suspendForBytes() }) {
    case .bytes(let count): return count
    case .empty: return 0
    case .end: return endOfStream
    case .failed:
        source.exchange.breakOff()
        return endWithError
    }
}

private func freeBody(_ context: UnsafeMutableRawPointer?) {
    if let context = unsafe context { unsafe Unmanaged<BodySource>.fromOpaque(context).release() }
}

private func log(_ context: UnsafeMutableRawPointer?, _ format: UnsafePointer<CChar>?, _ arguments: CVaListPointer?) {
    guard let context = unsafe context, let arguments = unsafe arguments else { return }
    var buffer = [CChar](repeating: 0, count: 512)
    _ = unsafe cmh_format(&buffer, 512, format, arguments)
    let words = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    let core = unsafe Unmanaged<DaemonCore>.fromOpaque(context).takeUnretainedValue()
    core.lastWords.withLock { $0 = words }
    core.service.logger.debug("libmicrohttpd: \(words)")
}
