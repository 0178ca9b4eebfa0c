import Foundation
package import Remote

/// A language model that says whether two answers are the same: the served model itself or a remote one.
///
/// A reply that holds no verdict is asked for once more, then counts as unreadable.
package struct ModelJudge: Sendable {
    package let rubric: Rubric
    package let name: String
    private let complete: @Sendable (String) async throws -> String

    /// - Parameter complete: the model's reply to a prompt, greedy.
    package init(
        name: String, rubric: Rubric = .standard, complete: @escaping @Sendable (String) async throws -> String
    ) {
        self.name = name
        self.rubric = rubric
        self.complete = complete
    }

    /// A model behind an OpenAI-compatible endpoint.
    package init(endpoint: Endpoint, model: String, rubric: Rubric = .standard) {
        self.init(name: "\(model) at \(endpoint.base.absoluteString)", rubric: rubric) { prompt in
            try await endpoint.chat(model: model, prompt: prompt)
        }
    }

    /// Throws what the model throws: a judge that cannot be reached has no opinion, and whether that stops a run or costs
    /// one item is its caller's decision.
    package func verdict(question: String? = nil, response: String, reference: String) async throws -> Verdict {
        let prompt = rubric.prompt(question: question, response: response, reference: reference)
        let first = rubric.verdict(of: try await complete(prompt))
        guard first.outcome == .unreadable else { return first }
        return rubric.verdict(of: try await complete(prompt + "\n\nVerdict (yes or no):"))
    }

    /// The verdict on what both texts say outside their reasoning, as rewards need it; unreadable, without asking, where one of them says nothing.
    package func verdictOnSaid(question: String? = nil, response: String, reference: String) async throws -> Verdict {
        let (given, wanted) = (VisibleText(response), VisibleText(reference))
        if given.isOnlyReasoning || wanted.isOnlyReasoning {
            return Verdict(outcome: .unreadable, reason: "the \(wanted.isOnlyReasoning ? "reference" : "response") is reasoning alone")
        }
        return try await verdict(question: question, response: given.said, reference: wanted.said)
    }

    /// How good a response is, from 1 to 5, without a reference; a reply without a score is asked for once more as well.
    package func rating(question: String, response: String, by rubric: RatingRubric = .standard) async throws -> Rating {
        let prompt = rubric.prompt(question: question, response: response)
        let first = rubric.rating(of: try await complete(prompt))
        guard first.score == nil else { return first }
        return rubric.rating(of: try await complete(prompt + "\n\nScore (1 to 5):"))
    }
}
