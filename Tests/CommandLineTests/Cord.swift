import Files
import Foundation
import Glibc
import Testing

/// The program `cord`, which the build left beside the tests, run as a user runs it.
struct Cord {
    let status: Int32
    let output, errors: String

    static var program: URL { get throws { try #require(ProgramFolder.place("cord"), "swift build builds cord") } }

    init(_ arguments: String..., environment: [String: String] = [:], program: URL? = nil) throws {
        try self.init(arguments, environment: environment, program: program)
    }

    /// - Parameter program: Another file than the one that was built.
    init(_ arguments: [String], environment: [String: String] = [:], program: URL? = nil) throws {
        let process = Process()
        process.executableURL = try program ?? Self.program
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent"].merging(environment) { $1 }
        let (out, err) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError, process.standardInput) = (out, err, FileHandle.nullDevice)
        try process.run()
        output = String(decoding: try out.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        errors = String(decoding: try err.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }
}

/// A folder that is gone after the test.
struct Folder: ~Copyable {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("cord-\(UUID().uuidString)", isDirectory: true)

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String, _ text: String) throws -> String {
        let file = url.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return file.path
    }
}

/// A socket that somebody else listens on.
final class Listener {
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = descriptor
        let listens = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(listener, generic, length) == 0 && listen(listener, 1) == 0 && getsockname(listener, generic, &length) == 0
            }
        }
        try #require(listens, "cannot listen on the loopback interface")
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}
