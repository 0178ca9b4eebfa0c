internal import CMicroHTTP
internal import Files
internal import Foundation
internal import Glibc
internal import Logging
internal import Synchronization

/// One of libmicrohttpd's daemons: threads that accept connections from a socket and serve them, with one certificate.
///
/// Several may share a socket. One that is retired accepts nothing any more, and serves the connections that it has.
@safe struct Listener: @unchecked Sendable {
    private let handle: OpaquePointer

    /// - Parameter socket: is listened on through a descriptor of the listener's own.
    init(_ core: DaemonCore, socket: Int32, threads: Int, tls: Daemon.TLSFiles?) throws(DaemonError) {
        let certificate = try tls.map { tls throws(DaemonError) in try Self.pem(tls.certificate) }
        let key = try tls.map { tls throws(DaemonError) in try Self.pem(tls.key) }
        if let tls, let mode = SecretFile(tls.key).looseMode {
            core.service.logger.warning("other users can read the private key \(tls.key) (mode \(mode)): chmod 600 closes it")
        }
        let own = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard own >= 0 else { throw .cannotStart(reason: "no file descriptors are left to listen with") }
        let limits = core.service.limits
        var flags =
            MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue | MHD_USE_ITC.rawValue
            | MHD_USE_ERROR_LOG.rawValue | MHD_USE_TURBO.rawValue
        if tls != nil { flags |= MHD_USE_TLS.rawValue }
        let started: OpaquePointer? = unsafe withOptionalCString(key) { key in
            unsafe withOptionalCString(certificate) { certificate in
                unsafe Self.tlsPriorities.withCString { priorities in
                    unsafe cmh_start(
                        cmh_options(
                            flags: flags, listen_socket: own, threads: UInt32(max(1, threads)),
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
            _ = close(own)
            let reason = core.lastWords.withLock { $0 }
            throw .cannotStart(reason: reason.isEmpty ? "libmicrohttpd gave no reason" : reason)
        }
        unsafe handle = started
    }

    /// TLS 1.2 and 1.3, with keys that are agreed upon anew for each connection: who gets hold of the private key later cannot read
    /// what was recorded before.
    private static let tlsPriorities =
        "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:%SERVER_PRECEDENCE"

    /// Open connections.
    var connections: Int { Int(unsafe cmh_connections(handle)) }

    /// Accepts nothing from here on. What waits in the socket's queue is left to the other listeners.
    func retire() { _ = close(unsafe MHD_quiesce_daemon(handle)) }

    /// Ends the threads. No connection may be suspended.
    func stop() { unsafe MHD_stop_daemon(handle) }

    private static func pem(_ path: String) throws(DaemonError) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw .unreadableTLS(path: path, reason: FileError(reading: path, error).reason)
        }
    }
}

private func withOptionalCString<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
    if let text { return unsafe text.withCString { unsafe body($0) } }
    return body(nil)
}
