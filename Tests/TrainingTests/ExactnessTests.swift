import Audio
import Foundation
import Models
import Generation
import Objectives
import Tensors
import TestSupport
import Testing
import Training
import Weights

/// Losses, gradients and optimiser steps against PyTorch and PEFT in float64 (`Tests/Fixtures/training/make.py`).
@Suite(.ownThread) struct ExactnessTests {
    struct File: Decodable {
        struct Pair: Decodable {
            let student: String
            let teacher: String
            let token: [Int32]
            let group: [[Int32]]
            let rewards: [Float]
            let gold: [Int32]
            let teacher_answer: [Int32]
            let sampler_offset: [[Float]]
        }
        struct Case: Decodable {
            let objective: Settings
            let loss: Double
            let gradNorm: Double
        }
        struct Settings: Decodable {
            let method: Objective.Method
            var teacher: Objective.Teacher?
            var reduction: Reduction?
            var topK: Int?
            var alpha: Double?
            var beta: Double?
            var tokenCoefficient: Double?
            var sequenceCoefficient: Double?
            /// The frozen teacher is the fixture's adapter at this share of its scale, instead of the base.
            var teacherScale: Double?
            var dividesByDeviation: Bool?
            var normalisation: PolicyGradient.Normalisation?
            var clipRatio: Double?
            var maxRolloutTokens: Int?
            var topKShare: Double?
            var sequenceTemperature: Double?
            var estimator: PolicyGradient.Estimator?
            var importanceBound: Double?
            var referenceCoefficient: Double?
            var entropyCoefficient: Double?
            var replayWeight: Double?

            var objective: Objective {
                var objective = Objective(method)
                if let teacher { objective.teacher = teacher }
                if let reduction { objective.reduction = reduction }
                if let topK { objective.topK = topK }
                if let alpha { objective.alpha = alpha }
                if let beta { objective.beta = beta }
                if let tokenCoefficient { objective.tokenCoefficient = tokenCoefficient }
                if let sequenceCoefficient { objective.sequenceCoefficient = sequenceCoefficient }
                if let dividesByDeviation { objective.dividesByDeviation = dividesByDeviation }
                if let normalisation { objective.normalisation = normalisation }
                objective.clipRatio = clipRatio
                objective.topKShare = topKShare
                if let sequenceTemperature { objective.sequenceTemperature = sequenceTemperature }
                if let estimator { objective.estimator = estimator }
                if let importanceBound { objective.importanceBound = importanceBound }
                if let referenceCoefficient { objective.referenceCoefficient = referenceCoefficient }
                if let entropyCoefficient { objective.entropyCoefficient = entropyCoefficient }
                if let replayWeight { objective.replayWeight = replayWeight }
                if let maxRolloutTokens { objective.maxRolloutTokens = maxRolloutTokens }
                return objective
            }
        }
        struct AdamWRun: Decodable {
            let learningRate: Double
            let losses: [Double]
        }
        struct Updates: Decodable {
            let objective: Settings
            let learningRate: Double
            let losses: [Double]
        }
        struct Full: Decodable {
            let pairs: [Pair]
            let loss: Double
        }
        struct FullReplay: Decodable {
            let objective: Settings
            let replays: [Replay]
            let loss: Double
        }
        struct Replay: Decodable {
            let prompt: String
            let answer: [Int32]
        }
        let pairs: [Pair]
        let replays: [Replay]
        let cases: [Case]
        let adamw: AdamWRun
        let updates: Updates
        let full: Full
        let fullReplay: FullReplay
    }

    static let directory = fixtures.appending(path: "training")
    static let file = Result {
        try JSONDecoder().decode(File.self, from: Data(contentsOf: directory.appendingPathComponent("cases.json")))
    }

    /// A random checkpoint with the prompts of its cases.
    struct Checkpoint {
        let model: AudioLanguageModel
        let cases: ReferenceCases

