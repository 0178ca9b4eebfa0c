import Audio
import CordNano
import Foundation
import Generation
import Models
import Pretraining
import Randomness
import Speech
import Tensors
import TestSupport
import Testing
import Training

/// A very small making of a model: every stage, whole and interrupted.
@Suite(.ownThread) struct StageTests {
    private struct Stopped: Error {}

    private func recipe() -> Recipe {
        var recipe = Recipe(seed: 3)
        recipe.questions = 12
        recipe.labelled = 6
        recipe.text.steps = 3
        recipe.text.batchSize = 8
        recipe.hearing.steps = 2
        recipe.hearing.batchSize = 4
        recipe.joining.steps = 2
        recipe.joining.batchSize = 4
        recipe.listening.steps = 2
        recipe.listening.batchSize = 4
        recipe.checkpointEvery = 1
        return recipe
    }

    private func make(_ output: URL, stopAt stop: (stage: String, step: Int)? = nil) async throws -> URL {
        let template = try LoadedModel(directory: CordNano.directory, precision: .float32)
        return try await recipe().run(
            like: template, in: output, synthesizer: Tones(), speaking: { _, _ in },
            progress: { if let stop, $0.stage == stop.stage, $0.step == stop.step { throw Stopped() } })
    }

    @Test func aRunThatWasStoppedInEveryStageGivesTheSameModel() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let whole = try await make(folder.appending(path: "whole"))
        let stopped = folder.appending(path: "stopped")
        for (stage, step) in [("text", 2), ("hearing", 1), ("listening", 1), ("joining", 1)] {
            await #expect(throws: Stopped.self) { try await make(stopped, stopAt: (stage, step)) }
        }
        let resumed = try await make(stopped)
        let weights = "model.safetensors"
        let expected = try Data(contentsOf: whole.appending(path: weights))
        #expect(try Data(contentsOf: resumed.appending(path: weights)) == expected)
        #expect(expected != (try Data(contentsOf: CordNano.directory.appending(path: weights))))
        let lines = try String(contentsOf: stopped.appending(path: "text/log.jsonl"), encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 3)
        let times = StageTime.all(in: stopped)
        #expect(times.map(\.stage) == ["text", "hearing", "listening", "joining"] && times.map(\.steps) == [3, 2, 2, 2])
        struct Line: Decodable { let seconds: Double }
        let seconds = try lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)).seconds }
        #expect(seconds.allSatisfy { $0 > 0 } && times[0].seconds == seconds.reduce(0, +))
    }

    /// What is packed behind one beginning is learnt as it is alone, in one pass or several.
    @Test func examplesOfOnePassHaveTheLossThatTheyHaveAlone() throws {
        let model = try LoadedModel(directory: CordNano.directory, precision: .float32)
        let weights = try TrainableWeights(.lowRank(rank: 4), model: model.model)
        let examples = try [("apples", [40, 41, 42] as [Int32]), ("days", [50]), ("plus", [60, 61])].map { name, answer in
            let bytes = [UInt8](try Data(contentsOf: fixtures.appending(path: "qwen2audio/cord-nano/\(name).flac")))
            let clip = try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 30))
            return (Example(prompt: try model.prompt([Message(role: "user", parts: [.audio(clip)])]), answer: answer), Double(answer.count))
        }
        let learning = AnswerLearning(model: model.model, weights: weights)
        let alone = examples.reduce(0) { $0 + learning.learn([$1.0], on: Tape()).loss * $1.1 / 6 }
        #expect(largestRelativeDifference([learning.learn(examples.map(\.0), on: Tape()).loss], [alone]) < 1e-5)
        let passes = AnswerLearning(model: model.model, weights: weights, passRows: 1)
        #expect(largestRelativeDifference([passes.learn(examples.map(\.0), on: Tape()).loss], [alone]) < 1e-5)
    }

    /// As an encoder's frames are read: repeats joined, then blanks dropped.
    @Test func framesThatSpellAQuestionAreReadBackAsIt() throws {
        let model = try LoadedModel(directory: CordNano.directory)
        let spoken = try SpokenPrompt(model)
        let tokens: [Int32] = [40, 40, 41, 41, 41, 40]
        try #require(!model.prompt([Message(role: "user", parts: [.text("")])]).tokens.contains { $0 == 40 || $0 == 41 })
        var random = RandomStream(seed: 1)
        for _ in 0..<100 {
            let frames = spoken.spelling(tokens, &random).tokens
            let read = frames.indices.filter { $0 == 0 || frames[$0] != frames[$0 - 1] }.map { frames[$0] }.filter { $0 != spoken.blank }
            #expect(read.count < frames.count && read.filter { $0 == 40 || $0 == 41 } == tokens)
        }
    }

    @Test func timesOfCORDComeFromItsMetrics() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder.appending(path: "cord"), withIntermediateDirectories: true)
        let timings = #""timings": {"rollouts": 1, "scoring": 0.5, "backward": 2, "optimizer": 0.25, "total": 3.75}"#
        let lines = ["{\"step\": 1, \(timings)}", #"{"step": 2, "problem": "none can be used"}"#, "{\"step\": 3, \(timings)}", #"{"step""#]
        try Data(lines.joined(separator: "\n").utf8).write(to: folder.appending(path: "cord/metrics.jsonl"))
        let times = StageTime.all(in: folder)
        #expect(times.map(\.stage) == ["cord"] && times.first?.steps == 3 && times.first?.seconds == 7.5)
    }

    @Test func anotherRecipeDoesNotGoOnFromAStoppedOne() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        await #expect(throws: Stopped.self) { try await make(folder, stopAt: ("text", 1)) }
        var other = recipe()
        other.text.steps = 4
        let template = try LoadedModel(directory: CordNano.directory, precision: .float32)
        await #expect(throws: PretrainingError.self) {
            _ = try await other.run(
                like: template, in: folder, synthesizer: Tones(), speaking: { _, _ in }, progress: { _ in })
        }
    }
}

/// A second and a half of sound that depends on the text: no speech, but something to hear.
private struct Tones: Synthesizer {
    let fingerprint = "tones"

    func speak(_ text: String, voice: Voice) async throws -> [UInt8] {
        let bytes = Array(text.utf8)
        let samples = (0..<24_000).map { index in
            0.3 * Float(sin(Double(index) * (0.02 + 0.001 * Double(bytes[index / 400 % bytes.count] % 64))))
        }
        return WAVWriter.bytes(samples)
    }
}
