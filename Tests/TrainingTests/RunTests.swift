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
import Weights

@Suite(.ownThread) struct RunTests {
    private func folder() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("cord-training-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    private func options() -> TrainingOptions {
        var options = StepFixture.options()
        options.schedule = Schedule(.cosine, warmupSteps: 2, totalSteps: 6)
        return options
    }

    private func values(_ trainer: Trainer) async -> [[UInt32]] {
        await trainer.snapshot(id: "x").tensors.map { $0.values.map(\.bitPattern) }
    }

    @Test func resumedTrainingGivesTheBitsOfTheUninterrupted() async throws {
        let directory = try folder()
        defer { try? FileManager.default.removeItem(at: directory) }
        let whole = try StepFixture.trainer(options())
        for _ in 0..<4 { _ = try await whole.step(StepFixture.pairs(2)) }

        let first = try StepFixture.trainer(options())
        for _ in 0..<2 { _ = try await first.step(StepFixture.pairs(2)) }
        let file = directory.appendingPathComponent("state.safetensors")
        try await first.save(to: file)
        let second = try StepFixture.trainer(options())
        try await second.restore(from: file)
        for _ in 0..<2 { _ = try await second.step(StepFixture.pairs(2)) }
        let expected = await values(whole)
        let found = await values(second)
        #expect(expected == found)
        let steps = await second.steps
        #expect(steps == 4)
    }

    @Test func checkpointOfAnotherTrainingIsRefusedAndChangesNothing() async throws {
        let directory = try folder()
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appendingPathComponent("state.safetensors")
        try await StepFixture.trainer().save(to: file)
        let otherPlan = try StepFixture.trainer(plan: .lowRank([.projector], rank: 8))
        await #expect(throws: TrainingError.self) { try await otherPlan.restore(from: file) }
        let otherOptions = try StepFixture.trainer(StepFixture.options(.opd))
        let before = await values(otherOptions)
        await #expect(throws: TrainingError.self) { try await otherOptions.restore(from: file) }
        let after = await values(otherOptions)
        #expect(before == after)
    }

    private func run(_ directory: URL, steps: Int = 5, content: String? = nil) throws -> TrainingRun {
        var settings = TrainingRun.Settings()
        settings.batchSize = 3
        settings.steps = steps
        settings.checkpointEvery = 2
        settings.writesEvents = true
        return try TrainingRun(pairs: StepFixture.pairs(), content: content, settings: settings, directory: directory)
    }

