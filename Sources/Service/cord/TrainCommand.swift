import ArgumentParser
import Encodings
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
            Each line of MANIFEST is a JSON object with "audio" (a path beside the manifest, or a data: URL), "text", and for methods that \
            use gold "answer" or "solution"; or a conversation for the method supervised: "messages" (OpenAI, ms-swift), with "weight" 0 on \
            turns that are not learnt and "audios" where <audio> stands. A metadata.csv of an AudioFolder is read, too, and the split train \
            of a folder with splits. Every clip is heard, or its line refused, before the first step; unknown members are refused by name. A \
            run that was stopped goes on from its last checkpoint with the same bits.

            EXAMPLES
              cord speak questions.jsonl --output spoken
              cord train spoken/manifest.jsonl --output runs/cord
              cord train spoken/manifest.jsonl --output runs/opd --method opd
              cord ask --adapter runs/cord/adapter question.wav
            """)

    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "Objective") var objective: ObjectiveOptions

    @Argument(help: ArgumentHelp("The pairs, as JSON lines or CSV, or a folder with them.", valueName: "manifest")) var manifest: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where metrics, checkpoints and the result go.", valueName: "dir"))
    var output: String

    @Option(help: "Pairs of one step.") var batchSize = 8
    @Option(help: "How often each pair is seen.") var epochs = 1
    @Option(help: "Steps, whatever the epochs.") var steps: Int?
    @Option(help: "The peak learning rate of AdamW.") var learningRate = 3e-5
    @Option(help: "AdamW's decoupled decay.") var weightDecay = 0.01
    @Option(help: "The learning rate after the warm-up: constant, linear or cosine.") var schedule: Schedule.Shape = .constant
    @Option(help: "Steps over which the learning rate rises.") var warmupSteps = 0
    @Option(help: "Scale gradients down to this norm.") var maxGradNorm: Double?
    @Option(help: "What is trained: decoder, projector, encoder; may be repeated.") var train: [AdapterPlan.Part] = [.decoder]
    @Option(help: "Rank of the adapters.") var loraRank = 16
    @Option(help: "The adapters' change is scaled by this over the rank. Without it, twice the rank.") var loraAlpha: Double?
    @Flag(help: "Train the parameters themselves instead of adapters; DIR/model is then a model directory.") var full = false
    @Option(help: "Names every random choice.") var seed: UInt64 = 0
    @Option(help: "Steps between checkpoints.") var checkpointEvery = 50
    @Option(
        help: ArgumentHelp(
            "Lines of the manifest that may be left out because nothing can be learnt from them: no such clip, no text, too long. Each is named.",
            valueName: "lines"))
    var maxSkipped = 0
    @Flag(help: "Write TensorBoard events, too.") var tensorboard = false

    func validate() throws {
        for (name, value) in [("batch-size", batchSize), ("epochs", epochs), ("lora-rank", loraRank), ("checkpoint-every", checkpointEvery)]
        where value < 1 {
            throw ValidationError("--\(name): expected at least 1, found \(value).")
        }
        if maxSkipped < 0 { throw ValidationError("--max-skipped: expected at least 0, found \(maxSkipped).") }
        if loraRank > 4096 { throw ValidationError("--lora-rank: expected at most 4096, found \(loraRank).") }
        if let loraAlpha, !(1e-30...1e6).contains(loraAlpha) {
            throw ValidationError("--lora-alpha: expected 1e-30 to 1e6, found \(loraAlpha).")
        }
        if !(learningRate > 0 && learningRate <= 1) {
            throw ValidationError("--learning-rate: expected a number above 0, at most 1, found \(learningRate).")
        }
        if model.adapter.count > 1 { throw ValidationError("--adapter: training goes on from one adapter; found \(model.adapter.count).") }
    }

    func run() async throws {
        var settings = model.settings
        // Nobody else asks: clips whose hearing is frozen may be remembered from one epoch to the next.
        settings.engine.embeddingBytes = 256 << 20
        let runtime = try settings.load()
        let loaded = runtime.model
        let parent = try runtime.versions.entry(settings.adapters.last?.name).version
        let checked = try await pairs(for: objective.objective, by: loaded)
        let directory = URL(fileURLWithPath: output, isDirectory: true)
        var plan = TrainingRun.Settings()
        plan.batchSize = batchSize
        plan.epochs = epochs
        plan.steps = steps
        plan.checkpointEvery = checkpointEvery
        plan.writesEvents = tensorboard
        let run = try TrainingRun(pairs: checked.pairs, content: checked.content, settings: plan, directory: directory)

        var options = TrainingOptions(objective.objective)
        options.optimizer.learningRate = learningRate
        options.optimizer.weightDecay = weightDecay
        options.schedule = Schedule(schedule, warmupSteps: warmupSteps, totalSteps: run.totalSteps)
        options.maxGradientNorm = maxGradNorm
        options.seed = seed
        let trained = full ? AdapterPlan.full(train) : .lowRank(train, rank: loraRank, alpha: loraAlpha)
        let trainer = try Trainer(engine: runtime.engine, plan: trained, options: options, parent: parent, judge: AnswerMatch.judge)
        let count = await trainer.parameterCount
        say("\(checked.pairs.count) pairs, \(run.totalSteps) steps, \(count) trained parameters, \(objective.method.rawValue)")
        try await run.run(trainer) { progress in say(Self.line(progress)) }
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
        print(result.path)
    }

    private func pairs(for objective: Objective, by model: LoadedModel) async throws -> CheckedPairs {
        let file: URL
        do throws(ManifestError) {
            let found = try PairManifest.find(URL(fileURLWithPath: manifest))
            if let note = found.note { say(note) }
            file = found.manifest
        } catch {
            throw TrainingError.manifest(path: manifest, line: nil, reason: "\(error)")
        }
        let bar = ProgressBar("pairs")
        defer { bar.finish() }
        let checked = try await PairManifest(file, for: objective)
            .checked(by: model, maxSkipped: maxSkipped, width: Threads.count) { bar.show($0, of: $1) }
        bar.end()
        for line in checked.skipped { say("line \(line.line) is left out: \(line.reason)") }
        return checked
    }

    private func say(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

    static func line(_ progress: TrainingRun.Progress) -> String {
        var parts = ["step \(progress.step)/\(progress.totalSteps)"]
        if let report = progress.report {
            let metrics = report.metrics
            func add(_ name: String, _ value: Double?) {
                if let value { parts.append("\(name) \((value * 1e4).rounded() / 1e4)") }
            }
            add("loss", metrics.loss)
            add("kl", metrics.klMean)
            add("reward", metrics.rewardMean)
            add("agreement", metrics.teacherAgreement)
            add("grad", metrics.gradNorm)
            parts.append("\((report.timings.total * 1e3).rounded() / 1e3) s")
            let skipped = report.pairs.filter { !$0.isApplied }
            if let first = skipped.first { parts.append("\(skipped.count) pairs left out (\(first.id): \(first.reason ?? ""))") }
        }
        if let problem = progress.problem { parts.append(problem) }
        return parts.joined(separator: "  ")
    }
}

/// Every parameter of the objective, at the paper's value.
struct ObjectiveOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What is minimised: \(Objective.Method.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "method"))
    var method: Objective.Method = .cord
    @Option(help: "K: positions of the largest divergence that weigh more.") var topK = 20
    @Option(help: "α: how much more.") var alpha = 2.0
    @Option(help: "β: the position weight falls from it to 1.") var beta = 2.0
    @Option(help: "Rollouts of the group of the sequence term.") var rollouts = 4
    @Option(help: "Temperature of the token term's rollout.") var tokenTemperature = 1.0
    @Option(help: "Temperature of the group's rollouts.") var sequenceTemperature = 1.5
    @Option(help: "Temperature of the teacher's own answers; 0 is greedy.") var teacherTemperature = 0.0
    @Option(help: "The most tokens of a rollout.") var maxRolloutTokens = 200
    @Option(help: "Factor of the token term.") var tokenCoefficient = 1.0
    @Option(help: "Factor of the sequence term.") var sequenceCoefficient = 1.0
    @Option(help: "Who teaches: the frozen first weights, or the current ones.") var teacher: Objective.Teacher = .frozen
    @Option(help: "What rollouts are judged against: the teacher's answer, or gold.") var reference: Objective.Reference = .teacher
    @Option(help: "Over a rollout's positions: sum or mean.") var reduction: Reduction = .sum
    @Flag(help: "Divide advantages by their standard deviation.") var divideByDeviation = false
    @Option(help: "Clip the policy ratio to 1 ± this.") var clipRatio: Double?
    @Option(help: "What the sequence term is divided by: sum, sequence, tokens or constant.")
    var normalisation: PolicyGradient.Normalisation = .sum

    var objective: Objective {
        var objective = Objective(method)
        objective.topK = topK
        objective.alpha = alpha
        objective.beta = beta
        objective.rollouts = rollouts
        objective.tokenTemperature = tokenTemperature
        objective.sequenceTemperature = sequenceTemperature
        objective.teacherTemperature = teacherTemperature
        objective.maxRolloutTokens = maxRolloutTokens
        objective.tokenCoefficient = tokenCoefficient
        objective.sequenceCoefficient = sequenceCoefficient
        objective.teacher = teacher
        objective.reference = reference
        objective.reduction = reduction
        objective.dividesByDeviation = divideByDeviation
        objective.clipRatio = clipRatio
        objective.normalisation = normalisation
        return objective
    }

    func validate() throws {
        if rollouts < 1 { throw ValidationError("--rollouts: expected at least 1, found \(rollouts).") }
        if maxRolloutTokens < 1 { throw ValidationError("--max-rollout-tokens: expected at least 1, found \(maxRolloutTokens).") }
        if topK < 0 { throw ValidationError("--top-k: expected at least 0, found \(topK).") }
        for (name, value) in [("token", tokenTemperature), ("sequence", sequenceTemperature)] where !(value > 0 && value <= 10) {
            throw ValidationError("--\(name)-temperature: expected a number above 0, at most 10, found \(value).")
        }
    }
}

extension Objective.Method: ExpressibleByArgument {}
extension Objective.Teacher: ExpressibleByArgument {}
extension Objective.Reference: ExpressibleByArgument {}
extension Reduction: ExpressibleByArgument {}
extension PolicyGradient.Normalisation: ExpressibleByArgument {}
extension Schedule.Shape: ExpressibleByArgument {}
extension AdapterPlan.Part: ExpressibleByArgument {}
