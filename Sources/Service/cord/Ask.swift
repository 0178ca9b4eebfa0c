import API
import ArgumentParser
import Audio
import Foundation
import Generation
import HTTP
import Server
import Synchronization
import Workshop

struct Ask: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer a spoken or typed question, here or on a running server.",
        discussion: """
            Each argument that is the path of a file is heard; any other is read. Several make one question, in their order.

            EXAMPLES
              cord ask question.wav
              cord ask "What is the sum of 7, 9 and 8?"
              cord ask --system "Answer in one word." question.flac
              arecord -f S16_LE -r 16000 -d 5 | cord ask -
              cord ask --json question.wav | jq .answer
              cord ask --server http://127.0.0.1:8080 question.wav
            """)

    @OptionGroup(title: "Model") var model: ModelOptions

    @Argument(help: ArgumentHelp("A sound file, a text, or - for standard input (sound or text).", valueName: "question"))
    var question: [String]

    @Option(help: ArgumentHelp("The address of a running server that answers; no model is loaded here.", valueName: "url"))
    var server: String?

    @Option(help: ArgumentHelp("With --server: the model or version that answers. Without it, the server's first.", valueName: "name"))
    var name: String?

    @OptionGroup var credentials: ServerCredentials

    @Option(help: "An instruction put before the question.")
    var system: String?

    @Flag(help: "Print the answer as JSON, as POST /v1/answers gives it.")
    var json = false

    @Option(help: "0 takes the most probable token; up to 2. Without it, as the model's generation_config.json says.")
    var temperature: Double?

    @Option(help: "Draw among the most probable tokens that make up this share.")
    var topP: Double?

    @Option(help: "Draw among this many most probable tokens.")
    var topK: Int?

    @Option(help: "The most tokens of the answer.")
    var maxTokens: Int?

    @Option(help: "The answer ends before this text; may be repeated.")
    var stop: [String] = []

    @Option(help: "The same seed gives the same answer.")
    var seed: Int?

    func validate() throws {
        if let temperature, !(0...2).contains(temperature) { throw ValidationError("--temperature: expected 0 to 2, found \(temperature).") }
        if let topP, !(topP > 0 && topP <= 1) { throw ValidationError("--top-p: expected a number above 0, at most 1, found \(topP).") }
        if let topK, topK < 0 { throw ValidationError("--top-k: expected at least 0, found \(topK).") }
        if let maxTokens, maxTokens < 1 { throw ValidationError("--max-tokens: expected at least 1, found \(maxTokens).") }
        if let server {
            _ = try ServerAddress(server, credentials)
            if model.model != nil || !model.adapter.isEmpty {
                throw ValidationError("--model and --adapter load a model here; with --server, name one of the server's by --name.")
            }
        } else if name != nil || credentials.isGiven {
            throw ValidationError("--name, --key and --api-key-file go with --server.")
        }
        if question.count(where: { $0 == "-" }) > 1 { throw ValidationError("Standard input can be read once; found \"-\" twice.") }
    }

    func run() async throws {
        do {
            try await answer()
        } catch {
            guard let refusal = HTTPError(refusing: error) else { throw error }
            Terminal.say("Error: \(refusal.message)")
            throw ExitCode.failure
        }
    }

    private func answer() async throws {
        let parts = try question.map(part)
        var sampling = SamplingFields(temperature: temperature)
        (sampling.topP, sampling.topK, sampling.maxCompletionTokens, sampling.seed) = (topP, topK, maxTokens, seed)
        sampling.stop = stop.isEmpty ? nil : stop
        if let server {
            let question = ServerQuestion(parts: parts, system: system, model: name, sampling: sampling)
            let address = try ServerAddress(server, credentials)
            return try await json ? question.printJSON(address) : question.printText(address)
        }
        let settings = model.settings
        let runtime = try settings.load()
        var messages = [ChatMessage(role: .user, content: parts)]
        if let system { messages.insert(ChatMessage(role: .system, text: system), at: 0) }
        let inquiry = try await runtime.ask(
            try [SubmittedMessage](messages), model: settings.adapters.last?.name, options: runtime.options(sampling), prefix: "ans-")
        if json {
            let whole = try await inquiry.complete()
            print(String(decoding: try WireEncoder.encode(inquiry.answer(whole.answers[0], whole.timings)), as: UTF8.self))
        } else {
            try await inquiry.forEach { event in
                switch event {
                case .token(_, _, let text, _), .finished(_, _, let text): try Terminal.emit(text)
                case .done: try Terminal.emit("\n")
                case .prompt: break
                }
            }
        }
    }

    private func part(_ argument: String) throws -> ContentPart {
        if argument == "-" {
            let data = FileHandle.standardInput.readDataToEndOfFile()
            guard let text = String(data: data, encoding: .utf8) else { return .inputAudio(.data(data), format: nil) }
            guard !text.isEmpty else { throw ValidationError("Standard input is empty: pipe a sound file or a text into cord ask -.") }
            return .text(text)
        }
        var isDirectory: ObjCBool = false
        guard !argument.allSatisfy(\.isWhitespace) else { throw ValidationError("A question is empty: give a sound file or a text.") }
        guard unsafe FileManager.default.fileExists(atPath: argument, isDirectory: &isDirectory) else {
            let endings = [
                ".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif", ".webm", ".mp4", ".m4a", ".mov", ".3gp", ".aac", ".caf", ".amr", ".au",
                ".w64",
            ]
            let isPath = ["/", "./", "../", "~/"].contains(where: argument.hasPrefix) || endings.contains { argument.lowercased().hasSuffix($0) }
            if isPath, !argument.contains(where: \.isWhitespace) {
                throw ValidationError("There is no file \(argument). Check the path, or put the text in a sentence.")
            }
            return .text(argument)
        }
        if isDirectory.boolValue { throw ValidationError("\(argument) is a folder; name the sound file in it.") }
        return .inputAudio(.data(try Data(contentsOf: URL(fileURLWithPath: argument))), format: nil)
    }
}
