internal import Foundation
internal import Glibc
internal import Synchronization

/// An HTTP server in front of a ``Service``: libmicrohttpd on its own threads, each with its own epoll.
///
///     socket ─ accepted ─ head ─ admit ─ body ─ suspended while the handler's task runs ─ response
///
/// Nothing blocks those threads. If a callback would have to wait, the connection is suspended, and the task that it waits for resumes it (see
/// ``Exchange``).
package final class Daemon: Sendable {
    private let core: DaemonCore
    private let socket: ListenSocket
    private let threads: Int
    private let tls: TLSFiles?
    private let listeners: Mutex<Listeners>
    /// The port in use.
    package var port: Int { socket.port }
    /// The server's address, as in `http://127.0.0.1:8080`.
    package let url: String

    /// The PEM files for TLS.
    package struct TLSFiles: Sendable {
        package let certificate: String
        package let key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    private struct Listeners {
        /// Nil once the server has stopped.
        var current: Listener?
        /// Listeners whose certificate was replaced and that still have connections.
        var retired: [Int: Listener] = [:]
        var nextRetired = 0
    }

    /// Starts the server.
    ///
    /// - Parameter address: Addresses beyond this machine require that the service has a key.
    /// - Parameter port: 0 chooses a free one.
    package init(
        _ service: Service, address: String = "127.0.0.1", port: Int = 8080, threads: Int = 2, tls: TLSFiles? = nil
    ) throws(DaemonError) {
        let socket = try ListenSocket(address: address, port: port, allowsOthers: !service.authentication.keys.isEmpty)
        var isOurs = true
        defer { if isOurs { _ = close(socket.descriptor) } }
        let limits = service.limits
        Self.raiseDescriptorLimit(to: limits.connections + 256)
        let core = DaemonCore(service, try Connections(limitPerAddress: limits.connectionsPerAddress, isSecure: tls != nil))
        let listener: Listener
        do throws(DaemonError) { listener = try Listener(core, socket: socket.descriptor, threads: threads, tls: tls) } catch {
            core.connections.stop()
            throw error
        }
        isOurs = false
        self.core = core
        self.socket = socket
        self.threads = threads
        self.tls = tls
        listeners = Mutex(Listeners(current: listener))
        let host = address.contains(":") ? "[\(address)]" : address
        url = "\(tls == nil ? "http" : "https")://\(host):\(socket.port)"
    }

    deinit { stopNow() }

    /// Reads the certificate and key again. Open connections keep the previous ones; new connections use the new ones.
    ///
    /// - Throws: If the files cannot be read or do not belong together; the previous ones stay in use.
    package func reloadCertificate() throws(DaemonError) {
        guard tls != nil else { return }
        let next = try Listener(core, socket: socket.descriptor, threads: threads, tls: tls)
        let place: Int? = listeners.withLock { listeners in
            guard let before = listeners.current else { return nil }
            before.retire()
            listeners.nextRetired += 1
            listeners.retired[listeners.nextRetired] = before
            listeners.current = next
            return listeners.nextRetired
        }
        guard let place else { return next.stop() }
        // Stopping joins threads, which a task must not wait for.
        Thread.detachNewThread { [weak self] in
            repeat { sleep(1) } while self?.hasConnections(place) == true
            self?.listeners.withLock { $0.retired.removeValue(forKey: place) }?.stop()
        }
    }

    private func hasConnections(_ retired: Int) -> Bool { listeners.withLock { ($0.retired[retired]?.connections ?? 0) > 0 } }

    /// Answers 503 to new requests, lets those in flight finish within `time`, and stops.
    package func drain(within time: Duration) async {
        core.draining.store(true, ordering: .releasing)
        let end = ContinuousClock.now + time
        while core.isBusy && ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(20)) }
        await stop()
    }

    /// Cancels requests in flight, gives them a second to end, and stops.
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
        let last: [Listener]? = listeners.withLock { listeners in
            guard let current = listeners.current else { return nil }
            defer { listeners = Listeners() }
            return listeners.retired.values + [current]
        }
        guard let last else { return }
        core.beginStop()
        for listener in last { listener.stop() }
        core.connections.stop()
        _ = close(socket.descriptor)
    }

    /// Each connection needs a descriptor, and the usual soft limit of 1,024 is lower than the hard one.
    private static func raiseDescriptorLimit(to count: Int) {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < rlim_t(count)
        else { return }
        limit.rlim_cur = min(limit.rlim_max, rlim_t(count))
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