        /// - Parameter path: as ``ReferenceCases`` has it.
        init(_ path: String) throws {
            cases = try ReferenceCases(path)
            model = try AudioLanguageModel(Weights.Checkpoint(model: cases.directory), storage: .checkpoint)
        }

        func prompt(_ name: String) throws -> Prompt {
            let item = cases.named(name)!
            var clips: [Prompt.Clip] = []
            var slots = item.slots(of: model.audio!.placeholder.token)[...]
            for clip in item.clips {
                let audio = AudioClip(samples: cases.clips[clip]!.synthetic!)
                let segments = try model.audio!.segments(audio)
                let count = model.audio!.rowCount(segments)
                clips.append(
                    Prompt.Clip(segments: segments, slots: slots.prefix(count), source: audio.source))
                slots = slots.dropFirst(count)
            }
            return Prompt(tokens: item.inputIDs, clips: clips)
        }
    }

    /// The pairs with the answers that an objective learns from. `score` gives the current log-probabilities of a role's answers.
    static func prepared(_ pairs: [File.Pair], _ checkpoint: Checkpoint, _ objective: Objective) throws -> [PreparedPair] {
        try pairs.map { pair in
            var answers: [PreparedPair.Answer] = []
            if objective.reads(.student) { answers.append(.init(source: .student, tokens: pair.token)) }
            if objective.reads(.group) {
                let advantages = objective.advantages(rewards: pair.rewards)
                for (tokens, advantage) in zip(pair.group, advantages) {
                    answers.append(
                        .init(source: .group, tokens: tokens, advantage: advantage, groupSize: pair.group.count))
                }
            }
            if objective.reads(.teacher) { answers.append(.init(source: .teacher, tokens: pair.teacher_answer)) }
            if objective.reads(.gold) { answers.append(.init(source: .gold, tokens: pair.gold)) }
            return PreparedPair(
                prompt: try checkpoint.prompt(pair.student), teacherPrompt: try checkpoint.prompt(pair.teacher),
                answers: answers)
        }
    }

    /// Prompts that are replayed.
    static func replayed(_ replays: [File.Replay], _ checkpoint: Checkpoint) throws -> [PreparedPair] {
        try replays.map {
            let prompt = try checkpoint.prompt($0.prompt)
            return PreparedPair(prompt: prompt, teacherPrompt: prompt, answers: [.init(source: .replay, tokens: $0.answer)])
        }
    }

    static func counts(_ pairs: [File.Pair], replays: Int = 0) -> BatchCounts {
        BatchCounts(pairs: pairs.count, sequenceTokens: pairs.flatMap(\.group).reduce(0) { $0 + $1.count }, replays: replays)
    }

    /// Every low-rank factor of the fixture as a version.
    static func version(_ goldens: Safetensors, _ model: AudioLanguageModel, scale: Float = 2) throws -> WeightVersion {
        var adapters: [Int: LowRank] = [:]
        for parameter in model.parameters {
            let module = String(parameter.name.dropLast(".weight".count))
            guard let a = goldens.tensors["initial/\(module).lora_A"], let b = goldens.tensors["initial/\(module).lora_B"]
            else { continue }
            adapters[parameter.index] = LowRank(
                a: try a.tensor(rows: a.shape[0], columns: a.shape[1]),
                b: try b.tensor(rows: b.shape[0], columns: b.shape[1]), scale: scale)
        }
        return WeightVersion(id: "fixture", adapters: adapters)
    }

    static let plan = AdapterPlan.lowRank([.decoder, .projector, .encoder], rank: 4, alpha: 8)

