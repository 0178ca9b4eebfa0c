import ArgumentParser
import Encodings
import Evaluation
import Foundation
import Generation
import Judging
import Models
import Objectives
import Tensors
import Training
import Workshop

struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Close the gap on a manifest of spoken and typed questions, with CORD or one of its baselines.",
        discussion: """
            cord train run --help lists what a training can be told; run may be left out.

            EXAMPLES
              cord speak questions.jsonl --output spoken
              cord train spoken/manifest.jsonl --output runs/cord
              cord train spoken/manifest.jsonl --output runs/opd --method opd
              cord ask --adapter runs/cord/adapter question.wav
              cord train export runs/cord --step 500 --output at-500
              cord train mirror runs/cord --mlflow http://localhost:5000
            """,
        subcommands: [Run.self, Export.self, Mirror.self], defaultSubcommand: Run.self)
}

extension Train {
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Train on a manifest, or go on where a run was stopped.",
            discussion: """
                \(RowFormat.help(.training))

                A run that was stopped, by Ctrl-C or otherwise, goes on from its last checkpoint with the same bits when the same command is \
                given again; a finished one goes on with more --steps. DIR/run.json says what a run is.
                """)

        @OptionGroup(title: "Model") var model: ModelOptions
        @OptionGroup(title: "Objective") var objective: ObjectiveOptions
        @OptionGroup(title: "Data") var data: TrainingDataOptions

        @Option(name: .shortAndLong, help: ArgumentHelp("Where metrics, checkpoints and the result go.", valueName: "dir"))
        var output: String

        @Option(help: "Pairs of one step.") var batchSize = 8
        @Option(help: "How often each pair is seen.") var epochs = 1
        @Option(help: "Steps, whatever the epochs.") var steps: Int?
        @Option(help: "The peak learning rate of AdamW.") var learningRate = 3e-5
        @Option(help: "AdamW's decoupled decay.") var weightDecay = 0.01
        @Option(name: .customLong("beta1"), help: "AdamW's decay of the gradients' mean.") var beta1 = 0.9
        @Option(name: .customLong("beta2"), help: "AdamW's decay of their squares' mean.") var beta2 = 0.999
        @Option(help: "AdamW's ε.") var epsilon = 1e-8
        @Option(help: "The learning rate after the warm-up: constant, linear or cosine.") var schedule: Schedule.Shape = .constant
        @Option(help: "Steps over which the learning rate rises.") var warmupSteps = 0
        @Option(help: "Scale gradients down to this norm.") var maxGradNorm: Double?
        @Option(help: "What is trained: decoder, projector, encoder; may be repeated.") var train: [AdapterPlan.Part] = [.decoder]
        @Option(help: "Rank of the adapters. Without it, 16, or that of the adapter that training goes on from.") var loraRank: Int?
        @Option(help: "The adapters' change is scaled by this over the rank. Without it, twice the rank.") var loraAlpha: Double?
        @OptionGroup(title: "Adapters, as peft has them") var adapters: AdapterOptions
        @Flag(help: "Train the parameters themselves instead of adapters; DIR/model is then a model directory.") var full = false
        @Option(help: "Names every random choice.") var seed: UInt64 = 0
        @Option(help: "Steps between checkpoints.") var checkpointEvery = 50
        @Option(help: "Checkpoints that are kept, the newest.") var checkpoints = 2
        @OptionGroup(title: "Stopping and keeping") var ending: EndingOptions
        @Option(
            help: ArgumentHelp(
                "Who teaches in place of the weights that the training begins with: a PEFT LoRA directory, or base for the model itself, as after a warm start.",
                valueName: "dir"))
        var teacherAdapter: String?
        @OptionGroup(title: "Other servers") var servers: TrainingServerOptions
        @Option(help: ArgumentHelp("The most that --reward may take for one group of rollouts.", valueName: "seconds")) var rewardTimeout = 60.0
        @Flag(help: "Go on although the run began with other kernels; its weights then differ in their last bits.")
        var anyMachine = false
        @Flag(help: "Write TensorBoard events, too.") var tensorboard = false
        @Flag(help: "Write every rollout token by token, too, as DIR/tokens: log-probabilities, divergences, weights, entropies, ranks.")
        var tokenLog = false

        func validate() throws {
            try NumericOption.check([
                (.batchSize, Double(batchSize)), (.epochs, Double(epochs)), (.steps, steps.map(Double.init)), (.warmupSteps, Double(warmupSteps)),
                (.checkpointEvery, Double(checkpointEvery)), (.keepCheckpoints, Double(checkpoints)), (.learningRate, learningRate),
                (.weightDecay, weightDecay), (.beta1, beta1), (.beta2, beta2), (.epsilon, epsilon), (.maxGradNorm, maxGradNorm),
                (.loraRank, loraRank.map(Double.init)), (.loraAlpha, loraAlpha),
            ])
            if full, let given = (loraRank.map { _ in "lora-rank" } ?? loraAlpha.map { _ in "lora-alpha" } ?? adapters.given) {
                throw ValidationError("--\(given): --full trains the parameters themselves, which have no adapters.")
            }
            if data.replay != nil, objective.replayWeight == 0 { throw ValidationError("--replay: the --replay-weight 0 replays nothing.") }
            if teacherAdapter != nil, objective.teacher == .current {
                throw ValidationError("--teacher-adapter names a frozen teacher; leave out --teacher current.")
            }
            try servers.check(objective.objective, hasTeacher: teacherAdapter != nil)
            if !(0.001...86_400).contains(rewardTimeout) {
                throw ValidationError("--reward-timeout: expected 0.001 to 86400 seconds, found \(rewardTimeout).")
            }
            if model.adapter.count > 1 {
                throw ValidationError("--adapter: training goes on from one adapter; found \(model.adapter.count).")
            }
        }

        func run() async throws {
            var settings = model.settings
            // Nobody else asks: clips whose hearing is frozen may be remembered from one epoch to the next.
            settings.engine.embeddingBytes = 256 << 20
            let runtime = try settings.load()
            let loaded = runtime.model
            let parent = try runtime.versions.entry(settings.adapters.last?.name).version
            let trained =
                full ? AdapterPlan.full(train) : AdapterPlan(train, .lowRank(adapters.lora(rank: loraRank ?? 16, alpha: loraAlpha)))
            try trained.check(
                rank: loraRank, alpha: loraAlpha, isRankStabilized: adapters.useRslora ? true : nil, against: parent, in: loaded.model)
            let teacher = try teacher(runtime)
            let mirror = try servers.mirror(of: URL(fileURLWithPath: output, isDirectory: true))
            let key = ProcessInfo.processInfo.environment["CORD_REWARD_KEY"]
            let reward = try objective.reward.map { try Reward($0, key: key, timeout: rewardTimeout) }
            let directory = URL(fileURLWithPath: output, isDirectory: true)
            let cache = data.cache.map { URL(fileURLWithPath: $0, isDirectory: true) } ?? directory.appending(path: "cache")
            let digest = try ModelFingerprint.model(loaded)
            let checks = PairChecks(in: cache, model: digest)
            let use = RowUse.pairs(objective.objective)
            let checked = try await data.pairs(data.manifest, for: use, by: loaded, checks)
            let held: CheckedPairs? =
                if let file = data.validation { try await data.pairs(file, for: use, by: loaded, checks) } else { nil }
            let replay: CheckedPairs? = if let file = data.replay { try await data.pairs(file, for: .replay, by: loaded, checks) } else { nil }
            let run = try TrainingRun(
                pairs: checked.pairs, content: checked.content, validation: held?.pairs ?? [], replay: replay, settings: plan,
                directory: directory, acceptsOtherMachine: anyMachine)
            // Greedy answers to replayed prompts are the first weights' where another server teaches.
            let answering = servers.teacherEndpoint == nil ? Self.digest(teacher) : nil
            let trainer = try Trainer(
                engine: runtime.engine, plan: trained, options: options(totalSteps: run.totalSteps), parent: parent, teacher: teacher,
                judge: AnswerMatch.judge, reward: try reward?.remembering(in: TrainingRun.rewards(of: directory)),
                answers: TeacherAnswers(
                    in: cache, model: "\(digest) \(loaded.dtype) \(loaded.arithmetic)",
                    teacher: answering ?? parent.map(ModelFingerprint.version),
                    maxTokens: objective.maxRolloutTokens))
            let count = await trainer.parameterCount
            say("\(checked.pairs.count) pairs, \(run.totalSteps) steps, \(count) trained parameters, \(objective.method.rawValue)")
            let frozen = try await trainer.frozen
            if !frozen.isEmpty { say("frozen: " + frozen.joined(separator: "; ")) }
            if let replay { say("\(replay.pairs.count) prompts are replayed, \(run.replayedRows) a step") }
            if let estimate = objective.objective.estimate { say(estimate) }
            let subject = RunRecord.Subject(
                software: "cord \(Build.version)", model: loaded.name, modelDigest: digest,
                parentDigest: parent.map(ModelFingerprint.version), teacherDigest: Self.digest(teacher), reward: reward?.name)
            let training = Task {
                let clock = StepClock()
                return try await run.run(trainer, subject: subject, skipped: checked.skipped) { progress in
                    say(Self.line(progress, left: clock.left(progress)))
                    if progress.step == 1, let note = Self.note(progress.report?.metrics) { say(note) }
                    mirror?.follow()
                }
            }
            let interrupt = Interrupt { training.cancel() }
            defer { interrupt.end() }
            do {
                report(try await training.value)
                await mirror?.end(.finished)
            } catch is CancellationError {
                say("stopped; the same command goes on from here")
                await mirror?.end(.killed)
                throw ExitCode(interrupt.status)
            } catch {
                await mirror?.end(.failed)
                throw error
            }
            print(try await export(trainer, of: loaded, in: directory).path)
        }

        private func teacher(_ runtime: Runtime) throws -> Trainer.FrozenTeacher {
            if let endpoint = try servers.teacher() { return .endpoint(endpoint) }
            guard let teacherAdapter else { return .parent }
            if teacherAdapter == "base" { return .base }
            let name = "teacher of the training"
            try runtime.loadAdapter(URL(fileURLWithPath: teacherAdapter, isDirectory: true), name: name)
            return try runtime.versions.entry(name).version.map { .version($0) } ?? .base
        }

        private static func digest(_ teacher: Trainer.FrozenTeacher) -> String? {
            switch teacher {
            case .parent: nil
            case .base: "base"
            case .version(let version): ModelFingerprint.version(version)
            case .endpoint(let endpoint): endpoint.name
            }
        }

        private var plan: TrainingRun.Settings {
            var plan = TrainingRun.Settings()
            plan.batchSize = batchSize
            plan.epochs = epochs
            plan.steps = steps
            plan.checkpointEvery = checkpointEvery
            plan.checkpointsKept = checkpoints
            plan.validateEvery = data.evalEvery
            plan.validationPairs = data.evalPairs
            plan.replayShare = data.replayShare
            plan.writesEvents = tensorboard
            plan.writesTokens = tokenLog
            plan.stopping = ending.stopping(for: objective.objective)
            plan.keep = ending.keep.isEmpty ? nil : ending.keep
            plan.criterion = ending.criterion(for: objective.objective)
            return plan
        }

        private func options(totalSteps: Int) -> TrainingOptions {
            var options = TrainingOptions(objective.objective)
            options.optimizer.learningRate = learningRate
            options.optimizer.weightDecay = weightDecay
            options.optimizer.beta1 = beta1
            options.optimizer.beta2 = beta2
            options.optimizer.epsilon = epsilon
            options.schedule = Schedule(schedule, warmupSteps: warmupSteps, totalSteps: totalSteps)
            options.maxGradientNorm = maxGradNorm
            options.adapterDropout = adapters.loraDropout > 0 ? adapters.loraDropout : nil
            options.seed = seed
            return options
        }

        private func export(_ trainer: Trainer, of loaded: LoadedModel, in directory: URL) async throws -> URL {
            let version = await trainer.snapshot(id: "trained")
            if let fault = version.fault {
                throw TrainingError.options(
                    "the training left weights that cannot be used, \(loaded.model.parameters[fault.parameter].name): \(fault.reason)")
            }
            let result = directory.appendingPathComponent(full ? "model" : "adapter", isDirectory: true)
            if full {
                try TensorExport.writeModel(version, of: loaded, to: result)
            } else {
                if FileManager.default.fileExists(atPath: result.path) { try FileManager.default.removeItem(at: result) }
                try TensorExport.writeAdapter(version, of: loaded.model, baseModel: loaded.name, to: result)
            }
            try RunRecord.copy(from: directory, to: result)
            return result
        }

        /// Pairs that steps could not use.
        private func report(_ result: RunResult) {
            if let stopped = result.stopped { say("ended at step \(result.steps): \(stopped)") }
            for pair in result.leftOut.prefix(16) { say("left out of \(pair.times) steps: \(pair.id) (\(pair.reason))") }
            if result.leftOut.count > 16 { say("\(result.leftOut.count - 16) more pairs were left out of steps") }
        }

        private func say(_ text: String) { Terminal.say(text) }

        /// Where K covers whole rollouts.
        private static func note(_ metrics: StepMetrics?) -> String? {
            guard let metrics, metrics.topKShare == 1, let length = metrics.rolloutLengthMean else { return nil }
            return """
                K covers every position of these rollouts, of \((length * 10).rounded() / 10) tokens on average: α scales the whole token term and \
                chooses nothing. --top-k-share takes a share.
                """
        }

        static func line(_ progress: TrainingRun.Progress, left: String?) -> String {
            var parts = [progress.step == 0 ? "before the first step" : "step \(progress.step)/\(progress.totalSteps)"]
            func add(_ name: String, _ value: Double?) {
                if let value { parts.append("\(name) \((value * 1e4).rounded() / 1e4)") }
            }
            if let report = progress.report {
                let metrics = report.metrics
                add("loss", metrics.loss)
                add("kl", metrics.klMean)
                add("reward", metrics.rewardMean)
                add("agreement", metrics.teacherAgreement)
                add("clipped", metrics.clipFraction)
                add("reference_kl", metrics.referenceKLMean)
                add("entropy", metrics.entropyMean)
                add("replay_kl", metrics.replayKL)
                add("grad", metrics.gradNorm)
                parts.append("\((report.timings.total * 1e3).rounded() / 1e3) s")
                let skipped = (report.pairs + report.replays).filter { !$0.isApplied }
                if let first = skipped.first { parts.append("\(skipped.count) pairs left out (\(first.id): \(first.reason ?? ""))") }
            }
            if let problem = progress.problem { parts.append(problem) }
            if let validation = progress.validation {
                parts.append("on \(validation.pairs) held-out pairs:")
                for (name, value) in validation.values { add(name, value) }
            }
            if let left { parts.append(left) }
            return parts.joined(separator: "  ")
        }
    }
}
