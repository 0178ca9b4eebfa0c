import CordNano
import Generation
import Tensors
import Testing

/// Weights in 8 and 4 bits, multiplied in integers: they stay near float32, and its rules hold for them.
@Suite struct WidthTests {
    private static let question = [HeardMessage(role: "user", parts: [.text("What is 12 plus 7?")])]

    private func model(_ precision: ModelPrecision) throws -> LoadedModel {
        try LoadedModel(directory: CordNano.directory, precision: precision)
    }

    @Test(arguments: [(ModelPrecision.bfloat16, Float(0.01)), (.int8, 0.01), (.int4, 0.15)])
    func scoresStayNearThoseOfFloat32(precision: ModelPrecision, most: Float) async throws {
        let wide = try model(.float32), narrow = try model(precision), prompt = try wide.prompt(Self.question)
        let answer = try #require(try await Engine(wide).complete(GenerationRequest(prompt: prompt, options: SamplingOptions())).answers.first)
        let expected = wide.score([answer.tokens], after: prompt)[0], found = narrow.score([answer.tokens], after: prompt)[0]
        let distance = zip(expected, found).map { abs($0.logProbability - $1.logProbability) }.reduce(0, +) / Float(expected.count)
        #expect(distance < most && distance > 0, "\(precision): \(distance)")
    }

    /// The sampler, the trainer and a batch of any make compute the same numbers.
    @Test(arguments: [ModelPrecision.int8, .int4]) func rowsDoNotDependOnTheBatch(precision: ModelPrecision) async throws {
        let model = try model(precision), prompt = try model.prompt(Self.question)
        var options = SamplingOptions()
        options.temperature = 1
        options.count = 3
        options.maxTokens = 24
        options.logProbabilities = 0
        options.ignoresEndOfTurn = true
        let answers = try await Engine(model).complete(GenerationRequest(prompt: prompt, options: options)).answers
        let together = model.score(answers.map(\.tokens), after: prompt)
        for (answer, scored) in zip(answers, together) {
            #expect(model.score([answer.tokens], after: prompt)[0] == scored)
            for (sampled, given) in zip(answer.logProbabilities, scored) {
                #expect(abs(sampled.logProbability - given.logProbability) < 1e-4)
            }
        }
    }
}