    @Test(arguments: cases(in: "training/cases.json") { _ in try file.get().cases }.indices)
    func lossAndEveryGradientAgreeWithPyTorch(index: Int) throws {
        let file = try Self.file.get()
        let item = file.cases[index]
        let objective = item.objective.objective
        let checkpoint = try Checkpoint("qwen2audio/grouped7")
        let goldens = try Safetensors(Self.directory.appendingPathComponent("lora.safetensors"))
        let weights = try TrainableWeights(
            Self.plan, model: checkpoint.model, parent: try Self.version(goldens, checkpoint.model))
        let factors = goldens.tensors.keys.filter { $0.hasPrefix("initial/") }
        #expect(weights.entries.count == factors.count)
        let teacher = try item.objective.teacherScale.map { try Self.version(goldens, checkpoint.model, scale: Float(2 * $0)) }
        let pass = GradientPass(
            model: checkpoint.model, arithmetic: .float32, objective: objective, weights: weights, frozenTeacher: teacher,
            counts: Self.counts(file.pairs, replays: item.objective.replayWeight == nil ? 0 : file.replays.count))
        var pairs = try Self.prepared(file.pairs, checkpoint, objective)
        if objective.clipRatio != nil { pairs = Self.addingSampler(pairs, file.pairs, pass) }
        if item.objective.replayWeight != nil {
            pairs += try Self.replayed(file.replays, checkpoint)
        }
        let tape = Tape()
        weights.watch(on: tape)
        let scored = pass(pairs, on: tape)
        let loss = scored.joined().reduce(0) { $0 + $1.coefficients.loss } / Double(file.pairs.count)
        #expect(relativeDifference(loss, item.loss) <= 1e-4, "\(loss), PyTorch \(item.loss)")
        for entry in weights.entries {
            let expected = try goldens.tensors["\(index)/\(entry.name)"]!.floats()
            let found = tape.gradient(of: entry.tensor)?.values ?? expected.map { _ in 0 }
            let worst = largestRelativeDifference(found, expected)
            #expect(worst <= 1e-4, "\(item.objective.method) \(entry.name): off by \(worst)")
        }
    }

    /// The same loss and gradients from the teacher's log-probabilities alone, without its prompt.
    @Test func aTeachersLogProbabilitiesStandForIt() throws {
        let file = try Self.file.get()
        let checkpoint = try Checkpoint("qwen2audio/grouped7")
        let goldens = try Safetensors(Self.directory.appendingPathComponent("lora.safetensors"))
        let weights = try TrainableWeights(Self.plan, model: checkpoint.model, parent: try Self.version(goldens, checkpoint.model))
        let objective = Objective(.opdSampled)
        let pass = GradientPass(
            model: checkpoint.model, arithmetic: .float32, objective: objective, weights: weights, frozenTeacher: nil,
            counts: Self.counts(file.pairs))
        func gradients(_ pairs: [PreparedPair]) -> (scored: [ScoredAnswer], gradients: [[Float]]) {
            let tape = Tape()
            weights.watch(on: tape)
            let scored = pass(pairs, on: tape).flatMap(\.self)
            return (scored, weights.entries.map { tape.gradient(of: $0.tensor)?.values ?? [] })
        }
        let pairs = try Self.prepared(file.pairs, checkpoint, objective)
        let here = gradients(pairs)
        let elsewhere = gradients(
            zip(pairs, here.scored).map { pair, scored in
                let answer = PreparedPair.Answer(
                    source: .student, tokens: pair.answers[0].tokens, teacherLogProbabilities: scored.measures.map(\.teacherLogProbability))
                return PreparedPair(prompt: pair.prompt, teacherPrompt: Prompt(tokens: []), answers: [answer])
            })
        #expect(here.gradients == elsewhere.gradients && here.gradients.contains { $0.contains { $0 != 0 } })
        #expect(here.scored.map(\.coefficients.loss) == elsewhere.scored.map(\.coefficients.loss))
        #expect(here.scored.flatMap(\.measures).allSatisfy(\.knowsTeacher) && !elsewhere.scored.flatMap(\.measures).contains(where: \.knowsTeacher))
    }

    /// Sampler log-probabilities at the recorded offsets from the current ones.
    static func addingSampler(_ pairs: [PreparedPair], _ source: [File.Pair], _ pass: GradientPass) -> [PreparedPair] {
        let scored = pass(pairs, on: Tape())
        return pairs.indices.map { index in
            let answers = pairs[index].answers.enumerated().map { place, answer in
                PreparedPair.Answer(
                    source: answer.source, tokens: answer.tokens,
                    samplerLogProbabilities: zip(
                        scored[index][place].measures, source[index].sampler_offset[place]
                    ).map { $0.logProbability - $1 }, advantage: answer.advantage, groupSize: answer.groupSize)
            }
            return PreparedPair(
                prompt: pairs[index].prompt, teacherPrompt: pairs[index].teacherPrompt, answers: answers)
        }
    }

