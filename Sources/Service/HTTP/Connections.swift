internal import CMicroHTTP
internal import Foundation
internal import Glibc
internal import Synchronization
internal import Workers

/// One open connection.
final class ConnectionRecord: Sendable {
    /// What a client is told when its time is up.
    enum Farewell: UInt8 {
        case silence
        case timeout
        /// The request was refused, and the rest of its body did not come to an end.
        case refusal
    }

    /// How long the body of a refused request is read and discarded, in milliseconds: a client that sends everything before it reads would otherwise
    /// meet a broken connection in place of the refusal.
    private static let discardTime: UInt64 = 30_000
    /// The longest pause in such a body.
    private static let discardPause: UInt64 = 2000

    let id: UInt64
    let socket: Int32
    let peer: String
    /// Whether its address already has as many connections as allowed.
    let isExcess: Bool
    fileprivate let isSecure: Bool
    /// In milliseconds of the monotonic clock; 0 while the client has nothing to deliver.
    private let deadline = Atomic<UInt64>(0)
    private let farewell = Atomic<UInt8>(0)
    private let isGone = Atomic(false)
    private let refusal = Mutex<(response: Response, end: UInt64)?>(nil)
    /// The id of the request being received; empty until its head has arrived.
    let requestID = Mutex("")
    /// The exchange whose handler runs or whose body is being sent.
    let exchange = Mutex<Exchange?>(nil)

    init(id: UInt64, socket: Int32, peer: String, isExcess: Bool, isSecure: Bool) {
        self.id = id
        self.socket = socket
        self.peer = peer
        self.isExcess = isExcess
        self.isSecure = isSecure
    }

    func expect(within milliseconds: UInt64, else farewell: Farewell) {
        self.farewell.store(farewell.rawValue, ordering: .relaxed)
        let time = isGone.load(ordering: .acquiring) ? min(milliseconds, 1000) : milliseconds
        deadline.store(monotonicMilliseconds() + time, ordering: .relaxed)
    }

    /// The head of a request has arrived; its body is to follow.
    func begin(within milliseconds: UInt64) {
        refusal.withLock { $0 = nil }
        expect(within: milliseconds, else: .timeout)
    }

    /// A request whose body is still to come is refused with `response`, which is sent when the body has ended or its time is up.
    func refuse(with response: Response) {
        refusal.withLock { $0 = (response, monotonicMilliseconds() + Self.discardTime) }
        discard()
    }

    /// A piece of a refused request's body has come.
    func discard() {
        guard let end = refusal.withLock({ $0?.end }) else { return }
        let now = monotonicMilliseconds()
        if now < end { expect(within: min(Self.discardPause, end - now), else: .refusal) }
    }

    func extend(by milliseconds: UInt64) { deadline.wrappingAdd(milliseconds, ordering: .relaxed) }

    /// Closes the connection in both directions. In its turbo mode, libmicrohttpd leaves the socket of a broken response open until something
    /// happens on it; this does.
    func breakOff() { _ = shutdown(socket, Int32(SHUT_RDWR)) }

    /// The client has closed its side. Bytes that it sent before may still be in transit, and libmicrohttpd can miss that nothing follows.
    fileprivate func hangUp() {
        isGone.store(true, ordering: .releasing)
        if let exchange = exchange.withLock({ $0 }) {
            exchange.abandon()
        } else {
            expect(within: 1000, else: .silence)
        }
    }

    func expectNothing() { deadline.store(0, ordering: .relaxed) }

