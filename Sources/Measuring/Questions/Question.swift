import Randomness

/// One reasoning question with its worked solution: what the embedded model is trained on and measured with.
package struct Question: Sendable, Equatable, Codable {
    /// `family-` and sixteen hexadecimal digits of the text's ``StableHash``: equal texts have equal identifiers.
    package let id: String
    package let family: QuestionFamily
    package let task: AnswerTask
    /// As typed; spoken as it stands.
    package let text: String
    /// A short chain of thought that ends in "The answer is X."
    package let solution: String
    /// X.
    package let answer: String
    /// The options behind the letters A, B, … of a multiple-choice question.
    package let choices: [String]?

    package var split: QuestionSplit { QuestionSplit(text: text) }

    init(
        family: QuestionFamily, task: AnswerTask, text: String, steps: String, answer: String, choices: [String]? = nil
    ) {
        let digits = String(StableHash.of(text), radix: 16)
        id = "\(family.rawValue)-" + String(repeating: "0", count: 16 - digits.count) + digits
        self.family = family
        self.task = task
        self.text = text
        self.answer = answer
        self.choices = choices
        solution = "\(steps) The answer is \(answer)."
    }
}

package enum QuestionFamily: String, Sendable, Codable, CaseIterable {
    case arithmetic, ordering, calendar, lists, facts, comparisons
}

/// What kind of answer a question asks for, in the words that an answer match understands.
package enum AnswerTask: String, Sendable, Codable, CaseIterable {
    case number, letter, day, month, phrase
    case yesNo = "yes_no"
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
