/// One line of a run's progress: an answer to one item in one arm, or the divergence along one item's answer. The lines that a run
/// wrote before it was interrupted are what it continues from.
package struct AnswerRecord: Codable, Sendable, Equatable {
    package var item: String
    /// The second set that the item is of; nil for the benchmark's own.
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
