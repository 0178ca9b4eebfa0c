import Files
import Foundation
import Glibc
import Synchronization
import Workers

/// A program that gives rewards and is kept alive, so that what it has loaded stays: a JSON line in, a JSON line out, in turn.
///
///     answer ─ one thread ─ socket → standard input │ program │ standard output → socket ─ line
///
/// Its standard error is this process's. It is started at the first request, and again at the next one after it ended; it is killed, with
/// what it has started, when time is up, when nobody waits any more, and with the value.
final class RewardProgram: Sendable {
    private let name: String
    private let words: [String]
    private let executable: URL
    private let timeout: Double
    private let thread = WorkQueue(name: "rewards", width: 1)
    private let child = Mutex<Child?>(nil)

    /// - Throws: ``RewardError/notStarted(reward:reason:)`` where there is no such program.
    init(_ command: String, name: String, timeout: Double) throws(RewardError) {
        self.name = name
        self.timeout = timeout
        words = CommandWords.split(command)
        guard let first = words.first else { throw .notStarted(reward: name, reason: "the command is empty") }
        guard let path = CommandWords.executable(first) else {
            throw .notStarted(reward: name, reason: "there is no program \(first); give its path or put its folder on PATH")
        }
        executable = URL(fileURLWithPath: path)
    }

    /// The line that the program answers with.
    ///
    /// - Throws: ``RewardError``; `CancellationError`.
    func answer(to request: Data) async throws -> Data {
        try await thread.run { [self] cancellation in
            try child.withLock { child in
                do {
                    if child == nil { child = try Child(executable, Array(words.dropFirst()), reward: name) }
                    return try child!.exchange(request + [UInt8(ascii: "\n")], reward: name, timeout: timeout, cancellation)
                } catch {
                    child = nil
                    throw error
                }
            }
        }
    }
}

/// A running program at the other end of a socket.
private final class Child {
    private let process = Process()
    private let socket: Int32
    /// What came behind the last line that was read.
    private var rest = Data()

    /// How long a thread waits at a time: so often it looks for cancellation and the end of its time.
    private static let patience: Int32 = 50
    private static let maximumBytes = 16 << 20

    init(_ executable: URL, _ arguments: [String], reward: String) throws {
        func refused(_ reason: String) -> RewardError { .notStarted(reward: reward, reason: reason) }
        var ends: [Int32] = [-1, -1]
        // A socket, not a pipe: writing to a program that has ended is an error, not a signal.
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw refused(unsafe String(cString: strerror(errno)))
        }
        socket = ends[0]
        let other = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        process.executableURL = executable
        process.arguments = arguments
        process.standardInput = other
        process.standardOutput = other
        do { try process.run() } catch { throw refused("\(error.localizedDescription)") }
        try? other.close()
    }

    deinit {
        close(socket)
        end()
    }

    /// Kills the program and the group that it leads.
    private func end() {
        guard process.isRunning else { return }
        let id = process.processIdentifier
        if kill(-id, SIGKILL) != 0 { kill(id, SIGKILL) }
        process.waitUntilExit()
    }

    func exchange(_ request: Data, reward: String, timeout: Double, _ cancellation: Cancellation) throws -> Data {
        let start = ContinuousClock.now
        var left = request[...]
        while true {
            try cancellation.check()
            if start.secondsUntilNow > timeout { throw RewardError.timedOut(reward: reward, seconds: timeout) }
            if left.isEmpty, let line = line() { return line }
            if rest.count > Self.maximumBytes { throw RewardError.ended(reward: reward, how: "wrote more than \(Self.maximumBytes) bytes") }
            var waiting = pollfd(fd: socket, events: Int16(left.isEmpty ? POLLIN : POLLIN | POLLOUT), revents: 0)
            guard unsafe poll(&waiting, 1, Self.patience) > 0 else { continue }
            if Int32(waiting.revents) & POLLOUT != 0 {
                let sent = unsafe left.withUnsafeBytes {
                    unsafe send(socket, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                }
                if sent < 0, errno != EAGAIN, errno != EINTR { throw RewardError.ended(reward: reward, how: ending()) }
                left = left.dropFirst(max(0, sent))
            }
            if Int32(waiting.revents) & (POLLIN | POLLHUP | POLLERR) != 0 { try read(reward) }
        }
    }

    private func line() -> Data? {
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { rest = Data(rest[(end + 1)...]) }
        return Data(rest[..<end])
    }

    private func read(_ reward: String) throws {
        var part = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe recv(socket, &part, part.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { throw RewardError.ended(reward: reward, how: ending()) }
        rest += part[..<count]
    }

    /// How the program ended.
    private func ending() -> String {
        // It may have closed its output just before it ends.
        for _ in 0..<20 where process.isRunning { usleep(10_000) }
        if process.isRunning { return "closed its output" }
        return process.terminationReason == .exit
            ? "ended with status \(process.terminationStatus)" : "was ended by signal \(process.terminationStatus)"
    }
}
