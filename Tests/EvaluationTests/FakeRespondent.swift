import Evaluation
import Foundation
import Synchronization

extension QuestionSet.Clip {
    /// The file of a clip that is one.
    var place: URL { if case .file(let place) = self { place } else { preconditionFailure("the clip lies in its row") } }
}

/// Answers by a rule, counts, and fails where it is told to.
final class FakeRespondent: Respondent {
    struct Gone: Error {}

    private let asked = Mutex<[(question: Asking, draft: [Int32])]>([])
    private let answer: @Sendable (Asking) throws -> String
    private let patience: Int
    let usesDrafts: Bool

    /// - Parameters:
    ///   - patience: after so many questions every other one fails.
    ///   - usesDrafts: whether replies are drafts of others: their characters.
    init(patience: Int = .max, usesDrafts: Bool = false, _ answer: @escaping @Sendable (Asking) throws -> String) {
        self.patience = patience
        self.usesDrafts = usesDrafts
        self.answer = answer
    }

    var questions: [Asking] { asked.withLock { $0.map(\.question) } }
    var drafted: [(question: Asking, draft: [Int32])] { asked.withLock { $0 } }

    func reply(to question: Asking, seed: UInt64, draft: [Int32]) async throws -> Reply {
        let count = asked.withLock { asked in
            asked.append((question, draft))
            return asked.count
        }
        if count > patience { throw Gone() }
        let text = try answer(question)
        return Reply(text: text, tokens: 3, seconds: 0, draft: usesDrafts ? text.unicodeScalars.map { Int32($0.value) } : [])
    }

    func divergence(clip: QuestionSet.Clip, text: String, seed: UInt64) async throws -> [TokenDivergence]? {
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
