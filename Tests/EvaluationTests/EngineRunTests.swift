import CordBench
import CordNano
import Evaluation
import Foundation
import Judging
import Generation
import TestSupport
import Testing

/// The embedded model on a few items of the built-in benchmark.
@Suite(.serialized, .ownThread) struct EngineRunTests {
    static let model = Result { try LoadedModel(directory: CordNano.directory, name: "cord-nano") }
    static let set = Result { try CordBench.standard.questionSet() }

    private func items(_ report: GapReport) -> [ItemResult] {
        report.items.map { item in
            var item = item
            item.arms = item.arms.mapValues { answer in
                var answer = answer
                answer.seconds = 0
                return answer
            }
            return item
        }
    }

    @Test(arguments: [
        (CordBench.one, 600, ["arithmetic", "calendar", "comparisons", "facts", "lists", "ordering"]),
        (
            .two, 800,
            [
                "agenda", "arithmetic", "calendar", "chains", "columns", "comparisons", "derived", "facts", "legs", "lists", "ordering", "owners",
                "shopping", "travel", "unanswerable",
            ]
        ),
    ])
    func builtInBenchmarkIsWhatItsHashSays(benchmark: CordBench, count: Int, categories: [String]) throws {
        let set = try benchmark.questionSet()
        #expect(set.items.count == count)
        #expect(try set.hash() == benchmark.hash)
        #expect(set.categories.map(\.name) == categories)
        #expect(Set(set.items.compactMap(\.voice)).count >= 4)
        #expect(set.items.allSatisfy { $0.type != .freeForm && $0.source != $0.id })
    }

    @Test func reproducibilityBlockRepeatsTheRun() async throws {
        let set = try Self.set.get()
        var decoding = SamplingOptions()
        decoding.temperature = 0.7
        decoding.topK = 20
        decoding.maxTokens = 48
        let settings = RunSettings(arms: [.text, .audio, .shuffledAudio], limit: 6, seed: 5, divergence: 2)
        let first = try await EvaluationRun(
            set, settings: settings, respondent: EngineRespondent(Engine(try Self.model.get()), decoding: decoding)
        ).report(id: "first", software: "s")
        // Nothing but the block travels to the second run.
        let block = try GapReport(json: try first.json()).reproducibility
        let again = EvaluationRun(
            try BenchmarkCatalog.questionSet(block.benchmark), settings: RunSettings(repeating: block),
            respondent: EngineRespondent(
                Engine(try LoadedModel(directory: CordNano.directory, name: block.model)),
                decoding: try SamplingOptions(settings: block.decoding)), concurrency: 2)
        let second = try await again.report(id: "second", software: "s")
        #expect(second.reproducibility == block)
        #expect(items(second) == items(first))
        #expect(second.divergence == first.divergence)
        #expect(first.arms[.text]?.n == 6 && (first.divergence?.n ?? 0) > 4)
    }

    /// Spoken answers drafted by the typed ones of the same items are those of a run without drafts.
    @Test(arguments: [0, 0.9]) func draftedRunGivesTheSameItems(_ temperature: Double) async throws {
        var decoding = SamplingOptions.greedy
        decoding.temperature = temperature
        decoding.maxTokens = 48
        var found: [[ItemResult]] = []
        for drafting in [Drafting.off, .ngram] {
            var limits = EngineLimits()
            limits.drafting = drafting
            let engine = Engine(try Self.model.get(), limits: limits)
            let report = try await EvaluationRun(
                try Self.set.get(), settings: RunSettings(arms: [.text, .audio, .audioText], limit: 8, seed: 2),
                respondent: EngineRespondent(engine, decoding: decoding), concurrency: 5
            ).report(id: "r", software: "s")
            found.append(items(report))
            #expect((engine.statistics.acceptedTokens > 20) == (drafting == .ngram))
        }
        #expect(found[0] == found[1])
    }

    @Test func anatomySeesNothingWhereBothPromptsAreOne() async throws {
        let respondent = EngineRespondent(Engine(try Self.model.get()))
        let set = try Self.set.get()
        let clip = try #require(set.clip(set.items[0]))
        let along = try #require(try await respondent.divergence(clip: clip, text: set.items[0].text, seed: 0))
        #expect(along.allSatisfy { $0.value >= -1e-5 && $0.value.isFinite } && along.contains { $0.value > 1e-3 })
        #expect(along.map(\.position) == Array(along.indices))
    }

    @Test func brokenClipIsNamed() async throws {
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("no sound".utf8).write(to: folder.appending(path: "a.wav"))
        let item = QuestionSet.Item(id: "a", category: "c", text: "What is 1 plus 1?", audio: "a.wav", answer: "2", type: .number)
        let set = QuestionSet(name: "n", folder: folder, items: [item])
        let report = try await EvaluationRun(set, respondent: EngineRespondent(Engine(try Self.model.get()))).report(
            id: "r", software: "s")
        #expect(report.arms[.audio]?.errors == ["audio_not_recognized": 1])
        #expect(report.arms[.text]?.n == 1)
    }
}
