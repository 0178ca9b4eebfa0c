import Audio
import Foundation
import Generation
import Models
import Objectives
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Training rows in the layouts that people have: each clip is heard, or its line refused.
@Suite(.ownThread) struct RowTests {
    private static let clip = StepFixture.file("plus").path

    private func manifest(
        _ lines: [String], name: String = "train.jsonl", method: Objective.Method = .supervised, maxSkipped: Int = 0
    ) async throws -> CheckedPairs {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cord-rows-\(UUID().uuidString)", directoryHint: .isDirectory)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for clip in ["plus", "days"] { try FileManager.default.copyItem(at: StepFixture.file(clip), to: folder.appending(path: "\(clip).flac")) }
        let file = folder.appending(path: name)
        try Data(lines.joined(separator: "\n").utf8).write(to: file)
        return try await PairManifest(file, for: .pairs(Objective(method))).checked(by: StepFixture.model.get(), maxSkipped: maxSkipped, width: 2)
    }

    private func refusal(
        _ lines: [String], name: String = "train.jsonl", method: Objective.Method = .supervised, maxSkipped: Int = 0
    ) async throws -> String {
        let error = await #expect(throws: TrainingError.self) {
            try await manifest(lines, name: name, method: method, maxSkipped: maxSkipped)
        }
        return error.map { "\($0)" } ?? ""
    }

    private static let asked = #"{"role": "user", "content": "<audio>What is 8 plus 5?"}, {"role": "assistant", "content": "13"}"#

    @Test(arguments: [
        #"{"audio": "plus.flac", "text": "What is 8 plus 5?", "answer": "13"}"#,
        #"{"audio_path": "plus.flac", "text": "What is 8 plus 5?", "answer": 13}"#,
        #"{"audio_filepath": "plus.flac", "text": "What is 8 plus 5?", "answer": "13", "duration": 1.5}"#,
        #"{"file_name": "plus.flac", "transcription": "What is 8 plus 5?", "label": "13"}"#,
        #"{"question_file_name": "plus.flac", "prompt": "What is 8 plus 5?", "answer": "13"}"#,
        #"{"audio": {"path": "plus.flac"}, "text": "What is 8 plus 5?", "answer": "13", "metadata": {"any": ["thing"]}}"#,
        // What cord questions and cord speak write.
        #"{"answer": "13", "audio": "plus.flac", "category": "chains", "choices": ["a", "b"], "depth": 1, "id": "q-v", "question": "q", "seconds": 1.5, "sha256": "0", "solution": "13", "task": "number", "text": "What is 8 plus 5?", "voice": "v"}"#,
        #"{"messages": [\#(asked)], "audios": ["plus.flac"]}"#,
        #"{"messages": [\#(asked)], "audio": "plus.flac"}"#,
        #"{"messages": [\#(asked)], "audio_url": {"path": "plus.flac"}}"#,
        #"{"conversations": [{"from": "human", "value": "<audio>\nWhat is 8 plus 5?"}, {"from": "gpt", "value": "13"}], "audios": ["plus.flac"]}"#,
        #"{"query": "<audio>What is 8 plus 5?", "response": "13", "audios": ["plus.flac"]}"#,
        #"{"instruction": "<audio>What is 8 plus 5?", "input": "", "output": "13", "audios": ["plus.flac"]}"#,
        #"{"messages": [{"role": "user", "content": [{"type": "audio"}, {"type": "text", "text": "What is 8 plus 5?"}]}, {"role": "assistant", "content": "13"}], "audios": ["plus.flac"]}"#,
        #"{"messages": [{"role": "user", "content": [{"type": "audio", "audio": "plus.flac"}, {"type": "text", "text": "What is 8 plus 5?"}]}, {"role": "assistant", "content": "13"}]}"#,
        #"{"messages": [{"role": "user", "content": [{"type": "audio_url", "audio_url": {"url": "plus.flac"}}, {"type": "text", "text": "What is 8 plus 5?"}]}, {"role": "assistant", "content": "13"}]}"#,
    ])
    func aRowsClipIsHeardWhateverItsMemberIsCalled(row: String) async throws {
        for method in [Objective.Method.supervised, .cord] {
            let pair = try await manifest([row], method: method).pairs[0]
            #expect(pair.text == "What is 8 plus 5?")
            #expect(pair.solution ?? pair.answer == "13")
            guard case .file(let file)? = pair.sound, pair.sounds.count == 1 else { Issue.record("no clip"); return }
            #expect(file.hasSuffix("/plus.flac"))
        }
    }

    /// A run holds all of its rows.
    @Test func aRowIsSmall() {
        #expect(MemoryLayout<TrainingPair.Sound>.size <= 17 && MemoryLayout<TrainingPair>.size <= 128)
    }

    @Test func clipsInTheRowAreTheirBytes() async throws {
        let bytes = try Data(contentsOf: StepFixture.file("plus"))
        let base64 = bytes.base64EncodedString()
        let percent = base64.replacing("+", with: "%2B").replacing("=", with: "%3D")
        for clip in [
            #"{"data": "\#(base64)", "format": "flac"}"#, #""data:audio/flac;base64,\#(percent)""#, #"{"bytes": "\#(base64)", "path": "x.flac"}"#,
        ] {
            let row = #"{"messages": [\#(Self.asked)], "audio": \#(clip)}"#
            guard case .bytes(let found)? = try await manifest([row]).pairs[0].sound else { Issue.record("no bytes"); return }
            #expect(Data(found) == bytes)
        }
        let part = #"{"type": "input_audio", "input_audio": {"data": "\#(base64)", "format": "flac"}}"#
        let row = #"{"messages": [{"role": "user", "content": [\#(part)]}, {"role": "assistant", "content": "13"}]}"#
        #expect(try await manifest([row]).pairs[0].sounds.count == 1)
    }

    @Test(arguments: [
        (#"{"messages": [\#(asked)], "audios": ["absent.wav"]}"#, "no clip absent.wav"),
        (#"{"messages": [\#(asked)], "audios": ["train.jsonl"]}"#, "line 2"),
        (#"{"messages": [\#(asked)], "audios": []}"#, "places"), (#"{"messages": [\#(asked)]}"#, "places"),
        (#"{"messages": [\#(asked)], "audios": ["plus.flac", "days.flac"]}"#, "1 places for clips"),
        (
            #"{"messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "13"}], "audio": "plus.flac"}"#,
            "0 places for clips"
        ),
        (#"{"messages": [\#(asked)], "audios": ["plus.flac"], "audio": "days.flac"}"#, "names other clips"),
        (#"{"messages": [\#(asked)], "recording": "plus.flac"}"#, "places"),
        (#"{"text": "What?", "answer": "13", "recording": "plus.flac"}"#, "recording: unknown member; `cord data formats` tells"),
        (#"{"text": "What?", "answer": "13", "audio": "\#(String(repeating: "UklGRg", count: 2000))"}"#, "… (12000 bytes, which are no path"),
        (#"{"text": "What?", "anwser": "13"}"#, "anwser: unknown member; did you mean `answer`?"),
        (#"{"text": "What?", "answer": "13", "images": ["a.png"]}"#, "images"),
        (#"{"text": "What?", "answer": "13", "audio": "https://host/a.wav"}"#, "nothing is fetched"),
        (#"{"text": "What?", "answer": "13", "audio": {"array": [0.1], "sampling_rate": 16000}}"#, "array"),
        (#"{"text": "What?", "answer": "13", "audio": {"file_id": "file-1"}}"#, "upload"),
        (#"{"text": "<audio>What?", "answer": "13"}"#, "1 times <audio> for 0 clips"),
        (#"{"text": "<|AUDIO|>What?", "answer": "13", "audio": "plus.flac"}"#, "chat template"),
        (#"{"text": "What?", "transcription": "Who?", "answer": "13"}"#, "transcription"),
        (#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 2}]}"#, "weight: expected 0 or 1"),
        (#"{"messages": [{"role": "user", "content": "a", "weight": 1}, {"role": "assistant", "content": "b"}]}"#, "only an assistant's turn"),
        (#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]}"#, "weight 0"),
        (#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "", "weight": 1}]}"#, "has no text"),
        (#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]}"#, "last turn"),
        (#"{"messages": [{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}]}"#, "found tool"),
        (#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "tool_calls": [{"id": "1"}]}]}"#, "calls no tools"),
        (
            #"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "tools": [{"type": "function"}]}"#,
            "calls no tools"
        ),
        (#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "solution": "c"}"#, "solution: unknown member"),
        (#"{"text": "What?"}"#, "right answer"), (#"[1]"#, "expected an object"),
    ])
    func whatWouldBeLearntInPartIsRefusedByLine(row: String, words: String) async throws {
        let message = try await refusal([#"{"text": "What?", "answer": "13"}"#, row])
        #expect(message.contains("line 2: ") && message.contains(words), "\(message)")
    }

    @Test(arguments: [Objective.Method.cord, .opd, .grpo, .forwardKL, .selfDistillation])
    func aPairNeedsItsSoundAndItsText(method: Objective.Method) async throws {
        for (row, words) in [
            (#"{"text": "hi"}"#, "spoken"), (#"{"audio": "plus.flac"}"#, "text is empty"), (#"{"audio": "plus.flac", "text": " "}"#, "text is empty"),
            (#"{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}"#, "spoken"),
            (
                #"{"messages": [{"role": "user", "content": [{"type": "audio", "audio": "plus.flac"}]}, {"role": "assistant", "content": "13"}]}"#,
                "typed"
            ),
            (
                #"{"messages": [{"role": "user", "content": "<audio>"}, {"role": "assistant", "content": "13"}], "audios": ["plus.flac"]}"#,
                "needs the question typed"
            ),
            (
                #"{"messages": [\#(Self.asked), {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}], "audio": "plus.flac"}"#,
                "2 user turns"
            ),
        ] {
            let message = try await refusal([row], method: method)
            #expect(message.contains("line 1: ") && message.contains(words), "\(message)")
        }
    }

    @Test func allBadLinesAreCountedAndNamed() async throws {
        let absent = #"{"audio": "absent.wav", "text": "a"}"#
        let message = try await refusal([absent, #"{"audio": "plus.flac", "text": "b"}"#, absent, absent], method: .cord)
        #expect(message.contains("line 1: there is no clip absent.wav (and 2 more: lines 3, 4)"), "\(message)")
    }

    @Test func linesMayBeLeftOutUpToABound() async throws {
        let (absent, good) = (#"{"audio": "absent.wav", "text": "a"}"#, #"{"audio": "plus.flac", "text": "b"}"#)
        let noise = #"{"audio": "train.jsonl", "text": "c"}"#
        let checked = try await manifest([absent, good, noise], method: .cord, maxSkipped: 2)
        #expect(checked.pairs.map(\.id) == ["2"] && checked.skipped.map(\.line) == [1, 3])
        #expect(checked.skipped[0].reason == "there is no clip absent.wav" && !checked.skipped[1].reason.isEmpty)
        let message = try await refusal([absent, good, noise], method: .cord, maxSkipped: 1)
        #expect(message.contains("line 1: there is no clip absent.wav (and 1 more: line 3); at most 1 may be left out"), "\(message)")
        #expect(try await refusal([absent, absent], method: .cord, maxSkipped: 9).contains("line 1: "))
        // What stands behind an open quotation was not read at all.
        let table = ["file_name,text", "plus.flac,a", "plus.flac,\"b"]
        #expect(try await refusal(table, name: "metadata.csv", method: .cord, maxSkipped: 9).contains("line 3: a quotation mark"))
    }

    @Test func aPromptBeyondTheContextIsFoundBeforeTheFirstStep() async throws {
        let long = String(repeating: "and then ", count: 4000)
        #expect(try await refusal([#"{"audio": "plus.flac", "text": "\#(long)"}"#], method: .opd).contains("line 1: prompt and answer have"))
        #expect(try await refusal([#"{"text": "a", "answer": "\#(long)"}"#]).contains("the model's context"))
    }

    @Test func theDigestCoversClipsAndTexts() async throws {
        func content(_ row: String, _ method: Objective.Method = .cord) async throws -> String {
            try await manifest([row], method: method).content
        }
        let row = #"{"id": "a", "audio": "plus.flac", "text": "b"}"#
        let first = try await content(row)
        #expect(try await content(row) == first)
        for other in [row.replacing("plus", with: "days"), row.replacing(#""b""#, with: #""c""#), row.replacing(#""a""#, with: #""x""#)] {
            #expect(try await content(other) != first, "\(other)")
        }
        let taught = #"{"messages": [\#(Self.asked)], "audios": ["plus.flac"]}"#
        #expect(try await content(taught, .supervised) != content(taught.replacing("13", with: "14"), .supervised))
        #expect(try await content(taught, .supervised) != content(taught.replacing("plus.flac", with: "days.flac"), .supervised))
    }

    @Test func tablesAndMarksAreReadAsLines() async throws {
        let line = #"{"file_name": "plus.flac", "text": "What is 8, plus 5?", "answer": "13"}"#
        let json = try await manifest(["\u{FEFF}" + line]).pairs[0]
        let table = try await manifest(["\u{FEFF}file_name,text,answer\r", "plus.flac,\"What is 8, plus 5?\",13\r"], name: "metadata.csv").pairs[0]
        #expect(json.text == table.text && json.answer == table.answer && table.answer == "13")
        #expect(json.sounds.count == 1 && table.sounds.count == 1)
        #expect(try await refusal(["file_name,text", "plus.flac,\"a"], name: "metadata.csv").contains("line 2: a quotation mark"))
        #expect(try await refusal(["file_name,text,answer", "absent.wav,a,b"], name: "metadata.csv").contains("line 2: there is no clip"))
        #expect(try await refusal(["PAR1"]).contains("read_parquet"))
    }

    @Test func rowsMayHaveSystemTurnsOfTheirOwn() async throws {
        func row(_ system: String) -> String {
            #"{"messages": [{"role": "system", "content": "\#(system)"}, {"role": "user", "name": "u", "content": "a"}, {"role": "assistant", "content": "b"}]}"#
        }
        #expect(try await manifest([row("x"), row("x")]).system == "x")
        let differing = try await manifest([row("x"), row("y"), #"{"system": "z", "text": "a", "answer": "b"}"#])
        #expect(differing.system == nil && differing.pairs.map(\.system) == ["x", "y", "z"])
    }

    // MARK: Turns

    private func turns(_ weights: [Int], clip: String = "plus") -> TrainingPair {
        let said: [(Conversation.Role, [Conversation.Part], Bool)] = [
            (.system, [.text("Be brief.")], true), (.user, [.audio(.file(StepFixture.file(clip)))], true),
            (.assistant, [.text("The answer is 13.")], weights[0] == 1), (.user, [.text("What day is it in 3 days?")], true),
            (.assistant, [.text("The answer is Thursday.")], weights.count > 1 && weights[1] == 1),
        ]
        let turns = said.prefix(weights.count == 1 ? 3 : 5).map { Conversation.Turn(role: $0.0, parts: $0.1, isLearnt: $0.2) }
        return TrainingPair(id: "t", sound: nil, text: "", conversation: Conversation(turns: turns))
    }

    private func step(_ pair: TrainingPair) async throws -> StepMetrics {
        try await StepFixture.trainer(StepFixture.options(.supervised)).step([pair]).metrics
    }

    @Test func theLossOfTurnsIsTheSumOfTheirLosses() async throws {
        let both = try await step(turns([1, 1]))
        let first = try await step(turns([1, 0]))
        let second = try await step(turns([0, 1]))
        #expect(first.loss > 0 && second.loss > 0)
        #expect(largestRelativeDifference([first.loss + second.loss], [both.loss]) <= 1e-5)
        #expect(both.trainTokens == first.trainTokens + second.trainTokens)
    }

    /// As if the turn and what follows were not there, to the bit.
    @Test func aTurnOfWeightZeroIsNotLearnt() async throws {
        let whole = try await step(turns([1, 0]))
        let alone = try await step(turns([1]))
        #expect(whole.loss == alone.loss && whole.gradNorm == alone.gradNorm && whole.trainTokens == alone.trainTokens)
    }

    /// Teacher forcing over the whole conversation in one pass gives the same sum over the learnt tokens.
    @Test func learntTurnsHaveTheLossOfTheConversationReadAtOnce() async throws {
        let model = try StepFixture.model.get()
        let pair = turns([1, 1])
        let targets = try pair.targets(model, system: nil)
        #expect(targets.map(\.answer) == ["The answer is 13.", "The answer is Thursday."])
        let clip = try AudioDecoder.decode([UInt8](Data(contentsOf: StepFixture.file("plus"))), limits: AudioLimits(maxSeconds: 30))
        let whole = try model.prompt([
            Message(role: "system", parts: [.text("Be brief.")]), Message(role: "user", parts: [.audio(clip)]),
            Message(role: "assistant", parts: [.text("The answer is 13.")]), Message(role: "user", parts: [.text("What day is it in 3 days?")]),
            Message(role: "assistant", parts: [.text("The answer is Thursday.")]),
        ])
        let start = targets[0].prompt.tokens.count
        let measures = model.score([Array(whole.tokens[start...])], after: targets[0].prompt, version: nil)[0]
        var expected = 0.0
        for target in targets {
            // The answer and the token that ends its turn.
            let first = target.prompt.tokens.count - start
            let count = try model.tokenizer.encode(target.answer).count + 1
            for row in measures[first..<first + count] { expected -= Double(row.logProbability) }
        }
        let loss = try await step(pair).loss
        #expect(largestRelativeDifference([loss], [expected]) <= 1e-4)
    }

    @Test func aRowWithSeveralClipsHearsThemAll() async throws {
        let (first, second) = (StepFixture.file("plus"), StepFixture.file("days"))
        let parts: [Conversation.Part] = [.audio(.file(first)), .text("And then:"), .audio(.file(second))]
        let turns = [Conversation.Turn(role: .user, parts: parts), Conversation.Turn(role: .assistant, parts: [.text("13 and Thursday.")])]
        let pair = TrainingPair(id: "t", sound: nil, text: "", conversation: Conversation(turns: turns))
        let prompt = try pair.targets(StepFixture.model.get(), system: nil)[0].prompt
        #expect(prompt.clips.count == 2)
        let report = try await StepFixture.trainer(StepFixture.options(.supervised)).step([pair])
        #expect(report.pairs[0].audioTokens == prompt.audioTokens && report.metrics.loss.isFinite)
    }

    @Test func aRunThatLearnsNothingFails() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "cord-run-\(UUID().uuidString)", directoryHint: .isDirectory)
        defer { try? FileManager.default.removeItem(at: directory) }
        let trainer = try StepFixture.trainer(StepFixture.options(.opd))
        let pairs = [TrainingPair(id: "bad", sound: .bytes(Data()), text: "x"), TrainingPair(id: "mute", sound: nil, text: "y")]
        let run = try TrainingRun(pairs: pairs, settings: TrainingRun.Settings(), directory: directory)
        let error = await #expect(throws: TrainingError.self) { try await run.run(trainer) }
        guard case .nothingLearnt(let reason)? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(reason.contains("bad") && reason.contains("mute"))
    }
}
