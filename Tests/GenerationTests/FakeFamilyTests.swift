import Audio
import FakeModel
import Foundation
import Generation
import TestSupport
import Testing

/// The engine over a family that this package does not serve: it knows of a family what the boundary says.
@Suite struct FakeFamilyTests {
    static let model = Result { try FakeFamily.model() }

    static func prompt(_ parts: HeardMessage.Part...) throws -> Prompt { try model.get().prompt([HeardMessage(role: "user", parts: parts)]) }

    /// Noise, as long as asked.
    static func clip(seconds: Double) -> AudioClip {
        var random = SplitMix(seed: 3)
        return AudioClip(samples: (0..<Int(seconds * 16_000)).map { _ in Float.random(in: -0.3...0.3, using: &random) })
    }

    @Test(arguments: [("x", "yz"), ("7", "89"), ("a day in m", "nopqrstuvwxyz"), ("why?", ""), ("z", "")])
    func aTypedQuestionIsAnswered(question: String, answer: String) async throws {
        let request = GenerationRequest(prompt: try Self.prompt(.text(question)), options: .greedy)
        let whole = try await Engine(Self.model.get()).complete(request).answers[0]
        #expect(whole.text == answer && whole.finishReason == .stop)
    }

    @Test(arguments: [0.2, 1.5, 29]) func aClipIsHeard(seconds: Double) async throws {
        let prompt = try Self.prompt(.text("what is "), .audio(Self.clip(seconds: seconds)))
        #expect(prompt.clips.count == 1 && prompt.clips[0].slots.count == Int(seconds * 25))
        let request = GenerationRequest(prompt: prompt, options: .greedy)
        #expect(try await Engine(Self.model.get()).complete(request).answers[0].text == "456789")
    }
}
