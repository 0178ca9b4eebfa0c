import API
import ArgumentParser
import Foundation

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tuning jobs of a running server.",
        discussion: """
            EXAMPLES
              cord jobs                                       the latest jobs
              cord jobs create spoken/ --suffix mine          CORD on what cord speak wrote
              cord jobs create pairs.jsonl --steps 40 --follow
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
        static let configuration = CommandConfiguration(abstract: "Upload pairs, train on them, and print the job's id.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "A folder of clips with a manifest, as cord speak writes, an archive of one, or JSON lines.") var file: String
        @Option(help: "The model to start from. Without it, the server's first.") var model: String?
        @Option(help: "cord or supervised.") var method: FineTuningMethod.Kind = .cord
        @Option(help: "Goes into the version's name.") var suffix: String?
        @Option(help: "Times through the file.") var epochs: Int?
        @Option(help: "Steps, instead of what the epochs come to.") var steps: Int?
        @Option(help: "Pairs of one step.") var batchSize: Int?
        @Option(help: "AdamW's learning rate.") var learningRate: Double?
        @Option(help: "The learning rate over the steps: constant, linear or cosine.") var schedule: Hyperparameters.Schedule?
        @Option(help: "Held-out pairs, looked at on the way: as the file.") var validation: String?
        @Flag(help: "Put the version in force where it reduced the gap on the built-in benchmark.") var promote = false
        @Flag(help: "Show the steps until the job ends. Ctrl-C ends the showing alone.") var follow = false

        func run() async throws {
            var hyperparameters = Hyperparameters()
            hyperparameters.batchSize = batchSize
            hyperparameters.epochs = epochs
            hyperparameters.steps = steps
            hyperparameters.schedule = schedule
            hyperparameters.optimizer = learningRate.map { OptimizerOptions(learningRate: $0) }
            let (training, validation) = (try LocalFile(file), try validation.map { try LocalFile($0) })
            // Before anything is sent: a server that is not there, or has no model.
            let model = try await server.model(model)
            let created = try await training.send(to: server, purpose: "fine-tune") { file in
                var request = FineTuningRequest(
                    model: model, trainingFile: file.id, method: FineTuningMethod(type: method, hyperparameters: hyperparameters),
                    suffix: suffix, cord: FineTuningOptions(promote: promote ? PromotionGate(.gapReduced) : nil))
                guard let validation else { return try await post(request) }
                return try await validation.send(to: server, purpose: "fine-tune") { file in
                    request.validationFile = file.id
                    return try await post(request)
                }
            }
            let job = try WireDecoder.response(FineTuningJob.self, from: created)
            // Not by print, which keeps back what goes into a pipe.
            FileHandle.standardOutput.write(server.json && !follow ? created + Data("\n".utf8) : Data("\(job.id)\n".utf8))
            if follow { try await Jobs.follow(job, server) }
        }

        private func post(_ request: FineTuningRequest) async throws -> Data {
            try await server.bytes("POST", Jobs.root, body: try WireEncoder.encode(request))
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

    /// Shows the steps of a job and how it ended.
    ///
    /// - Throws: `ServerRefusal` where it did not succeed.
    private static func follow(_ job: FineTuningJob, _ server: RunningServer) async throws {
        var job = job
        let bar = ProgressBar("steps")
        defer { bar.end() }
        while ![.succeeded, .failed, .cancelled].contains(job.status) {
            bar.show(job.cord.step, of: job.cord.totalSteps)
            try await Task.sleep(for: .milliseconds(500))
            job = try WireDecoder.response(FineTuningJob.self, from: try await server.bytes("GET", path(job.id)))
        }
        bar.finish()
        guard job.status == .succeeded else {
            throw ServerRefusal(description: "The job \(job.id) \(job.status.rawValue)\(job.error.map { ": \($0.message)" } ?? "").")
        }
        show(job)
    }

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
