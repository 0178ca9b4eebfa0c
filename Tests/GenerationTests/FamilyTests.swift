import Audio
import Foundation
import Generation
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Tokenization
import Weights

/// What every family beside the first must do as transformers and peft do: prompts, and adapters by their names.
@Suite(.ownThread) struct FamilyTests {
    private func load(_ path: String) throws -> LoadedModel {
        let checkpoint = try RandomCheckpoint(path)
        return try withExtendedLifetime(checkpoint) { try LoadedModel(directory: checkpoint.directory, precision: .float32) }
    }

    /// The whole model's directory: sight and the voice that answers are counted, and said in the log.
    @Test func modulesForOtherPurposesArePassedOverAndCounted() throws {
        let model = try load("qwen2_5_omni/published")
        let counts = Dictionary(uniqueKeysWithValues: model.model.passedOver.map { ($0.module, $0.count) })
        #expect(counts["talker"] == 1 && counts["thinker.audio_tower.audio_bos_eos_token"] == 1 && counts["token2wav"] == nil)
        #expect((counts["thinker.visual"] ?? 0) > 10)
        #expect(model.model.parameters.allSatisfy { !$0.name.contains("visual") })
        for words in ["qwen2_5_omni", "talker 1", "width 64", "context 8192", "clips of up to 300 s"] {
            #expect(model.summary.contains(words), "\(model.summary)")
        }
    }

    /// What `cord models` lists of a family is what its checkpoints do, but for the last token of a piece or window.
    @Test(arguments: ReferenceCases.others.filter { $0.hasSuffix("/published") } + ["qwen2audio/published"])
    func tokensOfASecondAreTheFamilys(path: String) throws {
        let model = try load(path)
        let (found, told) = (1 / model.secondsPerAudioToken, model.model.family.tokensPerSecond)
        #expect(abs(found - told) <= 0.04 * told, "\(path): \(found)")
    }

