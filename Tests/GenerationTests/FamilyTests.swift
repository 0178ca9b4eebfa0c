import Audio
import Foundation
import Generation
import Models
import Tensors
import TestSupport
import Testing
import Weights

/// What every family beside the first must do as transformers and peft do: prompts, and adapters by their names.
@Suite(.ownThread) struct FamilyTests {
    private func load(_ path: String) throws -> LoadedModel {
        let checkpoint = try RandomCheckpoint(path)
        return try withExtendedLifetime(checkpoint) { try LoadedModel(directory: checkpoint.directory, precision: .float32) }
    }

    @Test(arguments: ReferenceCases.others.filter { $0.hasSuffix("/published") })
    func promptsAreTheProcessors(path: String) throws {
        let (family, model) = (try ReferenceCases(path), try load(path))
        #expect(family.chats.count >= 3)
        for chat in family.chats {
            let messages = try chat.messages.map { message in
                Message(
                    role: message.role,
                    parts: try message.parts.map { part in
                        if let text = part.text { return .text(text) }
                        return .audio(AudioClip(samples: try #require(part.clip.flatMap { family.clips[$0]?.synthetic })))
                    })
            }
            #expect(try model.prompt(messages).tokens == chat.inputIDs, "\(path) \(chat.name)")
        }
    }

    @Test(arguments: ReferenceCases.others)
    func adaptersOfPythonGiveItsLogProbabilities(path: String) throws {
        let (family, model) = (try ReferenceCases(path), try load(path))
        let adapter = try #require(family.adapter)
        let version = try model.version(fromPEFT: family.directory.appendingPathComponent("adapter"), id: "python")
        let item = try #require(family.cases.first { $0.name == adapter.case })
        let logits = try logits(item, of: family, model, version)
        let normalisers = logSumExpRows(logits)
        let expected = try #require(Safetensors(family.goldens).tensors["adapter/next_logprob"]).floats()
        let found = expected.indices.map { logits[$0, Int(item.inputIDs[$0 + 1])] - normalisers[$0] }
        #expect(largestDifference(found, expected) < 1e-4)
    }

    @Test(arguments: ReferenceCases.others)
    func greedyAnswersAreTransformers(path: String) async throws {
        let (family, model) = (try ReferenceCases(path), try load(path))
        let engine = Engine(model)
        let answered = family.cases.filter { $0.continuationIDs != nil }
        try #require(answered.count >= 3)
        for item in answered {
            let prompt = try model.expand(item.promptIDs, item.clips.map { AudioClip(samples: try #require(family.clips[$0]?.synthetic)) })
            var options = SamplingOptions.greedy
            options.maxTokens = 12
            let answer = try await engine.complete(GenerationRequest(prompt: prompt, options: options)).answers[0]
            #expect(answer.tokens == item.continuationIDs, "\(path) \(item.name)")
        }
    }
}
