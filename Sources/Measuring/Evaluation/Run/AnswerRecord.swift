/// One line of a run's progress: an answer to one item in one arm, or the divergence along one item's answer. A run
/// that was interrupted continues from its lines.
package struct AnswerRecord: Codable, Sendable, Equatable {
    package var item: String
    /// The item's second set; nil for the benchmark itself.
    package var set: String?
    package var arm: Arm?
    package var answer: ArmAnswer?
    package var divergence: [TokenDivergence]?

    package init(item: String, arm: Arm, answer: ArmAnswer) {
        self.item = item
        self.arm = arm
        self.answer = answer
    }

    package init(item: String, divergence: [TokenDivergence]) {
        self.item = item
        self.divergence = divergence
    }
}