    /// The clip acts: from the second update on, ratios leave 1.
    @Test func severalUpdatesByTheSameRolloutsFollowPyTorchs() throws {
        let file = try Self.file.get()
        let checkpoint = try Checkpoint("qwen2audio/grouped7")
        let goldens = try Safetensors(Self.directory.appendingPathComponent("lora.safetensors"))
        let weights = try TrainableWeights(
            Self.plan, model: checkpoint.model, parent: try Self.version(goldens, checkpoint.model))
        let objective = file.updates.objective.objective
        var pairs = try Self.prepared(file.pairs, checkpoint, objective)
        let optimizer = AdamW(learningRate: file.updates.learningRate)
        let moments = weights.entries.map { entry in (0..<2).map { _ in Tensor(zeros: entry.tensor.rows, entry.tensor.columns) } }
        var clipped: [Int] = []
        for (update, expected) in file.updates.losses.enumerated() {
            let pass = GradientPass(
                model: checkpoint.model, arithmetic: .float32, objective: objective, weights: weights, frozenTeacher: nil,
                counts: Self.counts(file.pairs))
            let tape = Tape()
            weights.watch(on: tape)
            let scored = pass(pairs, on: tape)
            let loss = scored.joined().reduce(0) { $0 + $1.coefficients.loss } / Double(pairs.count)
            #expect(abs(loss - expected) <= 1e-3 * max(0.1, abs(expected)), "update \(update): \(loss), PyTorch \(expected)")
            clipped.append(scored.joined().reduce(0) { $0 + $1.coefficients.logProbability.count { $0 == 0 } })
            if update == 0 { pairs = zip(pairs, scored).map { $0.against($1) } }
            for (entry, moments) in zip(weights.entries, moments) {
                optimizer.update(
                    entry.tensor, moments[0], moments[1], gradient: tape.gradient(of: entry.tensor)!,
                    rate: optimizer.learningRate, step: update + 1)
            }
        }
        #expect(clipped[0] == 0 && clipped[1] > 0, "\(clipped)")
    }

    @Test func gradientsOfEveryParameterAgreeWithPyTorch() throws {
        let file = try Self.file.get()
        let checkpoint = try Checkpoint("qwen2audio/head128")
        let goldens = try Safetensors(Self.directory.appendingPathComponent("full.safetensors"))
        let weights = try TrainableWeights(.full(), model: checkpoint.model)
        let objective = Objective()
        let pass = GradientPass(
            model: checkpoint.model, arithmetic: .float32, objective: objective, weights: weights, frozenTeacher: nil,
            counts: Self.counts(file.full.pairs))
        let tape = Tape()
        weights.watch(on: tape)
        let pairs = try Self.prepared(file.full.pairs, checkpoint, objective)
        let scored = pass(pairs, on: tape)
        let loss = scored.joined().reduce(0) { $0 + $1.coefficients.loss } / Double(pairs.count)
        #expect(largestRelativeDifference([loss], [file.full.loss]) <= 1e-4)
        for entry in weights.entries {
            guard let golden = goldens.tensors[entry.name] else {
                #expect(entry.name.hasSuffix("lm_head.weight") || entry.name.contains("embed_positions"), "\(entry.name)")
                continue
            }
            let found = entry.parameter.published(tape.gradient(of: entry.tensor)!)
            #expect(entry.parameter.shape == golden.shape || golden.shape.count == 1)
            // A key's bias shifts all scores of a query alike: its gradient is zero but for rounding.
            if entry.name.hasSuffix("k_proj.bias") { continue }
            let worst = largestRelativeDifference(found.values, try golden.floats())
            #expect(worst <= 1e-4, "\(entry.name): off by \(worst)")
        }
    }

