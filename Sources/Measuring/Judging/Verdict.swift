/// What a judge says of one response.
package struct Verdict: Sendable, Equatable, Codable {
    package enum Outcome: String, Sendable, Codable {
        case equal
        case different
        /// No answer could be read, from the response or from the judge; never counted as equal.
        case unreadable
    }

    package let outcome: Outcome
    /// The rule that decided, with both answers as it read them.
    package let reason: String
    /// The answer read from the response, normalised.
    package let answer: String?

    package init(outcome: Outcome, reason: String, answer: String? = nil) {
        self.outcome = outcome
        self.reason = reason
        self.answer = answer
    }

    package var isEqual: Bool { outcome == .equal }
    /// The reward of a rollout: 1 or 0.
    package var reward: Float { isEqual ? 1 : 0 }
}
