import ArgumentParser
import Files
import Workshop

@main
struct Cord: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cord",
        abstract: "Serve, measure and train Large Audio Language Models.",
        discussion: """
            EXAMPLES
              cord serve                             answer on http://127.0.0.1:8080 with the embedded model
              cord ask question.wav                  answer a spoken question here
              cord ask "What is the sum of 7, 9 and 8?"         answer a typed one
              cord eval                              measure the audio-text gap of the embedded model
              cord serve --model ~/models/NAME --dtype bfloat16
              cord serve --model decoder.gguf --mmproj projector.gguf
            """,
        version: Build.version,
        subcommands: [
            Serve.self, Ask.self, Eval.self, Gap.self, Train.self, Methods.self, DrawQuestions.self, Speak.self, Tokenize.self, Bench.self,
            Quantize.self, DriftCommand.self, ListModels.self, Jobs.self, Versions.self, DataCommand.self, Nano.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch {
            // Foundation's errors about files are numbers in a domain.
            exit(withError: FileError(error) ?? error)
        }
    }
}