    /// The weights have left those of the frozen teacher, or the replayed prompts would have no gradient.
    @Test func gradientsOfEveryParameterAgreeWithPyTorchBesideReplayedPrompts() throws {
        let file = try Self.file.get()
        let checkpoint = try Checkpoint("qwen2audio/head128")
        let goldens = try Safetensors(Self.directory.appendingPathComponent("full.safetensors"))
        let weights = try TrainableWeights(.full(), model: checkpoint.model)
        for entry in weights.entries { scale(entry.tensor, by: Float(1 + 0.02 * Double(entry.name.utf8.count % 7 - 3))) }
        let objective = file.fullReplay.objective.objective
        let pass = GradientPass(
            model: checkpoint.model, arithmetic: .float32, objective: objective, weights: weights, frozenTeacher: nil,
            counts: Self.counts(file.full.pairs, replays: file.fullReplay.replays.count))
        let pairs = try Self.prepared(file.full.pairs, checkpoint, objective) + Self.replayed(file.fullReplay.replays, checkpoint)
        let tape = Tape()
        weights.watch(on: tape)
        let loss = pass(pairs, on: tape).joined().reduce(0) { $0 + $1.coefficients.loss } / Double(file.full.pairs.count)
        #expect(relativeDifference(loss, file.fullReplay.loss) <= 1e-4, "\(loss), PyTorch \(file.fullReplay.loss)")
        // A key's bias shifts all scores of a query alike: its gradient is zero but for rounding.
        for entry in weights.entries where !entry.name.hasSuffix("k_proj.bias") {
            let golden = try #require(goldens.tensors["replay/" + entry.name])
            let found = entry.parameter.published(tape.gradient(of: entry.tensor)!)
            #expect(largestRelativeDifference(found.values, try golden.floats()) <= 1e-4, "\(entry.name)")
        }
    }

    @Test func tenStepsFollowPyTorchsTenLosses() throws {
        let file = try Self.file.get()
        let checkpoint = try Checkpoint("qwen2audio/grouped7")
        let goldens = try Safetensors(Self.directory.appendingPathComponent("lora.safetensors"))
        let weights = try TrainableWeights(
            Self.plan, model: checkpoint.model, parent: try Self.version(goldens, checkpoint.model))
        let objective = Objective()
        let pairs = try Self.prepared(file.pairs, checkpoint, objective)
        let optimizer = AdamW(learningRate: file.adamw.learningRate)
        let moments = weights.entries.map { entry in
            (0..<2).map { _ in Tensor(zeros: entry.tensor.rows, entry.tensor.columns) }
        }
        try #require(file.adamw.losses.count == 10)
        for (step, expected) in file.adamw.losses.enumerated() {
            let pass = GradientPass(
                model: checkpoint.model, arithmetic: .float32, objective: objective, weights: weights,
                frozenTeacher: nil, counts: Self.counts(file.pairs))
            let tape = Tape()
            weights.watch(on: tape)
            let loss = pass(pairs, on: tape).joined().reduce(0) { $0 + $1.coefficients.loss } / Double(pairs.count)
            #expect(largestRelativeDifference([loss], [expected]) <= 1e-3, "step \(step): \(loss), PyTorch \(expected)")
            for (entry, moments) in zip(weights.entries, moments) {
                optimizer.update(
                    entry.tensor, moments[0], moments[1], gradient: tape.gradient(of: entry.tensor)!,
                    rate: optimizer.learningRate, step: step + 1)
            }
        }
        let recorded = weights.entries.filter { goldens.tensors["after/\($0.name)"] != nil }
        try #require(!recorded.isEmpty)
        for entry in recorded {
            let golden = goldens.tensors["after/\(entry.name)"]!
            let worst = largestRelativeDifference(entry.tensor.values, try golden.floats())
            #expect(worst <= 1e-3, "\(entry.name): off by \(worst)")
        }
    }
}
