/// The response of `POST /v1/answers`.

/// An answer, with its final part separated from the reasoning that led to it.
package struct Answer: Codable, Equatable, Sendable {
    package var id: String
    package var object = "answer"
    package var created: Int
    package var model: String
    package var weightVersion: String
    /// The final answer; null if none was recognised.
    @Nullable package var answer: String?
    /// The text before the final answer.
    package var reasoning: String
    /// The whole text, as generated.
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
    /// The text to append.
    package var text: String

    package init(id: String, text: String) { (self.id, self.text) = (id, text) }
}