    /// Cuts the connection off when its time is up. libmicrohttpd then reads the end of the stream and closes it.
    fileprivate func end(at now: UInt64) {
        let due = deadline.load(ordering: .relaxed)
        guard due != 0, due <= now else { return }
        expectNothing()
        let last: Response? =
            switch Farewell(rawValue: farewell.load(ordering: .relaxed)) {
            case .timeout: HTTPError(408, "The request did not arrive in time.", code: "request_timeout").response
            case .refusal: refusal.withLock { $0?.response }
            case .silence, nil: nil
            }
        // libmicrohttpd cannot answer before a request is complete. No response has begun then, so it can be written directly, except on TLS.
        if let last, !isSecure, case .bytes(let body) = last.body {
            var headers = last.headers
            headers["connection"] = "close"
            headers["content-length"] = String(body.count)
            headers["x-request-id"] = requestID.withLock { $0.isEmpty ? newRequestID() : $0 }
            let fields = headers.fields.map { "\($0.name): \($0.value)\r\n" }.joined()
            let reason = unsafe String(cString: MHD_get_reason_phrase_for(UInt32(last.status)))
            let message = Array("HTTP/1.1 \(last.status) \(reason)\r\n\(fields)\r\n".utf8) + body
            _ = unsafe message.withUnsafeBytes {
                unsafe send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
        }
        breakOff()
    }
}

/// The open connections, and the thread that watches them. It ends those whose time is up, and notices clients that leave while their connection is
/// suspended, which libmicrohttpd does not.
///
/// A client that only closes its sending side counts as gone.
final class Connections: Sendable {
    private struct State {
        var records: [UInt64: ConnectionRecord] = [:]
        var perAddress: [String: Int] = [:]
        var nextID: UInt64 = 1
    }

    private let state = Mutex(State())
    private let poll: Int32
    private let bell: Int32
    private let limitPerAddress: Int
    private let isSecure: Bool
    private let stopped = DispatchSemaphore(value: 0)

    init(limitPerAddress: Int, isSecure: Bool) throws(DaemonError) {
        self.limitPerAddress = limitPerAddress
        self.isSecure = isSecure
        poll = cmh_poll_create()
        bell = cmh_bell_create()
        guard poll >= 0, bell >= 0 else {
            throw .cannotStart(reason: "no file descriptors are left to watch connections with")
        }
        _ = cmh_poll_readable(poll, bell, 0)
        Thread.start("cord.watch") { [self] in run() }
    }

    func open(socket: Int32, peer: String) -> ConnectionRecord {
        let record = state.withLock { state in
            state.perAddress[peer, default: 0] += 1
            let record = ConnectionRecord(
                id: state.nextID, socket: socket, peer: peer,
                isExcess: state.perAddress[peer, default: 0] > limitPerAddress, isSecure: isSecure)
            state.nextID += 1
            state.records[record.id] = record
            return record
        }
        // Registered once per connection: the kernel forgets the socket when libmicrohttpd closes it.
        _ = cmh_poll_hangup(poll, socket, record.id)
        return record
    }

    func close(_ record: ConnectionRecord) {
        state.withLock { state in
            state.records[record.id] = nil
            let left = state.perAddress[record.peer, default: 1] - 1
            state.perAddress[record.peer] = left > 0 ? left : nil
        }
    }

    var all: [ConnectionRecord] { state.withLock { Array($0.records.values) } }

    /// Ends the thread and waits for it.
    func stop() {
        var one: UInt64 = 1
        _ = unsafe write(bell, &one, 8)
        stopped.wait()
        _ = Glibc.close(poll)
        _ = Glibc.close(bell)
    }

    private func run() {
        defer { stopped.signal() }
        var nextSweep = monotonicMilliseconds() + 250
        while true {
            let wait = max(0, Int64(bitPattern: nextSweep &- monotonicMilliseconds()))
            var id: UInt64 = 0
            if unsafe cmh_poll_wait(poll, Int32(wait), &id) == 1 {
                if id == 0 { return }
                state.withLock { $0.records[id] }?.hangUp()
            }
            let now = monotonicMilliseconds()
            guard now >= nextSweep else { continue }
            nextSweep = now + 250
            // No connection closes under the lock, so no socket number can have been reused.
            state.withLock { state in
                for record in state.records.values { record.end(at: now) }
            }
        }
    }
}

func monotonicMilliseconds() -> UInt64 { monotonicNanoseconds() / 1_000_000 }

func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

extension Duration {
    /// Whole milliseconds; 0 for a negative duration.
    var milliseconds: UInt64 {
        self < .zero ? 0 : UInt64(components.seconds) * 1000 + UInt64(components.attoseconds / 1_000_000_000_000_000)
    }
}
