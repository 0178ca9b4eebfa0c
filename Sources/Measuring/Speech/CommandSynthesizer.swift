import Files
import Foundation
import Subprocess
import SystemPackage

/// Speech by an external command, run without a shell: the text reaches it as standard input or as a file, never as part
/// of a command line.
///
/// Placeholders in the arguments: `{voice}`, `{speed}`, `{pitch}`; `{stretch}`, the factor of durations that makes 175 words a minute
/// the speed; `{text_file}`, a file with the text, without which the text is standard input; `{output}`, the file that the command
/// writes, without which the audio is standard output.
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
        guard let found = CommandWords.executable(command) else { throw .commandMissing(command: command) }
        executable = found
    }

    package var fingerprint: String { ([command] + arguments).joined(separator: "\u{1F}") }

    package func speak(_ text: String, voice: Voice) async throws -> [UInt8] {
        try Task.checkCancellation()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cord-speech-\(UUID().uuidString)")
        Leftovers.add(folder.path)
        defer {
            try? FileManager.default.removeItem(at: folder)
            Leftovers.remove(folder.path)
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let textFile = folder.appendingPathComponent("text.txt")
        let output = folder.appendingPathComponent("output.wav")
        let standardOutput = folder.appendingPathComponent("stdout")
        let standardError = folder.appendingPathComponent("stderr")
        try Data(text.utf8).write(to: textFile)
        try Data().write(to: standardOutput)
        try Data().write(to: standardError)

        let values = [
            ("{voice}", voice.name), ("{speed}", String(voice.speed)), ("{pitch}", String(voice.pitch)),
            ("{stretch}", String((175_000 / Double(voice.speed)).rounded() / 1000)),
            ("{text_file}", textFile.path), ("{output}", output.path),
        ]
        let filled = arguments.map { argument in
            values.reduce(argument) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
        }
        let readsFile = arguments.contains { $0.contains("{text_file}") }
        let status = try await run(
            filled, input: readsFile ? "/dev/null" : textFile.path, output: standardOutput.path, error: standardError.path)
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

    /// Runs the command on three files and returns its exit status, or the signal that ended it, negated. It is killed when time is
    /// up or nobody waits any more. Files, not pipes: a command that reads or writes little or much can neither block nor break them.
    private func run(_ filled: [String], input: String, output: String, error: String) async throws -> Int32 {
        let input = try FileDescriptor.open(FilePath(input), .readOnly)
        let output = try FileDescriptor.open(FilePath(output), .writeOnly)
        let error = try FileDescriptor.open(FilePath(error), .writeOnly)
        let ended = try await withThrowingTaskGroup(of: TerminationStatus?.self) { group in
            group.addTask { [executable] in
                try await Subprocess.run(
                    .path(FilePath(executable)), arguments: Arguments(filled),
                    input: .fileDescriptor(input, closeAfterSpawningProcess: true),
                    output: .fileDescriptor(output, closeAfterSpawningProcess: true),
                    error: .fileDescriptor(error, closeAfterSpawningProcess: true)
                ).terminationStatus
            }
            group.addTask { [timeout] in
                try await Task.sleep(for: .seconds(timeout))
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        try Task.checkCancellation()
        switch ended {
        case .exited(let status): return status
        case .signaled(let signal): return -signal
        case nil: throw SpeechError.commandTimedOut(command: command, seconds: timeout)
        }
    }
}
