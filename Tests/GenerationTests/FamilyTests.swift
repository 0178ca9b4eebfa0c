import Audio
import Foundation
import Generation
import Models
import Tensors
import TestSupport
import Testing
import Weights

/// What every family beside the first must do as transformers and peft do: prompts, and adapters by their names.
@Suite struct FamilyTests {
    private func load(_ path: String) throws -> LoadedModel {
        let checkpoint = try RandomCheckpoint(path)
        return try withExtendedLifetime(checkpoint) { try LoadedModel(directory: checkpoint.directory, precision: .float32) }
    }

    @Test(arguments: FamilyFixture.others.filter { $0.hasSuffix("/published") })
    func promptsAreTheProcessors(path: String) throws {
        let (family, model) = (try FamilyFixture(path), try load(path))
        #expect(family.chats.count >= 3)
        for chat in family.chats {
            let messages = try chat.messages.map { message in
                Message(
                    role: message.role,
                    parts: try message.parts.map { part in
                        if let text = part.text { return .text(text) }
                        return .audio(AudioClip(samples: try #require(part.clip.flatMap { family.clips[$0] }).synthetic))
                    })
            }
            #expect(try model.prompt(messages).tokens == chat.input_ids, "\(path) \(chat.name)")
        }
    }

    @Test(arguments: FamilyFixture.others)
    func adaptersOfPythonGiveItsLogProbabilities(path: String) throws {
        let (family, model) = (try FamilyFixture(path), try load(path))
        let adapter = try #require(family.adapter)
        let version = try model.version(fromPEFT: family.directory.appendingPathComponent("adapter"), id: "python")
        let item = try #require(family.cases.first { $0.name == adapter.case })
        let logits = try logits(item, of: family, model, version)
        let normalisers = logSumExpRows(logits)
        let expected = try #require(Safetensors(family.goldens).tensors["adapter/next_logprob"]).floats()
        for (row, value) in expected.enumerated() {
            #expect(abs(logits[row, Int(item.input_ids[row + 1])] - normalisers[row] - value) < 1e-4, "\(path) position \(row)")
        }
    }

    @Test(arguments: FamilyFixture.others)
    func greedyAnswersAreTransformers(path: String) async throws {
        let (family, model) = (try FamilyFixture(path), try load(path))
        let engine = Engine(model)
        for item in family.cases {
            guard let expected = item.continuation_ids else { continue }
            let prompt = try model.expand(item.prompt_ids, item.clips.map { AudioClip(samples: try #require(family.clips[$0]).synthetic) })
            var options = SamplingOptions.greedy
            options.maxTokens = 12
            let answer = try await engine.complete(GenerationRequest(prompt: prompt, options: options)).answers[0]
            #expect(answer.tokens == expected, "\(path) \(item.name)")
        }
    }
}
