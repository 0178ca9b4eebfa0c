import Audio
import Foundation
import Generation
import JSON
import Models
import Objectives
import Tensors
import TestSupport
import Testing
import Training

/// What a run leaves behind: its record, its validations, and checkpoints that can be taken further.
@Suite(.ownThread) struct RunRecordTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("cord-record-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private let here = RunMachine(threads: 2, kernels: "k", blas: "b")
    private let elsewhere = RunMachine(threads: 3, kernels: "k", blas: "c")

    private func run(
        steps: Int, machine: RunMachine? = nil, anyMachine: Bool = false, validation: [TrainingPair] = [], sample: Int? = nil
    ) throws -> TrainingRun {
        var settings = TrainingRun.Settings()
        settings.batchSize = 2
        settings.steps = steps
        settings.validateEvery = 2
        settings.validationPairs = sample
        return try TrainingRun(
            pairs: StepFixture.pairs(), content: "c", validation: validation, settings: settings, directory: folder, machine: machine ?? here,
            acceptsOtherMachine: anyMachine)
    }

    private func options(_ method: Objective.Method = .supervised) -> TrainingOptions { StepFixture.options(method) }

    @Test func theRecordSaysWhatTheRunIsAndWhatBecameOfIt() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        struct Stop: Error {}
        let subject = RunRecord.Subject(software: "cord 0", model: "m", modelDigest: "d")
        let skipped = [PairManifest.Problem]()
        await #expect(throws: Stop.self) {
            try await run(steps: 3).run(StepFixture.trainer(options()), subject: subject, skipped: skipped) { _ in throw Stop() }
        }
        // Written before the first step, and without a result.
        let begun = try #require(RunRecord(directory: folder))
        #expect(begun.subject == subject && begun.machine == here && begun.result == nil && begun.resumptions.isEmpty)
        #expect(begun.options == options() && begun.settings.batchSize == 2 && begun.pairs.count == 4 && begun.pairs.content == "c")
        let result = try await run(steps: 3).run(StepFixture.trainer(options()), subject: subject)
        let ended = try #require(RunRecord(directory: folder))
        #expect(result.steps == 3 && result.updates == 3 && ended.result?.steps == 3)
        #expect(ended.resumptions.map(\.step) == [1] && ended.resumptions[0].machine == here)
        #expect(abs(ended.started.timeIntervalSince(begun.started)) < 1)
        var other = subject
        other.modelDigest = "e"
        let error = await #expect(throws: TrainingError.self) {
            try await run(steps: 4).run(StepFixture.trainer(options()), subject: other)
        }
        #expect("\(error!)".contains("other weights of the model m"))
    }

    @Test func anotherMachineIsRefusedOrAccepted() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try await run(steps: 1).run(StepFixture.trainer(options()))
        let error = await #expect(throws: TrainingError.self) {
            try await run(steps: 2, machine: elsewhere).run(StepFixture.trainer(options()))
        }
        #expect("\(error!)".contains("k kernels, OpenBLAS b, not 3 threads, k kernels, OpenBLAS c"))
        try await run(steps: 2, machine: elsewhere, anyMachine: true).run(StepFixture.trainer(options()))
        let record = try #require(RunRecord(directory: folder))
        #expect(record.machine == here && record.resumptions.map(\.machine) == [elsewhere])
    }

    @Test func otherThreadsGoOn() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try await run(steps: 1).run(StepFixture.trainer(options()))
        let more = RunMachine(threads: 3, kernels: "k", blas: "b")
        try await run(steps: 2, machine: more).run(StepFixture.trainer(options()))
        #expect(RunRecord(directory: folder)?.resumptions.map(\.machine) == [more])
    }

    /// A constant rate has no last step.
    @Test func aFinishedRunGoesOnToTheBitsOfALongerOne() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        func trained(_ lengths: [Int], _ shape: Schedule.Shape = .constant) async throws -> [[Float]] {
            try? FileManager.default.removeItem(at: folder)
            var values: [[Float]] = []
            for steps in lengths {
                var options = options(.opd)
                options.schedule = Schedule(shape, totalSteps: steps)
                let trainer = try StepFixture.trainer(options)
                try await run(steps: steps).run(trainer)
                values = await trainer.snapshot(id: "x").tensors.map(\.values)
            }
            return values
        }
        let whole = try await trained([4])
        #expect(try await trained([2, 4]) == whole)
        let error = await #expect(throws: TrainingError.self) { try await trained([2, 4], .linear) }
        #expect("\(error!)".contains("falls to zero at step 2"))
    }

    @Test func validationsBeginBeforeTheFirstStep() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let held = StepFixture.pairs(3)
        let told = Told()
        let trainer = try StepFixture.trainer(options(.opd))
        let result = try await run(steps: 3, validation: held).run(trainer) { told.note($0.step, $0.validation) }
        #expect(told.steps == [0, 2, 3])
        #expect(told.values.allSatisfy { $0.pairs == 3 && $0.loss == nil && $0.judged == 3 })
        // The frozen teacher is the student as long as nothing was learnt, but for what it is given.
        #expect(told.values[0].klMean! > 0 && told.values[0].klMean != told.values[2].klMean)
        #expect(result.validation == told.values[2])
        let lines = try String(contentsOf: folder.appendingPathComponent("validation.jsonl"), encoding: .utf8).split(separator: "\n")
        #expect(try lines.map { try JSONValue(parsing: String($0)).integer("step") } == [0, 2, 3])
        try FileManager.default.removeItem(at: folder)
        let sampled = try await run(steps: 1, validation: held, sample: 2).run(StepFixture.trainer(options()))
        #expect(sampled.validation?.pairs == 2 && sampled.validation?.klMean == nil && sampled.validation!.loss! > 0)
    }

    /// The divergence of the validation is that of the training, with the training's teacher.
    @Test(arguments: Objective.Teacher.allCases)
    func theTeacherOfAValidationIsTheTrainings(teacher: Objective.Teacher) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var options = StepFixture.options(.opd, learningRate: 2e-2)
        options.objective.teacher = teacher
        let trainer = try StepFixture.trainer(options)
        let pairs = StepFixture.pairs(2)
        for _ in 0..<3 { _ = try await trainer.step(pairs) }
        let found = try #require(try await trainer.validate(pairs).klMean)
        let model = try StepFixture.model.get()
        let live = await trainer.snapshot(id: "live")
        var (sum, count) = (0.0, 0)
        for pair in pairs {
            let spoken = try model.prompt(.audio(pair.sound!.clip(limits: .init(maxSeconds: 30))), system: nil)
            let typed = try model.prompt(.text(pair.text), system: nil)
            var sampling = SamplingOptions()
            (sampling.temperature, sampling.maxTokens) = (0, options.objective.maxRolloutTokens)
            let answer = try await trainer.engine.complete(GenerationRequest(prompt: spoken, options: sampling, version: live)).answers[0]
            let tokens = answer.tokens + (answer.finishReason == .stop ? [model.turnEnd] : [])
            let compared = model.compare(
                tokens, student: spoken, teacher: typed, version: live, teacherVersion: teacher == .frozen ? nil : live)
            sum += compared.reduce(0) { $0 + Double($1.measures.reverseKL) }
            count += compared.count
        }
        #expect(abs(found - sum / Double(count)) <= 1e-5 * abs(found), "\(found), \(sum / Double(count))")
    }

    @Test func everyRolloutIsLoggedTokenByTokenWhereAskedFor() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var settings = TrainingRun.Settings()
        (settings.batchSize, settings.steps, settings.writesTokens) = (2, 1, true)
        var options = options(.cord)
        options.objective.entropyCoefficient = 0.01
        let told = Reports()
        try await TrainingRun(pairs: StepFixture.pairs(), settings: settings, directory: folder).run(StepFixture.trainer(options)) {
            told.note($0.report)
        }
        let report = try #require(told.reports.first)
        let file = folder.appendingPathComponent("tokens/step-0000001.jsonl")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        let rollouts = report.pairs.flatMap(\.rollouts)
        #expect(lines.count == rollouts.count && lines.count == 10)
        for (line, rollout) in zip(lines, rollouts) {
            #expect(try line.string("role") == rollout.source.role && line.string("text") == rollout.text)
            let tokens = try line.array("tokens").map { "\($0)" }
            #expect(tokens.count == rollout.tokens.count && tokens.count > 0)
            for name in ["logprob", "entropy", "rank"] { #expect(try line.array(name).count == tokens.count, "\(name)") }
            let isCompared = rollout.source == .student
            for name in ["divergence", "forward_kl", "weight", "teacher_logprob", "teacher_entropy", "teacher_rank"] {
                #expect((try? line.array(name).count) == (isCompared ? tokens.count : nil), "\(name)")
            }
            #expect(try line.integers("rank") == rollout.tokens.map(\.measures.rank))
            for token in rollout.tokens {
                #expect((token.measures.rank == 1) == (token.measures.argmax == Int(token.token)))
                if isCompared { #expect((token.measures.teacherRank == 1) == (token.measures.teacherArgmax == Int(token.token))) }
            }
        }
    }

    private final class Reports: @unchecked Sendable {
        private(set) var reports: [StepReport] = []
        func note(_ report: StepReport?) { if let report { reports.append(report) } }
    }

    /// A warm start that keeps the base as its teacher.
    @Test func theFrozenTeacherMayBeAnotherThanTheFirstWeights() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let warm = try StepFixture.trainer(StepFixture.options(.supervised, learningRate: 5e-3))
        for _ in 0..<3 { _ = try await warm.step(StepFixture.pairs()) }
        let parent = await warm.snapshot(id: "warm")
        func trainer(_ teacher: Trainer.FrozenTeacher) throws -> Trainer {
            try Trainer(
                engine: Engine(StepFixture.model.get()), plan: .lowRank(rank: 8), options: options(.opd), parent: parent, teacher: teacher,
                judge: StepFixture.matching)
        }
        func divergence(_ teacher: Trainer.FrozenTeacher) async throws -> [Double] {
            let trainer = try trainer(teacher)
            let held = try await trainer.validate(StepFixture.pairs(2)).klMean
            return [try await trainer.step(StepFixture.pairs(2)).metrics.klMean, held].compactMap { $0 }
        }
        let own = try await divergence(.parent)
        #expect(try await divergence(.version(parent)) == own && own.count == 2)
        let base = try await divergence(.base)
        #expect(base[0] != own[0] && base[1] != own[1])
        // A run is held to its teacher.
        try await run(steps: 1).run(trainer(.base))
        let error = await #expect(throws: TrainingError.self) { try await run(steps: 2).run(trainer(.parent)) }
        #expect("\(error!)".contains("another frozen teacher"))
        try await run(steps: 2).run(trainer(.base))
    }

    @Test func aCheckpointsWeightsAreTheTrainers() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let trainer = try StepFixture.trainer(options())
        try await run(steps: 2).run(trainer)
        let model = try StepFixture.model.get()
        let file = try TrainingRun.checkpoint(of: folder, step: 2)
        #expect(try TrainingRun.checkpoint(of: folder, step: nil) == file)
        let version = try TrainableWeights.version(from: file, model: model.model, name: model.name, parent: nil)
        let expected = await trainer.snapshot(id: "x")
        #expect(version.tensors.map(\.values) == expected.tensors.map(\.values) && !version.adapters.isEmpty)
        #expect(throws: TrainingError.self) { try TrainingRun.checkpoint(of: folder, step: 1) }
        #expect(throws: TrainingError.self) {
            try TrainableWeights.version(from: file, model: model.model, name: model.name, parent: WeightVersion(id: "other"))
        }
    }

    /// Whatever stands beside it and before it in the batch.
    @Test func aPairsRolloutsDependOnItsIDAlone() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        func rollouts(_ pairs: [TrainingPair]) async throws -> [String: [String]] {
            var options = StepFixture.options()
            // Hot, so that two draws never agree by chance.
            (options.objective.sequenceTemperature, options.objective.maxRolloutTokens) = (10, 8)
            let report = try await StepFixture.trainer(options).step(pairs)
            return Dictionary(uniqueKeysWithValues: report.pairs.map { ($0.id, $0.rollouts.map(\.text)) })
        }
        let pairs = StepFixture.pairs()
        let all = try await rollouts(pairs)
        #expect(try await rollouts(pairs.reversed()) == all)
        let alone = try await rollouts([pairs[2]])
        #expect(alone["largest"] == all["largest"] && alone["largest"]?.count == 5)
        let renamed = TrainingPair(id: "other", sound: pairs[2].sound, text: pairs[2].text)
        #expect(try await rollouts([renamed])["other"] != all["largest"])
    }

    private final class Told: @unchecked Sendable {
        private(set) var steps: [Int] = []
        private(set) var values: [Validation] = []

        func note(_ step: Int, _ validation: Validation?) {
            guard let validation else { return }
            steps.append(step)
            values.append(validation)
        }
    }
}
