import Evaluation
import Foundation
import Synchronization

/// Answers by a rule, counts, and fails where it is told to.
final class FakeRespondent: Respondent {
    struct Gone: Error {}

    private let asked = Mutex<[Asking]>([])
    private let answer: @Sendable (Asking) throws -> String
    private let patience: Int

    /// - Parameter patience: after so many questions every other one fails.
    init(patience: Int = .max, _ answer: @escaping @Sendable (Asking) throws -> String) {
        self.patience = patience
        self.answer = answer
    }

    var questions: [Asking] { asked.withLock { $0 } }

    func reply(to question: Asking, seed: UInt64) async throws -> Reply {
        let count = asked.withLock { asked in
            asked.append(question)
            return asked.count
        }
        if count > patience { throw Gone() }
        return Reply(text: try answer(question), tokens: 3, seconds: 0)
    }

    func divergence(clip: URL, text: String, seed: UInt64) async throws -> [TokenDivergence]? {
        [
            TokenDivergence(item: "", position: 0, token: "a", value: Double(text.count)),
            TokenDivergence(item: "", position: 1, token: "b", value: 0.5),
        ]
    }

    func identity() async throws -> RespondentIdentity {
        RespondentIdentity(
            model: "fake", modelHash: "m", weightVersion: "base", weightVersionHash: "base", promptTemplateHash: "t",
            decoding: ["temperature": "0.0"], machine: "here")
    }
}
