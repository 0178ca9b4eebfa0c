import Dispatch
import Foundation
import Synchronization

/// Speech by an external command, run without a shell: the text reaches it as standard input or as a file, never as part
/// of a command line.
///
/// Placeholders in the arguments: `{voice}`, `{speed}`, `{pitch}`; `{text_file}`, a file with the text, without which the
/// text is standard input; `{output}`, the file that the command writes, without which the audio is standard output.
package struct CommandSynthesizer: Synthesizer {
    package let command: String
    package let arguments: [String]
    /// Seconds for one text.
    package let timeout: Double
    private let executable: String

    /// Throws ``SpeechError/commandMissing(command:)`` where the command cannot be found.
    package init(
        command: String = "espeak-ng",
        arguments: [String] = ["-v", "{voice}", "-s", "{speed}", "-p", "{pitch}", "-w", "{output}", "--stdin"],
        timeout: Double = 30
    ) throws(SpeechError) {
        self.command = command
        self.arguments = arguments
        self.timeout = timeout
        guard let found = Self.executable(command) else { throw .commandMissing(command: command) }
        executable = found
    }

    package var fingerprint: String { ([command] + arguments).joined(separator: "\u{1F}") }

    private static func executable(_ command: String) -> String? {
        if command.contains("/") { return FileManager.default.isExecutableFile(atPath: command) ? command : nil }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(command)" }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    }

    package func speak(_ text: String, voice: Voice) async throws -> [UInt8] {
        try Task.checkCancellation()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cord-speech-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let textFile = folder.appendingPathComponent("text.txt")
        let output = folder.appendingPathComponent("output.wav")
        let standardOutput = folder.appendingPathComponent("stdout")
        let standardError = folder.appendingPathComponent("stderr")
        try Data(text.utf8).write(to: textFile)
        try Data().write(to: standardOutput)
        try Data().write(to: standardError)

        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments.map { argument in
            [
                ("{voice}", voice.name), ("{speed}", String(voice.speed)), ("{pitch}", String(voice.pitch)),
                ("{text_file}", textFile.path), ("{output}", output.path),
            ].reduce(argument) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
        }
        // Files, not pipes: a command that reads or writes little or much can neither block nor break them.
        let readsFile = arguments.contains { $0.contains("{text_file}") }
        process.standardInput = readsFile ? FileHandle.nullDevice : try FileHandle(forReadingFrom: textFile)
        process.standardOutput = try FileHandle(forWritingTo: standardOutput)
        process.standardError = try FileHandle(forWritingTo: standardError)

        let status = try await RunningCommand(process, name: command).finish(within: timeout)
        guard status == 0 else {
            let message = String(decoding: (try? Data(contentsOf: standardError)) ?? Data(), as: UTF8.self)
            throw SpeechError.commandFailed(
                command: command, status: status,
                message: String(message.prefix(300)).trimmingCharacters(in: .whitespacesAndNewlines))
        }
        let writesFile = arguments.contains { $0.contains("{output}") }
        guard let audio = try? Data(contentsOf: writesFile ? output : standardOutput), !audio.isEmpty else {
            throw SpeechError.noAudio(source: "'\(command)'", text: text, reason: "it wrote nothing")
        }
        return [UInt8](audio)
    }
}

/// A process that is awaited, and killed when time is up or nobody waits any more.
private final class RunningCommand: Sendable {
    private enum Ending {
        case exited, timedOut, cancelled
    }

    private struct State {
        var process: Process
        var ending = Ending.exited
        var hasEnded = false
    }

    private let state: Mutex<State>
    private let name: String

    init(_ process: sending Process, name: String) {
        state = Mutex(State(process: process))
        self.name = name
    }

    func finish(within seconds: Double) async throws -> Int32 {
        let alarm = DispatchWorkItem { [weak self] in self?.stop(.timedOut) }
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: alarm)
        defer { alarm.cancel() }
        let (status, ending) = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<(Int32, Ending), any Error>) in
                start(continuation)
            }
        } onCancel: {
            stop(.cancelled)
        }
        switch ending {
        case .exited: return status
        case .timedOut: throw SpeechError.commandTimedOut(command: name, seconds: seconds)
        case .cancelled: throw CancellationError()
        }
    }

    private func start(_ continuation: CheckedContinuation<(Int32, Ending), any Error>) {
        let failure: (any Error)? = state.withLock { state in
            if case .cancelled = state.ending { return CancellationError() }
            state.process.terminationHandler = { [self] process in
                let status = process.terminationStatus
                let ending = self.state.withLock { state in
                    state.hasEnded = true
                    return state.ending
                }
                continuation.resume(returning: (status, ending))
            }
            do {
                try state.process.run()
                return nil
            } catch {
                state.hasEnded = true
                return SpeechError.commandFailed(command: name, status: -1, message: error.localizedDescription)
            }
        }
        if let failure { continuation.resume(throwing: failure) }
    }

    private func stop(_ reason: Ending) {
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.ending = reason
            // A hanging command may ignore a polite request.
            if state.process.isRunning { kill(state.process.processIdentifier, SIGKILL) }
        }
    }
}
