import ArgumentParser
import Foundation
import Models

struct ListModels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "List the families of models that can be served.",
        discussion: """
            A family is known by the model_type of its config.json; of its published models are told the longest clip and the licence. Those marked
            GGUF are read from GGUF files, too, as --model DECODER.gguf --mmproj PROJECTOR.gguf. Each family was held against the reference that is
            named, on random checkpoints: log-probabilities, prompts, adapters and gradients within 1e-4, and log-probabilities at published width. No
            released weights were run. cord serve says at start what it recognised.
            """)

    func run() {
        let width = Family.allCases.map(\.rawValue.count).max() ?? 0
        for family in Family.allCases {
            let told = [family.models, "up to \(family.longestSeconds) s", family.licence, "held against " + family.reference]
            let about = told + (family.isInGGUF ? ["GGUF"] : [])
            print(family.rawValue.padding(toLength: width + 3, withPad: " ", startingAt: 0) + about.joined(separator: "; "))
        }
    }
}
