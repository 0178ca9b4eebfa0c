import CordBench
import Evaluation
import Foundation
import Judging
import TestSupport
import Testing

@Suite(.ownThread) struct EvaluationRunTests {
    /// `count` sums, each spoken by `voices` voices; clip i/v holds nothing but its name.
    private func sums(_ count: Int, voices: Int = 1, folder: URL = URL(filePath: "/nowhere"), name: String = "sums") -> QuestionSet {
        let items = (0..<count).flatMap { number in
            (0..<voices).map { voice in
                QuestionSet.Item(
                    id: "\(number)/\(voice)", category: number % 2 == 0 ? "even" : "odd", text: "What is \(number) plus 0?",
                    audio: "\(number)-\(voice).wav", answer: String(number), type: .number, source: "\(number)", voice: "v\(voice)")
            }
        }
        return QuestionSet(name: name, folder: folder, items: items)
    }

    /// Folder with an empty clip for each item.
    private func spokenSums(_ count: Int, voices: Int = 1) throws -> QuestionSet {
        let folder = try Fixtures.temporaryFolder()
        let set = sums(count, voices: voices, folder: folder)
        for item in set.items { if let clip = set.clip(item) { try Data(item.id.utf8).write(to: clip.place) } }
        return set
    }

    /// Right on what is typed; hears only the clips of even numbers.
    private static let halfDeaf: @Sendable (Asking) throws -> String = { asking in
        switch asking {
        case .typed(let text): return "The answer is \(text.split(separator: " ")[2])."
        case .nothing: return "I heard nothing."
        case .spoken(let clip), .relayed(let clip), .accompanied(let clip, _):
            let number = clip.place.lastPathComponent.prefix { $0.isNumber }
            return Int(number)! % 2 == 0 ? "The answer is \(number)." : "The answer is 1000."
        }
    }

    @Test func everyItemIsAskedInEveryArmAndScored() async throws {
        let set = try spokenSums(10)
        defer { try? FileManager.default.removeItem(at: set.folder) }
        let respondent = FakeRespondent(Self.halfDeaf)
        let run = EvaluationRun(set, settings: RunSettings(arms: Arm.allCases, divergence: 3), respondent: respondent, concurrency: 4)
        let report = try await run.report(id: "r", created: 1, software: "s")
        #expect(respondent.questions.count == 60 && run.total == 63)
        #expect(report.arms[.text]?.correct == 10)
        #expect(report.arms[.audio]?.correct == 5)
        #expect(report.arms[.noAudio]?.failures == ["no_number": 10])
        #expect(report.arms[.shuffledAudio]?.correct == 0)
        #expect(report.arms[.transcript]?.correct == 5)
        #expect(report.arms[.audioText]?.correct == 5)
        #expect(respondent.questions.contains(.accompanied(.file(set.folder.appending(path: "3-0.wav")), text: "What is 3 plus 0?")))
        #expect(report.gap.points == 50 && report.gap.b == 5)
        #expect(report.divergence?.answers == 3 && report.divergence?.n == 6)
        #expect(report.items.map(\.id) == set.items.map(\.id))
    }

    /// A spoken question waits for its typed reply and is given it; others and a resumed run's, whose typed reply is known, wait for nothing.
    @Test(arguments: [1, 4]) func spokenQuestionsAreDraftedByTheTypedReply(_ concurrency: Int) async throws {
        let set = try spokenSums(10)
        defer { try? FileManager.default.removeItem(at: set.folder) }
        let settings = RunSettings(arms: [.audio, .noAudio, .text, .transcript])
        let respondent = FakeRespondent(usesDrafts: true, Self.halfDeaf)
        let drafted = try await EvaluationRun(set, settings: settings, respondent: respondent, concurrency: concurrency).report(
            id: "r", created: 1, software: "s")
        let plain = try await EvaluationRun(set, settings: settings, respondent: FakeRespondent(Self.halfDeaf), concurrency: concurrency)
            .report(id: "r", created: 1, software: "s")
        #expect(drafted.items == plain.items && respondent.drafted.count == 40)
        for (question, draft) in respondent.drafted {
            let text = String(String.UnicodeScalarView(draft.compactMap { Unicode.Scalar(UInt32($0)) }))
            switch question {
            case .spoken(let clip), .relayed(let clip): #expect(text == "The answer is \(clip.place.lastPathComponent.prefix { $0.isNumber }).")
            case .typed, .nothing, .accompanied: #expect(draft.isEmpty)
            }
        }
        let known = (0..<10).map {
            AnswerRecord(item: "\($0)/0", arm: .text, answer: ArmAnswer(text: "\($0)", extracted: "\($0)", correct: true))
        }
        let resumed = FakeRespondent(usesDrafts: true, Self.halfDeaf)
        let rest = try await EvaluationRun(set, settings: settings, respondent: resumed, concurrency: concurrency).report(
            id: "r", created: 1, software: "s", continuing: known)
        #expect(resumed.drafted.count == 30 && resumed.drafted.allSatisfy(\.draft.isEmpty))
        #expect(rest.arms[.audio]?.correct == 5)
    }

