import API
import ArgumentParser
import Foundation

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tuning jobs of a running server.",
        discussion: """
            EXAMPLES
              cord jobs                                       the latest jobs
              cord jobs create pairs.jsonl --suffix mine      CORD on a file of pairs
              cord jobs events ftjob-0c7h… --follow           what happens
              cord jobs cancel ftjob-0c7h…
            """,
        subcommands: [List.self, Create.self, Show.self, Events.self, Cancel.self, Pause.self, Resume.self],
        defaultSubcommand: List.self)

    private static let root = "/v1/fine_tuning/jobs"

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The latest jobs, newest first.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Option(help: "How many.") var limit = 20

        func run() async throws {
            try await server.call("GET", "\(Jobs.root)?limit=\(limit)", as: ListObject<FineTuningJob>.self) { list in
                RunningServer.table(
                    [["ID", "STATUS", "METHOD", "STEP", "VERSION", "CREATED"]]
                        + list.data.map { job in
                            [
                                job.id, Jobs.status(job), job.method.type.rawValue, "\(job.cord.step)/\(job.cord.totalSteps)",
                                job.fineTunedModel ?? "", RunningServer.time(job.createdAt),
                            ]
                        })
                if list.hasMore { print("… there are more; ask with --limit") }
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Upload a file of pairs and train on it.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "JSON lines, or an archive with a manifest and its clips.") var file: String
        @Option(help: "The model to start from. Without it, the server's first.") var model: String?
        @Option(help: "cord or supervised.") var method: FineTuningMethod.Kind = .cord
        @Option(help: "Goes into the version's name.") var suffix: String?
        @Option(help: "Times through the file.") var epochs: Int?
        @Option(help: "Pairs of one step.") var batchSize: Int?
        @Option(help: "AdamW's learning rate.") var learningRate: Double?
        @Option(help: "The learning rate over the steps: constant, linear or cosine.") var schedule: Hyperparameters.Schedule?
        @Option(
            help: ArgumentHelp(
                "A JSON file with every hyperparameter that a job can be told, as over HTTP: objective, optimizer, early_stopping, …",
                valueName: "file"))
        var hyperparameters: String?
        @Option(help: ArgumentHelp("Pairs that are not trained on, on which the weights are measured.", valueName: "file")) var validation: String?
        @Option(help: ArgumentHelp("Which versions of checkpoints stay: last:N, every:N or best; may be repeated.", valueName: "rule"))
        var keep: [String] = []
        @Flag(help: "Put the version in force where it reduced the gap on the built-in benchmark.") var promote = false

        func run() async throws {
            var told = try hyperparameters.map(Self.read) ?? Hyperparameters()
            told.batchSize = batchSize ?? told.batchSize
            told.epochs = epochs ?? told.epochs
            told.schedule = schedule ?? told.schedule
            if let learningRate {
                var optimizer = told.optimizer ?? OptimizerOptions()
                optimizer.learningRate = learningRate
                told.optimizer = optimizer
            }
            var options = FineTuningOptions(promote: promote ? PromotionGate(.gapReduced) : nil)
            options.keep = keep.isEmpty ? nil : keep
            var request = FineTuningRequest(
                model: try await server.model(model), trainingFile: try await upload(file),
                method: FineTuningMethod(type: method, hyperparameters: told), suffix: suffix, cord: options)
            if let validation { request.validationFile = try await upload(validation) }
            try await server.call("POST", Jobs.root, body: try WireEncoder.encode(request), show: Jobs.show)
        }

        private static func read(_ file: String) throws -> Hyperparameters {
            do { return try WireDecoder.decode(Hyperparameters.self, from: try Data(contentsOf: URL(fileURLWithPath: file))) } catch let error
                as WireError
            {
                throw ValidationError("--hyperparameters \(file): \(error.message)")
            }
        }

        /// The id of the uploaded file.
        private func upload(_ file: String) async throws -> String {
            let place = URL(fileURLWithPath: file)
            let form = RunningServer.form(["purpose": "fine-tune"], file: try Data(contentsOf: place), named: place.lastPathComponent)
            return try WireDecoder.response(
                FileObject.self, from: try await server.bytes("POST", "/v1/files", body: form.body, type: form.type)
            ).id
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One job.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The job's id.") var job: String

        func run() async throws { try await server.call("GET", Jobs.path(job), show: Jobs.show) }
    }

    struct Events: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What a job did, oldest first.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The job's id.") var job: String
        @Flag(help: "Wait for more until the job ends.") var follow = false

        func run() async throws {
            var after = ""
            while true {
                // Asked for first: what happens between the two answers is still told.
                let status = try WireDecoder.response(FineTuningJob.self, from: try await server.bytes("GET", Jobs.path(job))).status
                let page = try WireDecoder.response(
                    ListObject<FineTuningEvent>.self,
                    from: try await server.bytes("GET", Jobs.path(job) + "/events?order=asc&limit=1000\(after.isEmpty ? "" : "&after=\(after)")"))
                let lines = page.data.map { "\(RunningServer.time($0.createdAt))  \($0.level)  \($0.message)\n" }.joined()
                // Not by print, which keeps back what goes into a pipe.
                FileHandle.standardOutput.write(Data(lines.utf8))
                after = page.data.last?.id ?? after
                if page.hasMore { continue }
                if !follow || [.succeeded, .failed, .cancelled].contains(status) { return }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a job now.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The job's id.") var job: String

        func run() async throws { try await server.call("POST", Jobs.path(job) + "/cancel", body: Data("{}".utf8), show: Jobs.show) }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a job wait; it goes on from where it was.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The job's id.") var job: String

        func run() async throws { try await server.call("POST", Jobs.path(job) + "/pause", body: Data("{}".utf8), show: Jobs.show) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a paused job go on.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The job's id.") var job: String

        func run() async throws { try await server.call("POST", Jobs.path(job) + "/resume", body: Data("{}".utf8), show: Jobs.show) }
    }

    private static func path(_ job: String) -> String { "\(root)/\(RunningServer.escaped(job))" }

    private static func status(_ job: FineTuningJob) -> String { job.cord.paused ? "paused" : job.status.rawValue }

    private static func show(_ job: FineTuningJob) {
        print("\(job.id): \(status(job)), step \(job.cord.step) of \(job.cord.totalSteps)")
        if let version = job.fineTunedModel { print("version: \(version)") }
        if let error = job.error { print("error: \(error.message)") }
        if let reason = job.cord.reason { print("\(job.cord.promoted == true ? "promoted" : "not promoted"): \(reason)") }
    }
}

extension FineTuningMethod.Kind: ExpressibleByArgument {}

extension Hyperparameters.Schedule: ExpressibleByArgument {}
