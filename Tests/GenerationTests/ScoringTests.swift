import Generation
import Tensors
import TestSupport
import Tokenization
import Testing

@Suite(.ownThread) struct ScoringTests {
    private func prompts() throws -> (model: LoadedModel, text: Prompt, audio: Prompt) {
        let model = try EngineTests.model.get()
        return (
            model, try model.prompt([Message(role: "user", parts: [.text("What is 12 plus 7?")])]),
            try model.prompt([Message(role: "user", parts: [.audio(try EngineTests.clip("plus"))])])
        )
    }

    @Test func scoresAreTheSamplersLogProbabilities() async throws {
        let (model, _, audio) = try prompts()
        var options = SamplingOptions()
        options.temperature = 1.5
        options.count = 4
        options.maxTokens = 60
        options.logProbabilities = 0
        options.ignoresEndOfTurn = true
        let answers = try await Engine(model).complete(GenerationRequest(prompt: audio, options: options)).answers
        let scores = model.score(answers.map(\.tokens), after: audio)
        #expect(answers.count == 4 && scores.count == 4)
        for (answer, scored) in zip(answers, scores) {
            #expect(largestDifference(answer.logProbabilities.map(\.logProbability), scored.map(\.logProbability)) < 1e-4)
        }
    }

    @Test func packedContinuationsScoreAsTheyDoAlone() throws {
        let (model, text, _) = try prompts()
        let continuations: [[Int32]] = [[40, 41, 42, 43], [50], [60, 61, 62]]
        let packed = model.score(continuations, after: text)
        #expect(packed.count == continuations.count)
        for (continuation, together) in zip(continuations, packed) {
            #expect(model.score([continuation], after: text)[0] == together)
        }
    }

    @Test func equalContextsDivergeNowhere() throws {
        let (model, text, _) = try prompts()
        let tokens = model.compare([40, 41, 42], student: text, teacher: text, top: 3)
        #expect(tokens.count == 3)
        for token in tokens {
            #expect(abs(token.measures.reverseKL) < 1e-6)
            #expect(token.studentTop.elementsEqual(token.teacherTop, by: ==))
        }
    }

    @Test func spokenAndTypedContextsDivergeByPositiveAmounts() throws {
        let (model, text, audio) = try prompts()
        let tokens = try model.tokenizer.encode("12 + 7 = 19. The answer is 19.").map { Int32($0) }
        let compared = model.compare(tokens, student: audio, teacher: text, chunk: 4)
        #expect(compared.count == tokens.count)
        #expect(compared.allSatisfy { $0.measures.reverseKL >= -1e-6 && $0.measures.forwardKL >= -1e-6 })
        #expect(compared.contains { $0.measures.reverseKL > 1e-4 })
    }
}