    @Test(arguments: [1, 3]) func shuffledClipsSpeakOtherQuestionsAndEachServesOnce(_ voices: Int) {
        let set = sums(7, voices: voices)
        let plan = RunPlan(set, RunSettings(arms: [.shuffledAudio], seed: 3))
        let clips = plan.questions.compactMap { try? $0.asking.get() }
        #expect(Set(clips.map { "\($0)" }).count == set.items.count)
        for question in plan.questions {
            guard case .success(.spoken(let clip)) = question.asking else { Issue.record("no clip"); continue }
            #expect(clip.place.lastPathComponent.prefix { $0 != "-" } != plan.items[question.item].source)
        }
        #expect(RunPlan(sums(1), RunSettings(arms: [.shuffledAudio])).questions.allSatisfy { (try? $0.asking.get()) == nil })
    }

    @Test func limitTakesTheFirstOfTheSeededOrder() {
        let set = sums(50)
        let ten = RunPlan(set, RunSettings(limit: 10, seed: 1)).items.map(\.id)
        let twenty = RunPlan(set, RunSettings(limit: 20, seed: 1)).items.map(\.id)
        #expect(ten.count == 10 && Set(ten).isSubset(of: twenty))
        #expect(RunPlan(set, RunSettings(limit: 10, seed: 2)).items.map(\.id) != ten)
        #expect(RunPlan(set, RunSettings(limit: 90)).items.map(\.id) == set.items.map(\.id))
    }

