import ArgumentParser
import CordNano
import Files
import Foundation
import Tokenization

struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the tokens that a model's tokenizer makes of a text.")

    @Option(help: ArgumentHelp("A model directory; without it, the embedded cord-nano.", valueName: "dir"))
    var model: String?

    @Argument(help: "The text.")
    var text: String

    func run() throws {
        if let model, let error = FileError(folder: URL(fileURLWithPath: model)) { throw ValidationError("--model: \(error).") }
        let tokenizer = try Tokenizer(directory: model.map { URL(fileURLWithPath: $0, isDirectory: true) } ?? CordNano.directory)
        for id in try tokenizer.encode(text) { print(id, tokenizer.decode([id]).debugDescription, separator: "\t") }
    }
}
