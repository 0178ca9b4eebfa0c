import Generation
import Models
import Tensors
import TestSupport
import Testing

/// The engine's scores of prompts, held against packed passes without its cache.
@Suite(.ownThread) struct PromptScoringTests {
    private static let text = "Tom has 12 apples. He buys 7 more. How many apples are there now? 12 + 7 = 19. The answer is 19."

    private func tokens() throws -> [Int32] { try EngineTests.model.get().tokens(Self.text) }

    private func spoken() throws -> Prompt {
        try EngineTests.model.get().prompt([Message(role: "user", parts: [.audio(try EngineTests.clip("plus"))])])
    }

    private func scored(_ prompt: Prompt, _ scoring: PromptScoring, _ engine: Engine) async throws -> Answers {
        var options = SamplingOptions.greedy
        options.maxTokens = 0
        return try await engine.answers(GenerationRequest(prompt: prompt, options: options, scoring: scoring))
    }

    /// Every place by itself: the prompt up to it, and the token that follows.
    private func alone(_ prompt: Prompt, from start: Int) throws -> [Float] {
        let model = try EngineTests.model.get()
        return (start..<prompt.tokens.count).map { place in
            let before = Prompt(tokens: Array(prompt.tokens[..<place]), clips: prompt.clips)
            return model.score([[prompt.tokens[place]]], after: before)[0][0].logProbability
        }
    }

    @Test(arguments: [1024, 7]) func everyTokenOfATextIsScored(rows: Int) async throws {
        var limits = EngineLimits()
        limits.batchTokens = rows
        let prompt = Prompt(tokens: try tokens())
        let engine = Engine(try EngineTests.model.get(), limits: limits)
        let answers = try await scored(prompt, PromptScoring(alternatives: 3), engine)
        #expect(answers.prompt.map(\.token) == Array(prompt.tokens.dropFirst()))
        #expect(largestDifference(answers.prompt.map(\.logProbability), try alone(prompt, from: 1)) < 1e-4)
        #expect(answers.prompt.allSatisfy { $0.top.count == 3 && $0.top[0].logProbability >= $0.logProbability })
        #expect(answers.answers[0].tokens.isEmpty && answers.answers[0].finishReason == .length)
        // What is known of the prompt by now changes nothing.
        #expect(try await scored(prompt, PromptScoring(alternatives: 3), engine).prompt == answers.prompt)
    }

    @Test func continuationsOfASpokenPromptAreScoredWithThePromptComputedOnce() async throws {
        let (model, prompt) = (try EngineTests.model.get(), try spoken())
        let engine = Engine(model)
        let continuations = try ["The answer is 19.", "The answer is 12.", "19"].map { try model.tokens($0) }
        let reference = model.score(continuations, after: prompt)
        for (continuation, reference) in zip(continuations, reference) {
            let answers = try await scored(prompt.appending(continuation), PromptScoring(from: prompt.tokens.count), engine)
            #expect(largestDifference(answers.prompt.map(\.logProbability), reference.map(\.logProbability)) < 1e-4)
            #expect(answers.timings.cachedTokens == (continuation == continuations[0] ? 0 : prompt.tokens.count - 1))
        }
    }

    @Test func scoringBesideAnAnswerChangesNothingOfIt() async throws {
        let model = try EngineTests.model.get()
        var options = SamplingOptions()
        options.temperature = 1.3
        options.seed = 5
        options.maxTokens = 40
        options.logProbabilities = 0
        let (question, text) = (try spoken(), Prompt(tokens: try tokens()))
        let plain = try await Engine(model).answers(GenerationRequest(prompt: question, options: options))
        let engine = Engine(model)
        async let other = scored(text, PromptScoring(), engine)
        let both = try await engine.answers(GenerationRequest(prompt: question, options: options, scoring: PromptScoring()))
        #expect(both.answers == plain.answers && !plain.answers[0].tokens.isEmpty)
        #expect(both.prompt.count == question.tokens.count - 1)
        let beside = try await other.prompt
        #expect(beside == (try await scored(text, PromptScoring(), Engine(model)).prompt))
    }

    @Test func aPromptThatFillsTheContextIsReadAloneAndNotContinued() async throws {
        let model = try EngineTests.model.get()
        let some = try tokens()
        let full = Prompt(tokens: (0..<model.model.contextLength).map { some[$0 % some.count] })
        let engine = Engine(model)
        #expect(try await scored(full, PromptScoring(from: full.tokens.count - 1), engine).prompt.count == 1)
        let error = EngineError.promptTooLong(tokens: full.tokens.count, limit: full.tokens.count)
        #expect(throws: error) { try engine.generate(GenerationRequest(prompt: full, options: .greedy)) }
    }
}
