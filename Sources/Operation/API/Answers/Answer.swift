/// What `POST /v1/answers` answers.

/// The answer apart from the reasoning that led to it.
package struct Answer: Codable, Equatable, Sendable {
    package var id: String
    package var object = "answer"
    package var created: Int
    package var model: String
    package var weightVersion: String
    /// The final answer; null where none could be made out.
    @Nullable package var answer: String?
    /// What came before it.
    package var reasoning: String
    /// Both, as generated.
    package var text: String
    package var finishReason: FinishReason
    package var usage: Usage
    package var cord: CordExtension

    package init(
        id: String, created: Int, model: String, weightVersion: String, answer: String? = nil, reasoning: String, text: String,
        finishReason: FinishReason, usage: Usage, cord: CordExtension
    ) {
        (self.id, self.created, self.model, self.weightVersion) = (id, created, model, weightVersion)
        (self.answer, self.reasoning, self.text, self.finishReason) = (answer, reasoning, text, finishReason)
        (self.usage, self.cord) = (usage, cord)
    }
}

/// One event of a streamed answer; the last event is the whole ``Answer``.
package struct AnswerChunk: Codable, Equatable, Sendable {
    package var id: String
    package var object = "answer.chunk"
    /// To append.
    package var text: String

    package init(id: String, text: String) { (self.id, self.text) = (id, text) }
}
