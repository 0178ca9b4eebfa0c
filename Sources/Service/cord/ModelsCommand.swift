import ArgumentParser
import Files
import Foundation
import Generation
import Models
import Workshop

struct ListModels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "List the families of models that can be served, or tell what is recognised of one model.",
        discussion: """
            A family is known by the model_type of its config.json; of its published models are told the longest clip, the tokens that a second
            of sound becomes, and the licence. Those marked
            GGUF are read from GGUF files, too, as --model DECODER.gguf --mmproj PROJECTOR.gguf. Each family was held against the reference that is
            named, on random checkpoints: log-probabilities, prompts, adapters and gradients within 1e-4, and log-probabilities at published width. No
            released weights were run.

            EXAMPLES
              cord models                  the families
              cord models DIR              what is recognised of a model
            """)

    @Argument(help: ArgumentHelp("A model, as cord serve --model takes it.", valueName: "path")) var model: String?
    @Option(help: ArgumentHelp("The projector of a decoder in GGUF.", valueName: "file")) var mmproj: String?

    func validate() throws {
        if let mmproj, model == nil { throw ValidationError("--mmproj: \(mmproj) needs its decoder, as cord models FILE.gguf.") }
    }

    func run() throws {
        guard let model else { return list() }
        do {
            var settings = ModelSettings(directory: URL(fileURLWithPath: model))
            settings.projector = mmproj.map { URL(fileURLWithPath: $0) }
            print(try settings.load().model.summary.replacing("; ", with: "\n"))
        } catch { throw ValidationError("\(FileError(error) ?? error)") }
    }

    private func list() {
        let width = Family.allCases.map(\.rawValue.count).max() ?? 0
        for family in Family.allCases {
            let sound = "up to \(family.longestSeconds) s, \(String(format: "%g", family.tokensPerSecond)) tokens a second"
            let told = [family.models, sound, family.licence, "held against " + family.reference]
            let about = told + (family.isInGGUF ? ["GGUF"] : [])
            print(family.rawValue.padding(toLength: width + 3, withPad: " ", startingAt: 0) + about.joined(separator: "; "))
        }
    }
}
