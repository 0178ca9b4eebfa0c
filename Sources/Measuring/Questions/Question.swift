import Randomness

/// One reasoning question with its worked solution: what the embedded model is trained on and measured with.
package struct Question: Sendable, Equatable, Codable {
    /// `family-` and sixteen hexadecimal digits of the text's ``StableHash``: equal texts have equal identifiers.
    package let id: String
    package let family: QuestionFamily
    package let task: AnswerTask
    /// The typed question, which is also the spoken text.
    package let text: String
    /// A short chain of thought that ends in "The answer is X."
    package let solution: String
    /// X.
    package let answer: String
    /// The options behind the letters A, B, … of a multiple-choice question.
    package let choices: [String]?
    /// Steps of reasoning that a deep family's question takes; nil of a plain family's.
    package let depth: Int?

    package var split: QuestionSplit { QuestionSplit(text: text) }

    init(
        family: QuestionFamily, task: AnswerTask, text: String, steps: String, answer: String, choices: [String]? = nil, depth: Int? = nil
    ) {
        self.init(
            family: family, task: task, text: text, solution: "\(steps) The answer is \(answer).", answer: answer, choices: choices,
            depth: depth)
    }

    init(
        family: QuestionFamily, task: AnswerTask, text: String, solution: String, answer: String, choices: [String]? = nil, depth: Int?
    ) {
        let digits = String(StableHash.of(text), radix: 16)
        id = "\(family.rawValue)-" + String(repeating: "0", count: 16 - digits.count) + digits
        self.family = family
        self.task = task
        self.text = text
        self.answer = answer
        self.choices = choices
        self.depth = depth
        self.solution = solution
    }

    /// The same question in other words.
    func put(_ text: String) -> Question {
        Question(family: family, task: task, text: text, solution: solution, answer: answer, choices: choices, depth: depth)
    }
}

package enum QuestionFamily: String, Sendable, Codable, CaseIterable {
    case arithmetic, ordering, calendar, lists, facts, comparisons
    case chains, columns, owners, derived, agenda, shopping, legs, unanswerable, sums
    /// No training sees it.
    case travel

    /// The families of cord-bench-1: one to three steps, in few words.
    package static let plain: [QuestionFamily] = [.arithmetic, .ordering, .calendar, .lists, .facts, .comparisons]
    /// The families with a selectable depth.
    package static let deep: [QuestionFamily] = [.chains, .columns, .owners, .derived, .agenda, .shopping, .legs, .unanswerable, .sums]
}

/// The kind of answer that a question asks for, by the names of answer types.
package enum AnswerTask: String, Sendable, Codable, CaseIterable {
    case number, letter, day, month, phrase
    case yesNo = "yes_no"
    /// Whether the question is declined: "refused".
    case refusal
}

/// The part of the question space that a text belongs to, by its hash alone: no list of held-out questions is kept, and no
/// seed can carry a text from one part to another.
///
///     hash(text) mod 100:   0–9 test,   10–19 development,   20–99 training
package enum QuestionSplit: String, Sendable, Codable, CaseIterable {
    case training = "train"
    case development = "dev"
    case test

    package init(text: String) {
        switch StableHash.of(text) % 100 {
        case 0...9: self = .test
        case 10...19: self = .development
        default: self = .training
        }
    }
}
