import Foundation
import TestSupport
import Testing

/// Commands that a signal ends at work.
@Suite struct InterruptTests {
    /// The synthesiser says that it has begun and waits for an end that nobody gives it but the test.
    @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func aSignalLeavesNothingHalfWritten(signal: Int32) throws {
        let folder = try TemporaryFolder()
        let temporary = folder.url.appending(path: "temporary")
        try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true)
        let questions = try folder.file("questions.jsonl", #"{"id": "a", "text": "What is 8 plus 5?", "answer": "13"}"#)
        let begun = folder.url.appending(path: "begun")
        #expect(unsafe mkfifo(begun.path, 0o600) == 0)
        let program = try folder.file("synthesizer.sh", "echo begun > \(begun.path); while [ -d \(folder.url.path) ]; do sleep 0.1; done")
        let process = Process()
        process.executableURL = try Cord.program
        process.arguments = [
            "speak", questions, "--output", folder.url.appending(path: "spoken").path, "--voice", "x",
            "--cache", folder.url.appending(path: "cache").path, "--synthesizer", "sh \(program) {output}",
        ]
        process.environment = Cord.environment.merging(["TMPDIR": temporary.path]) { $1 }
        (process.standardError, process.standardOutput) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        // Opening the pipe waits for the synthesiser.
        #expect(try FileHandle(forReadingFrom: begun).readToEnd() == Data("begun\n".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path).count { $0.hasPrefix("cord-speech-") } == 1)
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == signal)
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path).isEmpty)
    }
}