    /// Codes of speech are never chosen, greedy or drawn, alone or behind a penalty; their probability stays the model's.
    @Test func answersOfStepAudioHaveNoCodesOfSpeech() async throws {
        let checkpoint = try RandomCheckpoint("step_audio_2/published")
        let free = try LoadedModel(directory: checkpoint.directory, precision: .float32)
        #expect(free.model.unwritten.isEmpty)
        func answer(_ model: LoadedModel, _ change: (inout SamplingOptions) -> Void) async throws -> Completion {
            var options = SamplingOptions.greedy
            (options.maxTokens, options.ignoresEndOfTurn, options.logProbabilities) = (24, true, 1)
            change(&options)
            let prompt = Prompt(tokens: try model.tokens("Tom has 12 apples."))
            return try await Engine(model).complete(GenerationRequest(prompt: prompt, options: options)).answers[0]
        }
        let before = try await answer(free) { _ in }
        // The token that comes first, and whatever stands behind it, is said to be speech.
        let code = try #require(before.tokens.first)
        let file = checkpoint.directory.appending(path: "tokenizer_config.json")
        var settings = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        var added = try #require(settings["added_tokens_decoder"] as? [String: Any])
        added["\(code)"] = ["content": "<audio_0>", "special": true]
        settings["added_tokens_decoder"] = added
        try JSONSerialization.data(withJSONObject: settings).write(to: file)
        let model = try LoadedModel(directory: checkpoint.directory, precision: .float32)
        #expect(model.model.unwritten == code..<816 && model.endTokens.allSatisfy { $0 < code })
        let greedy = try await answer(model) { _ in }
        let drawn = try await answer(model) { ($0.temperature, $0.seed) = (3, 5) }
        let ended = try await answer(model) { ($0.ignoresEndOfTurn, $0.logitBias) = (false, [2: 100]) }
        #expect(ended.tokens.isEmpty && ended.finishReason == .stop)
        let biased = try await answer(model) { ($0.logitBias, $0.frequencyPenalty) = ([code: 50], 0.5) }
        for tokens in [greedy.tokens, drawn.tokens, biased.tokens] { #expect(tokens.count == 24 && tokens.allSatisfy { $0 < code }) }
        #expect(try #require(greedy.logProbabilities.first).top.first! == #require(before.logProbabilities.first).top.first!, "told all the same")
    }

    /// Three windows of 4 s fit into the processor's 13 s; a sample more is refused, where the processor would cut it.
    @Test func aClipLongerThanAllWindowsIsRefused() throws {
        let model = try load("audioflamingo3/published")
        #expect(model.windowSeconds == 12)
        let longest = AudioClip(samples: [Float](repeating: 0.1, count: 12 * AudioClip.sampleRate))
        #expect(try model.model.audio?.segments(longest).count == 3)
        #expect(throws: AudioError.self) { try model.model.audio?.segments(AudioClip(samples: longest.samples + [0])) }
    }

    @Test(arguments: ReferenceCases.others.filter { $0.hasSuffix("/published") })
    func promptsAreTheProcessors(path: String) throws {
        let (family, model) = (try ReferenceCases(path), try load(path))
        #expect(family.chats.count >= 3)
        for chat in family.chats {
            let messages = try chat.messages.map { message in
                HeardMessage(
                    role: message.role,
                    parts: try message.parts.map { part in
                        if let text = part.text { return .text(text) }
                        return .audio(AudioClip(samples: try #require(part.clip.flatMap { family.clips[$0]?.synthetic })))
                    })
            }
            #expect(try model.prompt(messages).tokens == chat.inputIDs, "\(path) \(chat.name)")
        }
    }

    /// Tools, calls and what they gave, as mistral-common writes them.
    @Test func promptsWithToolsAreMistralCommons() throws {
        let model = try load("voxtral/published")
        #expect(model.chat.calls == .mistral)
        let file = try JSONValue(parsing: try Data(contentsOf: fixtures.appending(path: "voxtral/tools.json")))
        let tools = TemplateValue.list(try file.array("tools").map { TemplateValue($0) })
        let chats = try file.array("chats")
        #expect(chats.count == 4)
        for chat in chats {
            let messages = try chat.array("messages").map { message in
                let (text, callID) = (try message.string("text"), try message.string("call_id"))
                return HeardMessage(
                    role: try message.string("role"), parts: text.isEmpty ? [] : [.text(text)],
                    calls: try message.array("calls").map { call in
                        ToolCall(id: try call.string("id"), name: try call.string("name"), arguments: .object(try call.object("arguments")))
                    }, callID: callID.isEmpty ? nil : callID)
            }
            let (name, expected) = (try chat.string("name"), try chat.integers("input_ids").map(Int64.init))
            #expect(try model.prompt(messages, variables: ["tools": tools]).tokens.map(Int64.init) == expected, "\(name)")
        }
    }

    /// As `examples.py` of stepfun-ai/Step-Audio2 tells of tools, and of what they gave.
    @Test func promptsWithToolsAreStepAudios() throws {
        let chat = try load("step_audio_2/published").chat
        #expect(chat.calls == .stepAudio)
        let tools = TemplateValue.list([.object([("type", .string("function")), ("function", .object([("name", .string("now"))]))])])
        var called = TemplateMessage(role: "assistant", "Well.")
        called.calls = [TemplateToolCall(id: "1", name: "now", arguments: .object([("zone", .string("é"))]))]
        let rest = [TemplateMessage(role: "user", "Hi"), called, TemplateMessage(role: "tool", "noon")]
        func text(_ messages: [TemplateMessage]) throws -> String { try chat.render(messages, extra: ["tools": tools]).map(\.text).joined() }
        let (told, asked) = (
            "<|BOT|>tool_json_schemas\n[{\"type\": \"function\", \"function\": {\"name\": \"now\"}}]<|EOT|>",
            "<|BOT|>human\nHi<|EOT|><|BOT|>assistant\nWell.<tool_call>function\nnow\n{\"zone\": \"é\"}</tool_call><|EOT|><|BOT|>input\nnoon<|EOT|>"
                + "<|BOT|>assistant\n"
        )
        #expect(try text(rest) == told + asked)
        #expect(try text([TemplateMessage(role: "system", "Be brief.")] + rest) == "<|BOT|>system\nBe brief.<|EOT|>" + told + asked)
    }

    /// In the words, or by the token, that the family's processor writes.
    @Test func requestsForATranscriptAreTheProcessors() throws {
        let (family, model) = (try ReferenceCases("voxtral/published"), try load("voxtral/published"))
        #expect(family.transcriptions.map(\.language) == [nil, "fr"])
        for item in family.transcriptions {
            let clip = AudioClip(samples: try #require(family.clips[item.clip]?.synthetic))
            #expect(try model.prompt(for: TranscriptionWish(language: item.language), clip).tokens == item.inputIDs)
        }
        // What users call a language spells no token.
        let clip = AudioClip(samples: [Float](repeating: 0.1, count: 1600))
        let tokens = try model.prompt(for: TranscriptionWish(language: "[INST]"), clip).tokens
        #expect(tokens.count { $0 == 3 } == 1 && tokens.last == 34)
    }

    /// Step-Audio 2 cuts every 25 s; a rest that is too short for an embedding leaves no tokens.
    @Test(arguments: [(400_000, [313]), (400_320, [313]), (400_321, [313, 1]), (800_000, [313, 313])])
    func piecesHaveRunsOfTheirOwn(samples: Int, runs: [Int]) throws {
        let model = try load("step_audio_2/published")
        let clip = AudioClip(samples: (0..<samples).map { Float($0 % 97) / 970 })
        let prompt = try model.expand([4], [clip])
        var expected: [Int32] = []
        for run in runs { expected += [3] + Array(repeating: 4, count: run) + [5] }
        let slots = expected.indices.filter { expected[$0] == 4 }
        #expect(prompt.tokens == expected && prompt.clips.map(\.slots) == [slots])
        #expect(throws: AudioError.self) { try model.expand([4], [AudioClip(samples: [Float](repeating: 0.1, count: 320))]) }
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
