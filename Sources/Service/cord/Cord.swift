import ArgumentParser
import Files
import Foundation
import Workshop

@main
struct Cord: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cord",
        abstract: "Serve, measure and train Large Audio Language Models.",
        discussion: """
            EXAMPLES
              cord serve                    answer on http://127.0.0.1:8080
              cord ask question.wav         answer a spoken question here
              cord ask "What is the sum of 7, 9 and 8?"
              cord transcribe talk.flac     write down what is said
              cord eval                     measure the audio-text gap
              cord serve --model ~/models/NAME --dtype bfloat16
              cord serve --model decoder.gguf --mmproj projector.gguf
            """,
        version: Build.version,
        subcommands: [
            Serve.self, Ask.self, Transcribe.self, Eval.self, Gap.self, Train.self, Methods.self, DrawQuestions.self, Speak.self, Tokenize.self,
            Bench.self,
            Quantize.self, DriftCommand.self, ListModels.self, FilesCommand.self, Jobs.self, Versions.self, DataCommand.self, Doctor.self, Nano.self,
        ])

    static func main() async {
        // What is wrong from then on is no matter of how the command is written.
        var isUnderstood = false
        do {
            guard let command = try command(Array(CommandLine.arguments.dropFirst())) else { return }
            isUnderstood = true
            try ProgramFolder.check(["CordNano", "CordBench", "Server"])
            // A server ends by itself when it is asked to.
            if !(command is Serve) { EndingSignals.tidy() }
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                var command = command
                try command.run()
            }
            try Terminal.flush()
        } catch let error as OutputError {
            // Nobody hears of it by an exit that flushes once more.
            Terminal.say("Error: \(error)")
            _exit(1)
        } catch let error as ValidationError where isUnderstood {
            Terminal.say("Error: \(error.message)")
            exit(withError: ExitCode.failure)
        } catch {
            // Foundation's errors about files are numbers in a domain.
            end(FileError(error) ?? error)
        }
    }

    /// Says what ArgumentParser says of an error, or of a request for help, and ends with its status.
    private static func end(_ error: any Error) -> Never {
        let columns = Terminal.columns
        var text = fullMessage(for: error, columns: columns)
        if text.contains("Unknown option"), let root = try? CommandInfo.of(Cord.self) {
            text = Suggestion.improved(text, Array(CommandLine.arguments.dropFirst()), in: root)
        }
        text = UsageText.wrapped(text, columns: columns)
        let status = exitCode(for: error)
        if status == .success { print(text) } else if !text.isEmpty { Terminal.say(text) }
        exit(withError: status)
    }

    /// The command to run; nil where it was only asked how it is set.
    private static func command(_ arguments: [String]) throws -> (any ParsableCommand)? {
        guard arguments.first == Serve._commandName else {
            do { return try parseAsRoot(arguments) } catch {
                // What ArgumentParser says of a mistyped command is that its name is unexpected.
                guard let unknown = Suggestion.unknownCommand(arguments, in: try CommandInfo.of(Cord.self)) else { throw error }
                throw ValidationError(unknown)
            }
        }
        let settings = try ServerSettings(
            Array(arguments.dropFirst()), environment: ProcessInfo.processInfo.environment,
            options: try CommandInfo.of(Serve.self).arguments ?? [])
        for warning in settings.warnings { Terminal.say("Warning: \(warning)") }
        do {
            let command = try parseAsRoot([Serve._commandName] + settings.arguments)
            guard let serve = command as? Serve, serve.printConfig else { return command }
            print(settings.toml, terminator: "")
            return nil
        } catch {
            if let blame = settings.blame(for: message(for: error)) { Terminal.say(blame) }
            throw error
        }
    }
}
