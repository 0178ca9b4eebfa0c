package import API

/// The extension `cord` of every answer: the weights that answered, the audio they heard, and how long it took.

/// The member `cord` of an answer.
package struct CordExtension: Codable, Equatable, Sendable {
    package var weightVersion: String
    /// In the order of the prompt.
    package var audio: [HeardAudio]
    package var timings: Timings
    /// The seed of the random stream that drew the tokens. Sending it back reproduces the answer.
    package var seed: Int?
    /// Request members that the model does not use, such as `reasoning_effort` if its chat template has no such variable.
    package var ignored: [String]?
    /// In chats: for each answer that announces its final answer at its end, its two parts.
    package var answers: [AnswerParts]?
}

/// An answer split into the final answer that it announces at its end and the reasoning before it.
package struct AnswerParts: Codable, Equatable, Sendable {
    /// The index of the choice.
    package var index: Int
    package var answer: String
    package var reasoning: String
}

/// Durations in seconds.
package struct Timings: Codable, Equatable, Sendable {
    /// Time spent waiting for a place in the batch.
    package var queue: Double
    /// Time spent on decoding, resampling, log-mel and the encoder.
    package var audio: Double
    package var prefill: Double
    package var decode: Double
    /// Time from the request's arrival to the first token.
    package var firstToken: Double
    package var total: Double
}
