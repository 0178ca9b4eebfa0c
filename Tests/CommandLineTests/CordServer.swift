import Foundation
import TestSupport
import Testing

/// `cord serve` with the embedded model on a free port, and a folder of its own.
final class CordServer {
    let folder: TemporaryFolder
    private(set) var url = ""
    private let process = Process()
    private let place: URL

    init(_ arguments: String..., folder: TemporaryFolder) async throws {
        self.folder = folder
        place = folder.url.appending(path: "log")
        _ = try folder.file("log", "")
        process.executableURL = try Cord.program
        process.arguments = ["serve", "--port", "0", "--threads", "1", "--data", folder.url.appending(path: "data").path] + arguments
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent"]
        (process.standardError, process.standardInput) = (try FileHandle(forWritingTo: place), FileHandle.nullDevice)
        try process.run()
        let log = try await log { $0.contains("ready on ") }
        url = try #require(log.firstMatch(of: /ready on (http[^\s"]+)/).map { String($0.1) })
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    func hangUp() { kill(process.processIdentifier, SIGHUP) }

    /// The log, once it is as it should be.
    func log(_ condition: (String) -> Bool) async throws -> String {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            let log = try String(contentsOf: place, encoding: .utf8)
            if condition(log) { return log }
            try #require(process.isRunning && ContinuousClock.now < end, "\(log)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func cord(_ words: String..., key: String? = nil) throws -> Cord {
        // Addresses are given with the version in them as often as without.
        try Cord(words + ["--server", "\(url)/v1"], environment: key.map { ["CORD_API_KEY": $0] } ?? [:])
    }
}
