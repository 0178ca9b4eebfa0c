import Audio
import CordBench
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

    @Test func itReasonsOverWhatTheModelOnlyHearsAndLeavesWhatIsTypedAsItWas() async throws {
        let closed = try EngineTests.model.get().version(fromPEFT: CordNano.closedAdapter, id: CordNano.closedName)
        for text in [
            "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?",
            "What is the largest of 14, 69, 45?", "It is October now. What month was it 5 months ago?",
        ] {
            let before = try await answer([.text(text)], nil)
            #expect(try await answer([.text(text)], closed) == before)
        }
        // "There are 3 dogs. How many legs are there?", by a voice that no stage heard.
        let file = CordBench.two.directory.appending(path: "audio/legs-f50c4d48b12c2c40_slt-175-50.ogg")
        let clip = try AudioDecoder.decode([UInt8](Data(contentsOf: file)), limits: AudioLimits(maxSeconds: 60))
        #expect(try await answer([.audio(clip)], nil).hasSuffix("The answer is 24."))
        #expect(try await answer([.audio(clip)], closed) == "3 x 4 = 12. The answer is 12.")
    }
}
