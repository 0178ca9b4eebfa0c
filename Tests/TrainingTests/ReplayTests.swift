import Audio
import Foundation
import Generation
import Models
import Objectives
import Tensors
import TestSupport
import Testing
import Training

/// Prompts that hold the weights to the frozen teacher. Their gradients are held to PyTorch's in `ExactnessTests`.
@Suite(.ownThread) struct ReplayTests {
    private static let rows = [
        TrainingPair(id: "sum", sound: nil, text: "What is 6 plus 9?"),
        TrainingPair(id: "day", sound: nil, text: "Today is Friday. What day is it in 2 days?"),
        TrainingPair(id: "least", sound: nil, text: "Which is the smallest of 24, 17 and 61?"),
    ]

    private func options(weight: Double = 1, transcripts: Double = 0, rate: Double = 1e-3) -> TrainingOptions {
        var options = StepFixture.options(.opd, learningRate: rate)
        options.objective.replayWeight = weight
        options.objective.replayTranscripts = transcripts
        return options
    }

    private func values(_ trainer: Trainer) async -> [[UInt32]] {
        await trainer.snapshot(id: "x").tensors.map { $0.values.map(\.bitPattern) }
    }

    /// The loss is that of the method and of the replayed prompts; the answers are what the base itself says.
    @Test func aStepReportsWhatItReplays() async throws {
        let trainer = try StepFixture.trainer(options(weight: 0.5, transcripts: 0.5))
        let first = try await trainer.step(StepFixture.pairs(), replaying: Self.rows)
        // The adapter begins as nothing: there is nothing to hold yet.
        #expect(first.metrics.replayKL! < 1e-9 && first.metrics.klMean! > 0)
        #expect(first.pairs.map(\.id) == ["apples", "days", "largest", "plus"])
        #expect(first.replays.count == 5 && first.replays.allSatisfy { $0.isApplied })
        #expect(first.replays.prefix(3).map(\.id) == ["replay/sum", "replay/day", "replay/least"])
        let engine = trainer.engine
        for (row, replay) in zip(Self.rows, first.replays) {
            var greedy = SamplingOptions.greedy
            greedy.maxTokens = 40
            let prompt = try engine.model.prompt(.text(row.text), system: nil)
            let said = try await engine.complete(GenerationRequest(prompt: prompt, options: greedy)).answers[0]
            #expect(replay.rollouts.map(\.text) == [said.text] && replay.rollouts[0].source == .replay)
        }
        let second = try await trainer.step(StepFixture.pairs(), replaying: Self.rows)
        let metrics = second.metrics
        #expect(metrics.replayKL! > 0 && metrics.replayLoss! > 0)
        #expect(abs(metrics.loss - (metrics.tokenLoss! + metrics.replayLoss!)) < 1e-9)
        let tokens = second.replays.flatMap { $0.rollouts[0].tokens }
        let mean = tokens.reduce(0) { $0 + Double($1.measures.forwardKL) } / Double(tokens.count)
        #expect(abs(mean - metrics.replayKL!) < 1e-9)
        let sum = tokens.reduce(0) { $0 + Double($1.measures.forwardKL) }
        #expect(relativeDifference(metrics.replayLoss!, 0.5 * sum / 5) < 1e-5)
    }

    /// A clip is to be written down as the base does.
    @Test func clipsOfPairsAreReplayedAsTranscripts() async throws {
        let trainer = try StepFixture.trainer(options(transcripts: 0.25))
        let report = try await trainer.score(StepFixture.pairs())
        #expect(report.replays.count == 1)
        let replay = report.replays[0]
        let pair = StepFixture.pairs().first { "transcript/\($0.id)" == replay.id }
        let clip = try #require(pair?.sound).clip(limits: .init(maxSeconds: 60))
        let transcript = try await Transcriber(trainer.engine, version: nil).transcript(of: clip)
        #expect(replay.rollouts[0].text.trimmingCharacters(in: .whitespaces) == transcript.text && !transcript.text.isEmpty)
        let all = try await StepFixture.trainer(options(transcripts: 1)).score(StepFixture.pairs())
        #expect(Set(all.replays.map(\.id)) == Set(StepFixture.pairs().map { "transcript/\($0.id)" }))
        // A share of less than half a clip is one clip.
        #expect(try await StepFixture.trainer(options(transcripts: 0.1)).score(StepFixture.pairs()).replays.count == 1)
        // Without clips, nothing is quietly left undone.
        let typed = TrainingPair(id: "typed", sound: nil, text: "What is 8 plus 5?", answer: "13")
        var supervised = StepFixture.options(.supervised)
        supervised.objective.replayTranscripts = 0.5
        let silent = try await StepFixture.trainer(supervised).score([typed])
        #expect(silent.replays.map(\.reason) == ["no pair of the step has a clip to be written down"])
    }

    /// What the lesson moves elsewhere stays where it was.
    @Test func replayedPromptsKeepTheirAnswers() async throws {
        func divergence(weight: Double) async throws -> Double {
            let trainer = try StepFixture.trainer(options(weight: weight, rate: 3e-3))
            // Wrong answers to the pairs alone: they pull the typed answers with them.
            let pairs = StepFixture.pairs().map {
                TrainingPair(id: $0.id, sound: $0.sound, text: $0.text, rollouts: [.init(text: "The answer is Friday.")])
            }
            for _ in 0..<8 { _ = try await trainer.step(pairs, replaying: weight > 0 ? Self.rows : []) }
            await trainer.configure(options())
            return try await trainer.score(pairs, replaying: Self.rows).metrics.replayKL!
        }
        let (free, held) = (try await divergence(weight: 0), try await divergence(weight: 4))
        #expect(held < 0.5 * free, "\(held), without replay \(free)")
    }

