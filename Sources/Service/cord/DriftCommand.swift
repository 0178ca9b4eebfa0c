import CordBench
import ArgumentParser
import Evaluation
import Foundation
import Generation
import Models
import Workshop

struct DriftCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drift", abstract: "Measure how far a width moves a model's next-token distributions.",
        discussion: """
            Along the greedy answers of the reference, which computes in float32, at every token: KL(reference ‖ model), in nats. Prints a row of
            CSV for each arm: arm, questions, tokens, mean, 99th percentile, largest.

              cord drift --dtype int4 --limit 600
              cord drift --reference ~/models/NAME \\
                --model name.gguf --mmproj mmproj-name.gguf
            """)

    @OptionGroup(title: "Model") var model: ModelOptions

    @Option(help: ArgumentHelp("The reference's directory in the Hugging Face layout. Without it, the model's own.", valueName: "dir"))
    var reference: String?
    @Option(help: ArgumentHelp("A built-in set, a manifest, or a folder with one.", valueName: "name or path"))
    var benchmark = CordBench.standard.rawValue
    @Option(help: "Ask the first so many items of the seeded order.")
    var limit: Int?
    @Option(help: ArgumentHelp("text, audio or both, separated by a comma.", valueName: "arms"))
    var arms = "text,audio"
    @Option(help: "Draws the order.")
    var seed: UInt64 = 0

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit: expected at least 1, found \(limit).") }
        _ = try chosenArms
    }

    private var chosenArms: [Arm] {
        get throws {
            try arms.split(separator: ",").map { name in
                guard let arm = Arm(rawValue: String(name)), arm == .text || arm == .audio else {
                    throw ValidationError("--arms: expected text, audio or both, found \"\(arms)\".")
                }
                return arm
            }
        }
    }

    func run() async throws {
        let set = try BenchmarkCatalog.questionSet(benchmark, format: nil, type: nil)
        var exact = model.settings
        if let reference {
            exact.directory = URL(fileURLWithPath: reference)
            exact.projector = nil
        }
        exact.precision = .float32
        exact.engine.cacheFormat = .float32
        let drift = Drift(of: try respondent(model.settings), from: try respondent(exact))
        print("arm,questions,tokens,mean,p99,largest")
        for arm in try chosenArms {
            let bar = ProgressBar("answers")
            var questions = 0
            let values = try await drift.measure(set, arm: arm, limit: limit, seed: seed) { done, total in
                questions = total
                bar.show(done, of: total)
            }.sorted()
            bar.end()
            guard let largest = values.last else { throw ValidationError("--benchmark: the reference answered nothing in the arm \(arm.rawValue).") }
            let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
            let rank = min(values.count - 1, Int((0.99 * Double(values.count)).rounded(.up)) - 1)
            print(String(format: "%@,%d,%d,%.3g,%.3g,%.3g", arm.rawValue, questions, values.count, mean, values[rank], largest))
        }
    }

    private func respondent(_ settings: ModelSettings) throws -> EngineRespondent {
        let runtime = try settings.load()
        return runtime.respondent(try runtime.versions.entry(settings.adapters.last?.name), .greedy)
    }
}
