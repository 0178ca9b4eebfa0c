import Foundation
package import Questions

/// A question to be spoken; one line of a JSONL file of questions. Unknown members are left out.
package struct SpokenText: Sendable, Codable, Equatable {
    package let id: String
    package let text: String
    package let answer: String?
    package let task: String?
    package let category: String?
    package let choices: [String]?
    package let solution: String?
    /// Steps of reasoning that the question takes.
    package let depth: Int?

    package init(
        id: String, text: String, answer: String? = nil, task: String? = nil, category: String? = nil,
        choices: [String]? = nil, solution: String? = nil, depth: Int? = nil
    ) {
        self.id = id
        self.text = text
        self.answer = answer
        self.task = task
        self.category = category
        self.choices = choices
        self.solution = solution
        self.depth = depth
    }

    package init(_ question: Question) {
        self.init(
            id: question.id, text: question.text, answer: question.answer, task: question.task.rawValue,
            category: question.family.rawValue, choices: question.choices, solution: question.solution, depth: question.depth)
    }
}

/// One line of a spoken set's `manifest.jsonl`.
package struct SpokenItem: Sendable, Codable, Equatable {
    /// The question's identifier and the voice's.
    package let id: String
    /// The question's identifier, shared by all of its voices: the cluster of a paired test.
    package let question: String
    /// The sound file, relative to the manifest.
    package let audio: String
    package let text: String
    package let answer: String?
    package let task: String?
    package let category: String?
    package let choices: [String]?
    package let solution: String?
    package let depth: Int?
    package let voice: String
    package let seconds: Double
    /// The digest of the sound file.
    package let sha256: String
}
