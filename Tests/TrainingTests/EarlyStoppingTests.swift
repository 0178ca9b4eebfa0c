import Foundation
import Generation
import Objectives
import TestSupport
import Testing
import Training

/// When runs end early, and what stays of their checkpoints.
@Suite(.ownThread) struct EarlyStoppingTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func validation(klMean: Double) -> Validation {
        var validation = Validation()
        validation.klMean = klMean
        return validation
    }

    @Test(arguments: [
        ([1.0, 0.9, 0.8], 2, 0.0, false), ([1, 1, 1], 2, 0, true), ([1, 1], 2, 0, false), ([1, 2, 0.5, 2], 2, 0, false),
        ([1, 0.95, 0.9], 2, 0.2, true), ([1, 0.9, 0.79], 2, 0.2, false), ([0.5, 0.6, 0.4, 0.6, 0.5], 2, 0, true),
        ([1, .nan], 1, 0, true), ([], 1, 0, false),
    ])
    func patienceCountsWhatIsNotBetter(values: [Double], patience: Int, change: Double, ends: Bool) throws {
        let rule = EarlyStopping(.klMean, patience: patience, minimumChange: change)
        #expect((try rule.reason(after: values.map(validation)) != nil) == ends)
    }

    @Test func criteriaAreReadOffValidations() throws {
        var validation = Validation()
        #expect(Criterion.allCases.allSatisfy { $0.value(of: validation) == nil })
        (validation.audioAccuracy, validation.textAccuracy, validation.loss, validation.klMean) = (0.25, 0.75, 2, 3)
        #expect([Criterion.gap, .textLoss, .loss, .klMean].map { $0.value(of: validation) } == [0.5, 0.25, 2, 3])
        let error = #expect(throws: TrainingError.self) { try EarlyStopping(.gap, patience: 1).reason(after: [self.validation(klMean: 1)]) }
        #expect("\(error!)".contains("no gap to stop by"))
    }

    @Test func rulesAreWrittenAsTheyAreRead() throws {
        for text in ["last:3", "every:500", "best"] {
            let rule = try #require(KeepRule(text))
            #expect(rule.description == text)
            #expect(try JSONDecoder().decode([KeepRule].self, from: JSONEncoder().encode([rule])) == [rule])
        }
        for text in ["", "last", "last:0", "last:-1", "every:x", "best:1", "all", "last:1:2"] { #expect(KeepRule(text) == nil, "\(text)") }
    }

    private func run(_ name: String, steps: Int, _ change: (inout TrainingRun.Settings) -> Void) throws -> TrainingRun {
        var settings = TrainingRun.Settings()
        (settings.batchSize, settings.steps, settings.checkpointEvery, settings.validateEvery) = (2, steps, 1, 1)
        settings.criterion = .klMean
        change(&settings)
        return try TrainingRun(
            pairs: StepFixture.pairs(2), validation: StepFixture.pairs(1), settings: settings, directory: folder.url.appending(path: name))
    }

    private func trainer() throws -> Trainer { try StepFixture.trainer(StepFixture.options(.opd, learningRate: 1e-12)) }

    private func checkpoints(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.url.appending(path: "\(name)/checkpoints").path).sorted()
    }

    /// The learning rate is nothing, so no validation is better than the first.
    @Test func aRunThatBecomesNoBetterEndsAndStaysEnded() async throws {
        let run = try run("stopped", steps: 9) { $0.stopping = EarlyStopping(.klMean, patience: 2, minimumChange: 0.01) }
        for _ in 0..<2 {
            let result = try await run.run(try trainer())
            #expect(result.steps == 2 && result.stopped?.contains("kl_mean has not fallen") == true && result.validation != nil)
        }
        let whole = try await self.run("whole", steps: 3) { _ in }.run(try trainer())
        #expect(whole.steps == 3 && whole.stopped == nil)
    }

    @Test func checkpointsStayByRuleAsAdapters() async throws {
        try await run("kept", steps: 7) { $0.keep = [.every(3), .best, .last(1)] }.run(try trainer())
        let best = try #require(try bestStep("kept"))
        let steps = Set([3, 6, 7, best]).subtracting([0]).sorted()
        #expect(try checkpoints("kept") == steps.flatMap { ["step-000000\($0)", "step-000000\($0).safetensors"] })
        let adapter = folder.url.appending(path: "kept/checkpoints/step-0000003")
        let files = try FileManager.default.contentsOfDirectory(atPath: adapter.path)
        #expect(Set(files) == ["adapter_config.json", "adapter_model.safetensors", "run.json"])
        try await run("as before", steps: 3) { $0.checkpointsKept = 2 }.run(try trainer())
        #expect(try checkpoints("as before") == ["step-0000002.safetensors", "step-0000003.safetensors"])
    }

    private func bestStep(_ name: String) throws -> Int? {
        struct Line: Decodable {
            let step: Int
            let validation: Validation
        }
        let lines = try StepLog.lines(Line.self, of: folder.url.appending(path: "\(name)/validation.jsonl"))
        return lines.min { ($0.validation.klMean ?? .infinity, $0.step) < ($1.validation.klMean ?? .infinity, $1.step) }?.step
    }

    @Test func whatCannotBeComparedIsRefused() throws {
        #expect(throws: TrainingError.self) {
            try run("a", steps: 1) { ($0.stopping, $0.validateEvery) = (EarlyStopping(.gap, patience: 1), nil) }
        }
        #expect(throws: TrainingError.self) { try run("a", steps: 1) { $0.stopping = EarlyStopping(.gap, patience: 0) } }
        #expect(throws: TrainingError.self) { try run("a", steps: 1) { $0.stopping = EarlyStopping(.gap, patience: 1, minimumChange: .nan) } }
        #expect(throws: TrainingError.self) { try run("a", steps: 1) { ($0.keep, $0.criterion) = ([.best], nil) } }
    }
}