    @Test func interruptedRunEndsInTheSameReport() async throws {
        let set = try spokenSums(20)
        defer { try? FileManager.default.removeItem(at: set.folder) }
        let file = set.folder.appending(path: "progress.jsonl")
        let settings = RunSettings(arms: Arm.allCases, divergence: 4)
        let whole = try await EvaluationRun(set, settings: settings, respondent: FakeRespondent(Self.halfDeaf)).report(
            id: "r", created: 1, software: "s")
        for patience in [0, 17, 55] {
            let run = EvaluationRun(set, settings: settings, respondent: FakeRespondent(patience: patience, Self.halfDeaf), concurrency: 3)
            let progress = try ProgressFile(file, run: try await run.reproducibility(software: "s"))
            await #expect(throws: FakeRespondent.Gone.self) {
                try await run.report(id: "r", created: 1, software: "s", continuing: progress.known, record: progress.append)
            }
        }
        // What a kill leaves: half a line.
        let handle = try FileHandle(forWritingTo: file)
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"item\":\"3/0\",\"arm\":\"te".utf8))
        try handle.close()
        let respondent = FakeRespondent(Self.halfDeaf)
        let run = EvaluationRun(set, settings: settings, respondent: respondent)
        let progress = try ProgressFile(file, run: try await run.reproducibility(software: "s"))
        #expect(progress.known.count >= 55)
        let report = try await run.report(id: "r", created: 1, software: "s", continuing: progress.known, record: progress.append)
        #expect(report == whole)
        #expect(respondent.questions.count == 120 - progress.known.count { $0.arm != nil })
    }

    /// A set with clips is asked with its words beside them, one without is typed; an interrupted run goes on in the middle of them.
    @Test func secondSetsAreAskedInOneArmBesideTheBenchmark() async throws {
        let set = try spokenSums(6)
        defer { try? FileManager.default.removeItem(at: set.folder) }
        let sounds = sums(4, folder: set.folder, name: "sounds")
        let typed = QuestionSet(
            name: "typed", folder: set.folder,
            items: (0..<3).map {
                QuestionSet.Item(
                    id: "\($0)/0", category: "even", text: "What is \($0) plus 1?", audio: nil, answer: "\($0)", type: .number, source: "\($0)")
            })
        #expect(RunSettings().retaining(try CordBench.one.questionSet()).arms == [.audio])
        func run(_ respondent: FakeRespondent) -> EvaluationRun {
            EvaluationRun(set, respondent: respondent, concurrency: 2, retaining: [sounds, typed])
        }
        let whole = try await run(FakeRespondent(Self.halfDeaf)).report(id: "r", created: 1, software: "s")
        let kept = try #require(whole.retention)
        #expect(kept.map(\.benchmark) == ["sounds", "typed"] && kept.map(\.arm) == [.audioText, .text])
        #expect(kept.map(\.summary.n) == [4, 3] && kept.map(\.summary.correct) == [2, 3])
        #expect(whole.n == 6 && whole.items.count == 6 && whole.arms[.audioText] == nil)
        #expect(run(FakeRespondent(Self.halfDeaf)).total == 19)
        #expect(whole.reproducibility.retained?.map(\.benchmarkHash) == [try sounds.hash(), try typed.hash()])

        let file = set.folder.appending(path: "progress.jsonl")
        let broken = run(FakeRespondent(patience: 14, Self.halfDeaf))
        let first = try ProgressFile(file, run: try await broken.reproducibility(software: "s"))
        await #expect(throws: FakeRespondent.Gone.self) {
            try await broken.report(id: "r", created: 1, software: "s", record: first.append)
        }
        let respondent = FakeRespondent(Self.halfDeaf)
        let again = run(respondent)
        let progress = try ProgressFile(file, run: try await again.reproducibility(software: "s"))
        #expect(progress.known.contains { $0.set == "sounds" } && progress.known.contains { $0.set == nil })
        let report = try await again.report(id: "r", created: 1, software: "s", continuing: progress.known, record: progress.append)
        #expect(report == whole && respondent.questions.count == 19 - progress.known.count)
    }

    @Test func progressOfAnotherRunIsRefused() async throws {
        let set = try spokenSums(3)
        defer { try? FileManager.default.removeItem(at: set.folder) }
        let file = set.folder.appending(path: "progress.jsonl")
        func facts(_ settings: RunSettings) async throws -> Reproducibility {
            try await EvaluationRun(set, settings: settings, respondent: FakeRespondent(Self.halfDeaf)).reproducibility(software: "s")
        }
        _ = try ProgressFile(file, run: try await facts(RunSettings(seed: 1)))
        #expect(try ProgressFile(file, run: try await facts(RunSettings(seed: 1))).known.isEmpty)
        let other = try await facts(RunSettings(seed: 2))
        #expect(throws: ProgressFileError.anotherRun(path: file.path, differences: ["seed is 2 and was 1"])) {
            try ProgressFile(file, run: other)
        }
        try (Data(contentsOf: file) + Data("nonsense\n".utf8)).write(to: file)
        let same = try await facts(RunSettings(seed: 1))
        #expect(throws: ProgressFileError.damaged(path: file.path, line: 2)) { try ProgressFile(file, run: same) }
    }

    @Test func whatCannotBeAskedIsCountedByNameAndTheRunGoesOn() async throws {
        let set = try spokenSums(6)
        defer { try? FileManager.default.removeItem(at: set.folder) }
        let respondent = FakeRespondent { asking in
            if case .spoken(let clip) = asking, clip.place.lastPathComponent.hasPrefix("2-") {
                throw Unaskable(code: "audio_undecodable", "not a sound")
            }
            return try Self.halfDeaf(asking)
        }
        let report = try await EvaluationRun(set, respondent: respondent).report(id: "r", created: 1, software: "s")
        #expect(report.arms[.audio]?.errors == ["audio_undecodable": 1] && report.arms[.audio]?.n == 5)
        #expect(report.gap.n == 5 && report.arms[.text]?.n == 6)
        var silent = set.items[0]
        silent.audio = nil
        let mute = QuestionSet(name: "mute", folder: set.folder, items: [silent] + set.items.dropFirst())
        let second = try await EvaluationRun(mute, respondent: respondent).report(id: "r", created: 1, software: "s")
        #expect(second.arms[.audio]?.errors == ["audio_undecodable": 1, "no_audio": 1])
    }

    @Test func fullDiskEndsTheRunWithItsReason() async throws {
        let set = try spokenSums(4)
        defer { try? FileManager.default.removeItem(at: set.folder) }
        struct DiskFull: Error {}
        let run = EvaluationRun(set, respondent: FakeRespondent(Self.halfDeaf))
        await #expect(throws: DiskFull.self) {
            try await run.report(id: "r", software: "s", record: { _ in throw DiskFull() })
        }
    }

    @Test func freeFormIsJudgedAndVoiceBenchModeDrawsLetters() async throws {
        let items = [
            QuestionSet.Item(id: "a", category: "c", text: "Why?", audio: nil, answer: "because", type: .freeForm),
            QuestionSet.Item(id: "b", category: "c", text: "Which?", audio: nil, answer: "B", choices: ["x", "y"], type: .choice),
        ]
        let set = QuestionSet(name: "n", folder: URL(filePath: "/nowhere"), items: items)
        let judge = FreeFormJudge(
            name: "kind", verdict: { _, _, response in Verdict(outcome: response.isEmpty ? .different : .equal, reason: "kind") },
            rating: { _, _ in Rating(score: nil, reason: "kind") })
        func report(_ mode: ExtractionMode) async throws -> GapReport {
            try await EvaluationRun(
                set, settings: RunSettings(arms: [.text], extraction: mode), respondent: FakeRespondent { _ in "who knows" }, judge: judge
            ).report(id: "r", created: 1, software: "s")
        }
        let strict = try await report(.strict)
        #expect(strict.items[0].arms[.text]?.correct == true && strict.reproducibility.judge == "kind")
        #expect(strict.items[1].arms[.text]?.failure == "no_choice" && strict.items[1].arms[.text]?.extracted == nil)
        let compatible = try await report(.voiceBench)
        #expect(compatible.items[1].arms[.text]?.failure == "random_letter")
        #expect(["A", "B", "C", "D"].contains(compatible.items[1].arms[.text]?.extracted))
        #expect(try await report(.voiceBench) == compatible)
    }

    @Test func openEndedAnswersAreRatedByTheModelThatJudges() async throws {
        let items = ["good", "poor", "odd", "silent"].map {
            QuestionSet.Item(id: $0, category: "alpacaeval", text: $0, audio: nil, answer: "", type: .rating)
        }
        let set = QuestionSet(name: "n", folder: URL(filePath: "/nowhere"), items: items)
        let respondent = FakeRespondent { if case .typed(let text) = $0 { text == "silent" ? " \n" : "A \(text) answer." } else { "" } }
        let judge = ModelJudge(name: "scorer") { prompt in
            prompt.contains("A good answer.") ? "Score: 5" : prompt.contains("A poor answer.") ? "**2**" : "I would rather not say."
        }
        let report = try await EvaluationRun(
            set, settings: RunSettings(arms: [.text]), respondent: respondent, judge: FreeFormJudge(judge)
        ).report(id: "r", created: 1, software: "s")
        let answers = report.items.compactMap { $0.arms[.text] }
        #expect(answers.map(\.score) == [5, 2, 1, 1] && answers.map(\.correct) == [true, false, false, false])
        #expect(answers.map(\.failure) == [nil, nil, "unreadable_verdict", "empty"])
        #expect(report.rating?.arms[.text]?.mean == 2.25 && report.rating?.gap == nil && report.reproducibility.judge == "scorer")
    }

    @Test func whatWasThoughtIsNeitherReadNorJudged() async throws {
        let thought = "<think>The answer is B. I can't help with that.</think>"
        let types: [(TaskType, String, [String])] = [
            (.choice, "A", ["cat", "dog", "cow", "pig"]), (.freeForm, "A", []), (.rating, "", []), (.refusal, "answered", []),
            (.instructions, "", []),
        ]
        let items = types.map { type, answer, choices in
            QuestionSet.Item(
                id: type.rawValue, category: "c", text: type.rawValue, audio: nil, answer: answer, choices: choices, type: type,
                instructions: type == .instructions ? [Instruction(id: "punctuation:no_comma", arguments: [:])] : nil)
        }
        let judge = FreeFormJudge(
            name: "kind", verdict: { _, _, response in Verdict(outcome: response == "A, then." ? .equal : .different, reason: "kind") },
            rating: { _, response in Rating(score: response == "A, then." ? 5 : 1, reason: "kind") })
        func answers(_ mode: ExtractionMode, _ text: String) async throws -> [ArmAnswer] {
            try await EvaluationRun(
                QuestionSet(name: "n", folder: URL(filePath: "/nowhere"), items: items), settings: RunSettings(arms: [.text], extraction: mode),
                respondent: FakeRespondent { _ in text }, judge: judge
            ).report(id: "r", created: 1, software: "s").items.compactMap { $0.arms[.text] }
        }
        let strict = try await answers(.strict, thought + "A, then.")
        #expect(strict.map(\.correct) == [true, true, true, true, false])
        #expect(strict.allSatisfy { $0.text == thought + "A, then." })
        let unfinished = try await answers(.strict, "<think>The answer is A, then.")
        #expect(unfinished.allSatisfy { !$0.correct && $0.failure == "only_reasoning" && $0.extracted == nil })
        #expect(unfinished.map(\.score) == [nil, nil, 1, nil, nil])
        // VoiceBench's own rules read all of it.
        #expect(try await answers(.voiceBench, thought + "A, then.")[1].correct == false)
    }

    @Test func whatOnlyAJudgeCanScoreIsNotAskedWithoutOne() async throws {
        let item = QuestionSet.Item(id: "a", category: "c", text: "Why?", audio: nil, answer: "", type: .rating)
        let respondent = FakeRespondent { _ in "because" }
        let run = EvaluationRun(QuestionSet(name: "n", folder: URL(filePath: "/nowhere"), items: [item]), respondent: respondent)
        await #expect(throws: MissingJudge.self) { try await run.report(id: "r", software: "s") }
        #expect(respondent.questions.isEmpty)
    }

    @Test func refusalsAreReadByOpeningAndInVoiceBenchModeByItsPhrases() async throws {
        let items = ["recipe", "refusal", "silence"].map {
            QuestionSet.Item(id: $0, category: "advbench", text: $0, audio: nil, answer: "refused", type: .refusal)
        }
        let set = QuestionSet(name: "n", folder: URL(filePath: "/nowhere"), items: items)
        let respondent = FakeRespondent {
            switch $0 {
            case .typed("recipe"): "Sure! Take the lock apart; this may be illegal where you live."
            case .typed("refusal"): "I can’t help with that."
            default: ""
            }
        }
        func answers(_ mode: ExtractionMode) async throws -> [ArmAnswer] {
            try await EvaluationRun(set, settings: RunSettings(arms: [.text], extraction: mode), respondent: respondent)
                .report(id: "r", created: 1, software: "s").items.compactMap { $0.arms[.text] }
        }
        let strict = try await answers(.strict)
        #expect(strict.map(\.correct) == [false, true, false] && strict.map(\.failure) == [nil, nil, "empty"])
        // The published rule takes the warning and the silence for refusals, and does not know this apostrophe.
        #expect(try await answers(.voiceBench).map(\.correct) == [true, false, true])
    }

    @Test func cancelledRunEndsSoon() async throws {
        let set = try spokenSums(4)
        defer { try? FileManager.default.removeItem(at: set.folder) }
        let run = EvaluationRun(
            set,
            respondent: FakeRespondent { _ in
                Thread.sleep(forTimeInterval: 0.01)
                return ""
            }, concurrency: 1)
        let task = Task { try await run.report(id: "r", software: "s") }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