    /// The current weights may teach the pairs; replayed prompts are held to the frozen ones all the same.
    @Test func theFrozenTeacherIsReplayedWhoeverTeaches() async throws {
        var options = options(rate: 3e-3)
        options.objective.teacher = .current
        let trainer = try StepFixture.trainer(options)
        _ = try await trainer.step(StepFixture.pairs(), replaying: Self.rows)
        let report = try await trainer.step(StepFixture.pairs(), replaying: Self.rows)
        #expect(report.metrics.replayKL! > 0)
    }

    @Test func aGivenAnswerTakesTheTeachersPlace() async throws {
        let given = Conversation(turns: [
            .init(role: .user, parts: [.audio(.file(StepFixture.file("plus"))), .text("Write down what you hear.")]),
            // The teacher would write down 8.
            .init(role: .assistant, parts: [.text("What is 9 plus 5?")]),
        ])
        let trainer = try StepFixture.trainer(options())
        let report = try await trainer.score(
            StepFixture.pairs(1), replaying: [TrainingPair(id: "given", sound: nil, text: "", conversation: given)])
        #expect(report.replays.map { $0.rollouts.map(\.text) } == [["What is 9 plus 5?"]])
        #expect(report.replays[0].rollouts[0].tokens.count == report.replays[0].rollouts[0].tokenCount + 1)
    }

    private func checked(_ lines: [String]) async throws -> CheckedPairs {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "replay.jsonl")
        try Data(lines.joined(separator: "\n").utf8).write(to: file)
        return try await PairManifest(file, for: .replay).checked(by: StepFixture.model.get())
    }

    @Test func rowsAreQuestionsOrTurns() async throws {
        let clip = StepFixture.file("plus").path
        let rows = try await checked([
            #"{"answer": "13", "category": "chains", "id": "q", "solution": "13", "task": "number", "text": "What is 8 plus 5?"}"#,
            #"{"messages": [{"role": "user", "content": "<audio>Write it down."}], "audios": ["\#(clip)"]}"#,
            #"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello."}]}"#,
        ])
        #expect(rows.pairs.count == 3)
        for (line, reason) in [
            (#"{"audio": "\#(clip)", "text": "What is 8 plus 5?"}"#, "is a pair"), (#"{"text": "  "}"#, "the text is empty"),
            (#"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": " "}]}"#, "the answer is empty"),
        ] {
            let error = await #expect(throws: TrainingError.self) { try await checked([line]) }
            #expect("\(error!)".contains(reason), "\(error!)")
        }
    }

    /// Every row comes once before one comes again; a stopped run goes on with the same bits, and refuses other rows.
    @Test func runsReplayTheirRowsInTurnAndResume() async throws {
        struct Stop: Error {}
        let (whole, parts) = (try TemporaryFolder(), try TemporaryFolder())
        let rows = try await checked(Self.rows.map { #"{"id": "\#($0.id)", "text": "\#($0.text)"}"# })
        func run(_ folder: TemporaryFolder, _ replay: CheckedPairs? = rows, share: Double = 0.5) throws -> TrainingRun {
            var settings = TrainingRun.Settings()
            (settings.batchSize, settings.steps, settings.checkpointEvery, settings.replayShare) = (2, 4, 2, share)
            settings.writesTokens = true
            return try TrainingRun(pairs: StepFixture.pairs(), replay: replay, settings: settings, directory: folder.url)
        }
        let plan = try run(whole)
        #expect(Set((0..<3).flatMap { plan.replayed($0, seed: 5).map(\.id) }) == ["sum", "day", "least"])
        #expect((0..<3).map { plan.replayed($0, seed: 5).count } == [1, 1, 1])
        let reference = try StepFixture.trainer(options(transcripts: 0.5))
        try await run(whole).run(reference)
        await #expect(throws: Stop.self) {
            try await run(parts).run(try StepFixture.trainer(options(transcripts: 0.5))) { if $0.step == 2 { throw Stop() } }
        }
        for (replay, share) in [(nil, 0.5), (rows, 1)] as [(CheckedPairs?, Double)] {
            let error = await #expect(throws: TrainingError.self) {
                try await run(parts, replay, share: share).run(try StepFixture.trainer(options(transcripts: 0.5)))
            }
            #expect("\(error!)".contains("replayed prompts"), "\(error!)")
        }
        let resumed = try StepFixture.trainer(options(transcripts: 0.5))
        try await run(parts).run(resumed)
        let (expected, found) = (await values(reference), await values(resumed))
        #expect(expected == found)
        let record = try #require(RunRecord(directory: whole.url))
        #expect(record.pairs.replayed == 3 && record.pairs.replayedContent == rows.content && record.options.objective.replayTranscripts == 0.5)
        let table = String(decoding: try MetricsTable.csv(of: whole.url), as: UTF8.self)
        #expect(table.split(separator: "\n")[0].contains("replay_loss,replay_kl"))
        let tokens = try String(contentsOf: TokenLog.files(of: whole.url)[0], encoding: .utf8)
        #expect(tokens.contains(#""role":"replay""#) && tokens.contains(#""pair":"transcript/"#))
    }
}
