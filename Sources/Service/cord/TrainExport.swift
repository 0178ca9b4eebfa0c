import ArgumentParser
import Foundation
import Generation
import Models
import Training
import Workshop

extension Train {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Write the adapter, or the model, that a checkpoint of a run holds.",
            discussion: """
                Without --step, the newest checkpoint is taken. The model and the adapter that the run began with are named as they were then.

                EXAMPLES
                  cord train export runs/cord --output at-last
                  cord train export runs/cord --step 500 --output at-500
                """)

        @OptionGroup(title: "Model") var model: ModelOptions
        @Argument(help: ArgumentHelp("The run's folder.", valueName: "dir")) var run: String
        @Option(help: "The checkpoint's step.") var step: Int?
        @Option(name: .shortAndLong, help: ArgumentHelp("Where the result goes; it must not exist.", valueName: "dir")) var output: String

        func validate() throws {
            if model.adapter.count > 1 {
                throw ValidationError("--adapter: a run begins with one adapter; found \(model.adapter.count).")
            }
            if FileManager.default.fileExists(atPath: output) { throw ValidationError("--output: \(output) exists; name a new folder.") }
        }

        func run() async throws {
            let directory = URL(fileURLWithPath: run, isDirectory: true)
            let checkpoint = try TrainingRun.checkpoint(of: directory, step: step)
            let settings = model.settings
            let runtime = try settings.load()
            let parent = try runtime.versions.entry(settings.adapters.last?.name).version
            let version = try TrainableWeights.version(
                from: checkpoint, model: runtime.model.model, name: runtime.model.name, parent: parent)
            let result = URL(fileURLWithPath: output, isDirectory: true)
            if version.adapters.isEmpty {
                try TensorExport.writeModel(version, of: runtime.model, to: result)
            } else {
                try TensorExport.writeAdapter(version, of: runtime.model.model, baseModel: runtime.model.name, to: result)
            }
            if RunRecord(directory: directory) != nil { try RunRecord.copy(from: directory, to: result) }
            print(result.path)
        }
    }
}
