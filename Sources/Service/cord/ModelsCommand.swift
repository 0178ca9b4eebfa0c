import ArgumentParser
import Foundation
import Models

struct ListModels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "List the families of models that can be served.",
        discussion: """
            A family is known by the model_type of its config.json; those marked GGUF are read from GGUF files, too, as --model DECODER.gguf --mmproj
            PROJECTOR.gguf. cord serve says at start what it recognised.
            """)

    func run() {
        let width = Family.allCases.map(\.rawValue.count).max() ?? 0
        for family in Family.allCases {
            print(family.rawValue.padding(toLength: width + 3, withPad: " ", startingAt: 0) + family.models + (family.isInGGUF ? "  GGUF" : ""))
        }
    }
}
