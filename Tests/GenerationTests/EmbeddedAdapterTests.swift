import CordNano
import Foundation
import Generation
import Models
import Testing

/// What CORD learnt over the embedded model travels with it.
@Suite struct EmbeddedAdapterTests {
    private func answer(_ parts: [Message.Part], _ version: WeightVersion?) async throws -> String {
        let model = try EngineTests.model.get()
        let engine = Engine(model)
        let prompt = try model.prompt([Message(role: "user", parts: parts)])
        let request = GenerationRequest(prompt: prompt, options: .greedy, version: version)
        return try await engine.complete(request).answers[0].text
    }

    @Test func itFitsTheModelAndLeavesWhatIsTypedAsItWas() async throws {
        let closed = try EngineTests.model.get().version(fromPEFT: CordNano.closedAdapter, id: CordNano.closedName)
        #expect(!closed.adapters.isEmpty)
        for text in [
            "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?",
            "What is the largest of 14, 69, 45?", "It is October now. What month was it 5 months ago?",
        ] {
            let before = try await answer([.text(text)], nil)
            #expect(try await answer([.text(text)], closed) == before)
        }
        let spoken = try await answer([.audio(try EngineTests.clip("plus"))], closed)
        #expect(spoken.hasSuffix(".") && spoken.contains("The answer is"))
    }
}
