import API
import ArgumentParser
import Files
import Foundation
import Glibc
import Objectives
import Server
import Workshop

extension Jobs {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Upload pairs with their clips and train on them; print the job's id.",
            discussion: """
                PAIRS is a folder with a manifest and its clips, such as cord speak writes, an archive of one, or JSON lines whose rows hold their \
                clips. \(RowFormat.help(.training))

                EXAMPLES
                  cord jobs create spoken/ --steps 100 --follow
                  cord jobs create spoken/ --method grpo --learning-rate 1e-5 --lora-rank 8
                  cord jobs create more.jsonl --model ft:cord-nano:mine-4m1x
                """)
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The folder or file.") var pairs: String
        @Option(help: "The model to start from: the base, or a version by id or name. Without it, the server's first.") var model: String?
        @Option(
            help: ArgumentHelp(
                "What is minimised: \(Objective.Method.allCases.map(\.rawValue).joined(separator: ", ")). Without it, cord, or what --hyperparameters name.",
                valueName: "method"))
        var method: Objective.Method?
        @Option(help: "Goes into the version's name.") var suffix: String?
        @Option(help: "A folder or file of pairs that are held out.") var validation: String?
        @Option(help: "A file of prompts on which the weights are held to the frozen teacher.") var replay: String?
        @Option(help: "Times through the pairs.") var epochs: Int?
        @Option(help: "Steps in all, in place of --epochs.") var steps: Int?
        @Option(help: "Pairs of one step.") var batchSize: Int?
        @Option(help: "AdamW's learning rate.") var learningRate: Double?
        @Option(help: "The learning rate over the steps: constant, linear or cosine.") var schedule: Hyperparameters.Schedule?
        @Option(help: "Rank of a new adapter.") var loraRank: Int?
        @Option(help: "The adapter's change is scaled by this over the rank.") var loraAlpha: Double?
        @Flag(help: "Train the parameters themselves instead of an adapter.") var full = false
        @Option(help: "Draws the order of the pairs, and what is sampled.") var seed: Int?
        @Option(help: "Pairs that may be left out, where they cannot be learnt from.") var maxSkipped: Int?
        @Option(
            help: ArgumentHelp(
                "A JSON file with every hyperparameter that a job can be told, as over HTTP: objective, optimizer, early_stopping, …; options override it.",
                valueName: "file"))
        var hyperparameters: String?
        @Option(help: ArgumentHelp("Which versions of checkpoints stay: last:N, every:N or best; may be repeated.", valueName: "rule"))
        var keep: [String] = []
        @Flag(help: "Write TensorBoard's events, as one of the job's result files.") var tensorboard = false
        @Flag(help: "Put the version in force where it reduced the gap on the built-in benchmark.") var promote = false
        @Flag(help: "Show the steps until the job ends; one that fails is exit code 1. Ctrl-C leaves the job alone.") var follow = false

        func validate() throws {
            if steps != nil, epochs != nil { throw ValidationError("--steps and --epochs exclude each other.") }
        }

        func run() async throws {
            let model = try await server.model(model)
            let (held, replayed) = (try validation.map { try MultipartUpload($0) }, try replay.map { try MultipartUpload($0) })
            let job = try await server.with(try MultipartUpload(pairs), purpose: "fine-tune") { file in
                try await with(held) { held in try await with(replayed) { try await create(model, file.id, held, replay: $0) } }
            }
            if !follow {
                if server.json { return print(String(decoding: job, as: UTF8.self)) }
                let job = try WireDecoder.response(FineTuningJob.self, from: job)
                // A script gets the id alone.
                return isatty(STDOUT_FILENO) == 1 ? Jobs.show(job) : print(job.id)
            }
            try await Jobs.follow(try WireDecoder.response(FineTuningJob.self, from: job), server)
        }

        /// Hands the id of an upload to `body`; nil where there is nothing to upload.
        private func with(_ upload: MultipartUpload?, _ body: (String?) async throws -> Data) async throws -> Data {
            guard let upload else { return try await body(nil) }
            return try await server.with(upload, purpose: "fine-tune") { try await body($0.id) }
        }

        private func create(_ model: String, _ file: String, _ validation: String?, replay: String?) async throws -> Data {
            var told = try hyperparameters.map(Self.read) ?? Hyperparameters()
            told.batchSize = batchSize ?? told.batchSize
            told.nEpochs = epochs ?? told.nEpochs
            told.steps = steps ?? told.steps
            told.schedule = schedule ?? told.schedule
            if learningRate != nil || loraRank != nil || loraAlpha != nil || full {
                var optimizer = told.optimizer ?? OptimizerOptions()
                optimizer.learningRate = learningRate ?? optimizer.learningRate
                optimizer.loraRank = loraRank ?? optimizer.loraRank
                optimizer.loraAlpha = loraAlpha ?? optimizer.loraAlpha
                optimizer.full = full || optimizer.full
                told.optimizer = optimizer
            }
            if let method, method != .supervised { told.objective = CordObjective(Objective(method)) }
            var options = FineTuningOptions(promote: promote ? PromotionGate(.gapReduced) : nil)
            options.tensorboard = tensorboard
            options.maxSkipped = maxSkipped
            options.keep = keep.isEmpty ? nil : keep
            options.replayFile = replay
            var request = FineTuningRequest(
                model: model, trainingFile: file, method: FineTuningMethod(type: method == .supervised ? .supervised : .cord, hyperparameters: told),
                suffix: suffix,
                cord: options)
            request.validationFile = validation
            request.seed = seed
            return try await server.bytes("POST", Jobs.root, body: try WireEncoder.encode(request))
        }

        private static func read(_ file: String) throws -> Hyperparameters {
            do { return try WireDecoder.decode(Hyperparameters.self, from: try Data(reading: URL(fileURLWithPath: file))) } catch let error
                as WireError
            {
                throw ValidationError("--hyperparameters \(file): \(error.message)")
            }
        }
    }

    /// Shows a job's steps until it ends or is paused, and then the job.
    static func follow(_ job: FineTuningJob, _ server: RunningServer) async throws {
        var job = job
        let bar = ProgressBar("steps")
        defer { bar.end() }
        bar.say("\(job.id) is followed; without that it goes on alike")
        while [.validatingFiles, .queued, .running].contains(job.status), !job.cord.paused {
            bar.show(job.cord.step, of: job.cord.totalSteps)
            try await Task.sleep(for: .milliseconds(500))
            job = try WireDecoder.response(FineTuningJob.self, from: try await server.bytes("GET", path(job.id)))
        }
        bar.end()
        try await server.call("GET", path(job.id), show: show)
        if job.status == .failed || job.status == .cancelled { throw ExitCode.failure }
    }
}

extension Hyperparameters.Schedule: ExpressibleByArgument {}
