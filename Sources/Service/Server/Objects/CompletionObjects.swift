package import API

/// The response of `POST /v1/completions`. A streamed event has the same form.
package struct TextCompletion: Codable, Equatable, Sendable {
    package var id: String
    package var object = "text_completion"
    /// Unix seconds.
    package var created: Int
    package var model: String
    /// In a stream: the addition to one choice.
    package var choices: [TextChoice]
    /// In a stream: set in the last event, or in each one if requested.
    package var usage: Usage?
    package var systemFingerprint: String?
    package var cord: CordExtension?
}

/// One continuation. Those of prompt p have the indices p · n to p · n + n − 1.
package struct TextChoice: Codable, Equatable, Sendable {
    package var index: Int
    package var text: String
    @Nullable package var logprobs: TextLogprobs? = nil
    @Nullable package var finishReason: FinishReason? = nil
}

/// Log-probabilities in the form of OpenAI's completions: parallel lists with one element per token.
package struct TextLogprobs: Codable, Equatable, Sendable {
    /// A token that is not valid text by itself is written as `bytes:\xe2\x82`.
    package var tokens: [String] = []
    /// Null for the first token of a prompt, which has no predecessor.
    package var tokenLogprobs: [Double?] = []
    /// The likeliest tokens at each position, including the token itself.
    package var topLogprobs: [[String: Double]?] = []
    /// The offset of each token in `text`, in Unicode scalars.
    package var textOffset: [Int] = []

    init() {}
}

/// The response of `POST /v1/score`.
package struct Score: Codable, Equatable, Sendable {
    package var id: String
    package var object = "score"
    package var created: Int
    package var model: String
    /// In the order of the request.
    package var data: [ContinuationScore]
    /// `prompt_tokens` counts the prompt once, plus all continuations.
    package var usage: Usage
    package var systemFingerprint: String?
    package var cord: CordExtension?
}

/// The score of one continuation.
package struct ContinuationScore: Codable, Equatable, Sendable {
    package var index: Int
    /// The sum over the continuation's tokens.
    package var logprob: Double
    /// Whether every token is the likeliest in its place.
    package var isGreedy: Bool
    package var tokens: [TokenLogprob]
}
