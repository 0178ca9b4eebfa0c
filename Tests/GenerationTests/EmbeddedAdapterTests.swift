import CordNano
import Foundation
import Generation
import Models
import TestSupport
import Testing

/// What CORD learnt over the embedded model travels with it.
@Suite(.ownThread) struct EmbeddedAdapterTests {
    private func answer(_ parts: [HeardMessage.Part], _ version: WeightVersion?) async throws -> String {
        let model = try EngineTests.model.get()
        let engine = Engine(model)
        let prompt = try model.prompt([Message(role: "user", parts: parts)])
        let request = GenerationRequest(prompt: prompt, options: .greedy, version: version)
        return try await engine.complete(request).answers[0].text
    }

    @Test func itHearsWhatTheModelMishearsAndLeavesWhatIsTypedAsItWas() async throws {
        let closed = try EngineTests.model.get().version(fromPEFT: CordNano.closedAdapter, id: CordNano.closedName)
        for text in [
            "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?",
            "What is the largest of 14, 69, 45?", "It is October now. What month was it 5 months ago?",
        ] {
            let before = try await answer([.text(text)], nil)
            #expect(try await answer([.text(text)], closed) == before)
        }
        // "Which is the largest of 14, 52 and 31?"
        let spoken: [HeardMessage.Part] = [.audio(try EngineTests.clip("largest"))]
        #expect(try await answer(spoken, nil).hasSuffix("The answer is 61."))
        #expect(try await answer(spoken, closed) == "52, 31, 14. The answer is 52.")
    }
}
