internal import CMicroHTTP
internal import Files
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
        if let tls, let mode = SecretFile(tls.key).looseMode {
            service.logger.warning("other users can read the private key \(tls.key) (mode \(mode)): chmod 600 closes it")
        }
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
                unsafe Self.tlsPriorities.withCString { priorities in
                    unsafe cmh_start(
                        cmh_options(
                            flags: flags, listen_socket: socket.descriptor, threads: UInt32(max(1, threads)),
                            connections: UInt32(limits.connections), connection_memory: limits.headerBytes,
                            stall_seconds: UInt32(limits.stallTime.components.seconds), tls_key: key,
                            tls_certificate: certificate, tls_priorities: priorities,
                            context: Unmanaged.passUnretained(core).toOpaque(),
                            access: access, completed: completed, connection: connectionChanged, unescape: keepEscapes,
                            log: log))
                }
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

    /// TLS 1.2 and 1.3, with keys that are agreed upon anew for each connection: who gets hold of the private key later cannot read
    /// what was recorded before.
    private static let tlsPriorities =
        "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:%SERVER_PRECEDENCE"

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
            throw .unreadableTLS(path: path, reason: FileError(reading: path, error).reason)
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

private func withOptionalCString<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    if let text { return unsafe text.withCString { unsafe body($0) } }
    return body(nil)
}