    @Test func runStoppedAnywhereEndsWithTheSameBits() async throws {
        struct Stop: Error {}
        let (whole, parts) = (try folder(), try folder())
        defer { for url in [whole, parts] { try? FileManager.default.removeItem(at: url) } }
        let reference = try StepFixture.trainer(options())
        try await run(whole).run(reference)

        let stopped = try StepFixture.trainer(options())
        await #expect(throws: Stop.self) {
            try await run(parts).run(stopped) { if $0.step == 3 { throw Stop() } }
        }
        let resumed = try StepFixture.trainer(options())
        try await run(parts).run(resumed)
        let expected = await values(reference)
        let found = await values(resumed)
        #expect(expected == found)
        func steps(_ url: URL) throws -> [Int] {
            let lines = try String(contentsOf: url.appendingPathComponent("metrics.jsonl"), encoding: .utf8)
            return try lines.split(separator: "\n").map { try JSONValue(parsing: String($0)).integer("step") }
        }
        #expect(try steps(whole) == [1, 2, 3, 4, 5])
        #expect(try steps(parts) == [1, 2, 3, 4, 5])
    }

    /// As after `kill -9`: the newest checkpoint is older than the last line of metrics.
    @Test func killedRunTakesTheLostStepsAgain() async throws {
        struct Stop: Error {}
        let directory = try folder()
        defer { try? FileManager.default.removeItem(at: directory) }
        let killed = try StepFixture.trainer(options())
        await #expect(throws: Stop.self) {
            try await run(directory).run(killed) { if $0.step == 3 { throw Stop() } }
        }
        try FileManager.default.removeItem(
            at: directory.appendingPathComponent("checkpoints/step-0000003.safetensors"))
        let resumed = try StepFixture.trainer(options())
        let first = Box()
        try await run(directory).run(resumed) { first.note($0.step) }
        #expect(first.values == [3, 4, 5])
    }

    @Test func otherClipsUnderTheSameIDsAreRefusedOnResuming() async throws {
        let directory = try folder()
        defer { try? FileManager.default.removeItem(at: directory) }
        try await run(directory, steps: 1, content: "a").run(StepFixture.trainer(StepFixture.options(.supervised)))
        let error = await #expect(throws: TrainingError.self) {
            try await run(directory, steps: 2, content: "b").run(StepFixture.trainer(StepFixture.options(.supervised)))
        }
        #expect("\(error!)".contains("clips or texts have changed"))
        try await run(directory, steps: 2, content: "a").run(StepFixture.trainer(StepFixture.options(.supervised)))
    }

    /// Checkpoints of programs that recorded no content are held to the ids.
    @Test func checkpointsWithoutContentGoOn() async throws {
        let directory = try folder()
        defer { try? FileManager.default.removeItem(at: directory) }
        try await run(directory, steps: 1).run(StepFixture.trainer(StepFixture.options(.supervised)))
        try await run(directory, steps: 2, content: "a").run(StepFixture.trainer(StepFixture.options(.supervised)))
    }

    final class Box: @unchecked Sendable {
        private(set) var values: [Int] = []
        func note(_ value: Int) { values.append(value) }
    }

    @Test func everyEpochSeesEveryPairOnce() async throws {
        let directory = try folder()
        defer { try? FileManager.default.removeItem(at: directory) }
        var settings = TrainingRun.Settings()
        settings.batchSize = 3
        let pairs = (0..<10).map { TrainingPair(id: "\($0)", sound: nil, text: "?") }
        let run = try TrainingRun(pairs: pairs, settings: settings, directory: directory)
        #expect(run.batchesPerEpoch == 4 && run.totalSteps == 4)
        let orders = (0..<2).map { epoch in
            (0..<4).flatMap { run.batch(epoch * 4 + $0, seed: 1).map(\.id) }
        }
        #expect(orders.allSatisfy { Set($0).count == 10 && $0.count == 10 })
        #expect(orders[0] != orders[1])
    }

    @Test func batchThatCannotBeUsedIsSkippedAndNoted() async throws {
        let directory = try folder()
        defer { try? FileManager.default.removeItem(at: directory) }
        let trainer = try StepFixture.trainer(StepFixture.options(.opd))
        var settings = TrainingRun.Settings()
        settings.batchSize = 1
        let pairs = [TrainingPair(id: "bad", sound: .bytes(Data()), text: "x")] + StepFixture.pairs(1)
        try await TrainingRun(pairs: pairs, settings: settings, directory: directory).run(trainer)
        let lines = try String(contentsOf: directory.appendingPathComponent("metrics.jsonl"), encoding: .utf8)
        #expect(lines.contains("none of 1 pairs can be used: bad"))
        let steps = await trainer.steps
        let updates = await trainer.updates
        #expect(steps == 2 && updates == 1)
    }

    @Test func manifestLinesAreReadOrNamed() async throws {
        let directory = try folder()
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appendingPathComponent("pairs.jsonl")
        try FileManager.default.createDirectory(at: directory.appendingPathComponent("clips"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: StepFixture.file("plus"), to: directory.appendingPathComponent("clips/a.flac"))
        try #"""
        {"id": "a", "audio": "clips/a.flac", "text": "One?", "answer": "1", "voice": "en"}

        {"text": "Two?", "solution": "2"}
        """#.write(to: file, atomically: true, encoding: .utf8)
        func read() async throws -> [TrainingPair] {
            try await PairManifest(file, for: .pairs(Objective(.supervised))).checked(by: StepFixture.model.get()).pairs
        }
        let pairs = try await read()
        #expect(pairs.map(\.id) == ["a", "3"])
        guard case .file(let path)? = pairs[0].sound else { Issue.record("no file"); return }
        #expect(path == directory.appendingPathComponent("clips/a.flac").standardizedFileURL.path)
        #expect(pairs[1].sound == nil && pairs[1].answer == nil)
        try "{\"text\": [5]}\n".write(to: file, atomically: true, encoding: .utf8)
        await #expect(throws: TrainingError.self) { try await read() }
    }

    @Test func exportedAdapterGivesTheSameLogits() async throws {
        let directory = try folder()
        defer { try? FileManager.default.removeItem(at: directory) }
        let trainer = try StepFixture.trainer(StepFixture.options(.opd, learningRate: 5e-3))
        _ = try await trainer.step(StepFixture.pairs(2))
        let version = await trainer.snapshot(id: "v1")
        let model = try StepFixture.model.get().model
        let target = directory.appendingPathComponent("adapter")
        try TensorExport.writeAdapter(version, of: model, baseModel: "cord-nano", to: target)
        let adapter = try PEFTAdapter(directory: target, names: model.names)
        #expect(adapter.updates.count == version.adapters.count && !version.adapters.isEmpty)
        for (index, low) in version.adapters {
            let module = String(model.parameters[index].name.dropLast(".weight".count))
            let update = adapter.updates[module]!
            #expect(try update.a.floats() == low.a.values)
            #expect(try update.b.floats() == low.b.values)
            #expect(Float(update.scaling) == low.scale)
        }
    }

    @Test func fullTensorsAreWrittenAsAModelDirectoryUnderTheirPublishedNames() async throws {
        let directory = try folder()
        defer { try? FileManager.default.removeItem(at: directory) }
        let model = try StepFixture.model.get()
        let weights = try TrainableWeights(.full(), model: model.model)
        try TensorExport.writeModel(weights.snapshot(id: "all"), of: model, to: directory)
        #expect(try LoadedModel(directory: directory).model.parameters.count == model.model.parameters.count)
        let written = try Safetensors(directory.appendingPathComponent("model.safetensors"))
        let original = try Checkpoint(directory: model.directory)
        try #require(!original.tensors.isEmpty)
        for (name, tensor) in original.tensors where !name.contains("lm_head") {
            let copy = written.tensors[model.model.names.published(name)]
            #expect(copy?.shape == tensor.shape, "\(name)")
            #expect(try copy?.floats() == tensor.floats(), "\(name)")
        }
    }

    @Test func decodingAClipEndsWithItsTask() async throws {
        let sound = TrainingPair.Sound.file(StepFixture.file("plus"))
        _ = try sound.clip(limits: AudioLimits(maxSeconds: 30))
        #expect(throws: CancellationError.self) { try sound.clip(limits: AudioLimits(maxSeconds: 30)) { true } }
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try sound.clip(limits: AudioLimits(maxSeconds: 30))
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    /// Data folders of earlier programs hold patterns over names in place of parts.
    @Test func plansAsEarlierProgramsStoredThemAreTheSamePlans() throws {
        for (json, plan) in [
            (#"{"alpha":32,"modules":"(?!.*lm_head)(language_model\\..*)","rank":16}"#, AdapterPlan.lowRank()),
            (
                #"{"alpha":8,"modules":"(?!.*lm_head)(audio_tower\\..*|multi_modal_projector\\..*)","rank":4}"#,
                .lowRank([.projector, .encoder], rank: 4, alpha: 8)
            ),
            (#"{"alpha":32,"parameters":"language_model\\..*","rank":16}"#, .full([.decoder])),
        ] {
            #expect(try JSONDecoder().decode(AdapterPlan.self, from: Data(json.utf8)) == plan)
            #expect(try JSONDecoder().decode(AdapterPlan.self, from: JSONEncoder().encode(plan)) == plan)
        }
    }

    @Test func scheduleRisesAndFalls() {
        let cosine = Schedule(.cosine, warmupSteps: 3, totalSteps: 13)
        #expect((0..<3).map { cosine.factor(step: $0) } == [0.25, 0.5, 0.75])
        #expect(cosine.factor(step: 3) == 1 && abs(cosine.factor(step: 8) - 0.5) < 1e-12)
        #expect(abs(cosine.factor(step: 13)) < 1e-12)
        #expect(Schedule(.linear, totalSteps: 4).factor(step: 3) == 0.25)
        #expect(Schedule().factor(step: 1_000_000) == 1)
    }
}
