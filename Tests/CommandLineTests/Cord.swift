import Files
import Foundation
import Testing

/// The program `cord`, which the build left beside the tests, run as a user runs it.
struct Cord {
    let status: Int32
    let output, errors: String

    static var program: URL { get throws { try #require(ProgramFolder.place("cord"), "swift build builds cord") } }

    /// What every run sees, whatever the environment of the tests is.
    static let environment = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent"]

    init(_ arguments: String..., environment: [String: String] = [:], program: URL? = nil) throws {
        try self.init(arguments, environment: environment, program: program)
    }

    /// - Parameter program: Another file than the one that was built.
    init(_ arguments: [String], environment: [String: String] = [:], program: URL? = nil) throws {
        let process = Process()
        process.executableURL = try program ?? Self.program
        process.arguments = arguments
        process.environment = Self.environment.merging(environment) { $1 }
        let (out, err) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError, process.standardInput) = (out, err, FileHandle.nullDevice)
        try process.run()
        output = String(decoding: try out.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        errors = String(decoding: try err.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }
}
