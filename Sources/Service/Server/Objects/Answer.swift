package import API

/// The response of `POST /v1/answers`.

/// An answer, with its final part separated from the reasoning that led to it.
package struct Answer: Codable, Equatable, Sendable {
    package var id: String
    package var object = "answer"
    package var created: Int
    package var model: String
    package var weightVersion: String
    /// The final answer; null if none was recognised.
    @Nullable package var answer: String? = nil
    /// The text before the final answer.
    package var reasoning: String
    /// The whole text, as generated.
    package var text: String
    package var finishReason: FinishReason
    package var usage: Usage
    package var cord: CordExtension
}

/// One event of a streamed answer; the last event is the whole ``Answer``.
package struct AnswerChunk: Codable, Equatable, Sendable {
    package var id: String
    package var object = "answer.chunk"
    /// The text to append.
    package var text: String
}
