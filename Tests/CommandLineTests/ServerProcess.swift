import Foundation
import Synchronization
import TestSupport
import Testing

/// `cord serve` as a process of its own, on a free port and a data folder that goes with the value.
final class ServerProcess {
    let url: String
    let folder = try! TemporaryFolder()
    private let process = Process()
    private let log: Log

    /// What the process wrote to its standard error.
    private final class Log: Sendable {
        private let text = Mutex("")
        func add(_ data: Data) { text.withLock { $0 += String(decoding: data, as: UTF8.self) } }
        var lines: [String] { text.withLock { $0.split(separator: "\n").map(String.init) } }
    }

    /// Returns when the server is ready.
    init(_ arguments: String..., environment: [String: String] = [:]) throws {
        let log = Log()
        self.log = log
        process.executableURL = try Cord.program
        process.arguments = ["serve", "--port", "0", "--data", folder.url.appending(path: "data").path] + arguments
        process.environment = Cord.environment.merging(environment) { $1 }
        let errors = Pipe()
        (process.standardError, process.standardOutput, process.standardInput) = (errors, FileHandle.nullDevice, FileHandle.nullDevice)
        errors.fileHandleForReading.readabilityHandler = { log.add($0.availableData) }
        try process.run()
        let ready = try #require(Self.wait(for: "ready on ", in: log), "\(log.lines)")
        url = try #require(ready.firstMatch(of: /ready on (https?:[^" ]+)/).map { String($0.1) })
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    /// The first line of the log that holds all of the words, as soon as there is one; nil after 30 seconds.
    func line(_ words: String...) -> String? { Self.wait(for: words, in: log) }

    var lines: [String] { log.lines }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    private static func wait(for words: String..., in log: Log) -> String? { wait(for: words, in: log) }

    private static func wait(for words: [String], in log: Log) -> String? {
        let end = ContinuousClock.now + .seconds(30)
        repeat {
            if let line = log.lines.first(where: { line in words.allSatisfy { line.contains($0) } }) { return line }
            usleep(20_000)
        } while ContinuousClock.now < end
        return nil
    }
}
