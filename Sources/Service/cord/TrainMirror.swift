import ArgumentParser
import Foundation
import Training

extension Train {
    struct Mirror: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mirror", abstract: "Tell a tracking server of MLflow what a run's files hold.",
            discussion: """
                Parameters are those of run.json, metrics those of metrics.jsonl and validation.jsonl by step. What was sent before is not sent again \
                (DIR/mlflow.json). A job's result files, fetched into a folder under these names, are mirrored alike.

                EXAMPLES
                  cord train mirror runs/cord --mlflow http://localhost:5000
                """)

        @Argument(help: ArgumentHelp("The run's folder.", valueName: "dir")) var run: String
        @OptionGroup var tracking: TrackingOptions

        func validate() throws {
            if tracking.mlflow == nil { throw ValidationError("--mlflow: name the tracking server.") }
        }

        func run() async throws {
            let directory = URL(fileURLWithPath: run, isDirectory: true)
            guard FileManager.default.fileExists(atPath: directory.appending(path: "metrics.jsonl").path) else {
                throw ValidationError("\(run): there is no metrics.jsonl in it; name the folder of a run.")
            }
            let status: MLflowMirror.Status? = RunRecord(directory: directory)?.result == nil ? nil : .finished
            guard let mirror = try tracking.mirror(of: directory) else { return }
            print(try await mirror.send(status))
        }
    }
}
