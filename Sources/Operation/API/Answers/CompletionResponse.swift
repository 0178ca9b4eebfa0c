/// What `POST /v1/completions` answers, whole or as the events of a stream, which have the same form.
package struct TextCompletion: Codable, Equatable, Sendable {
    package var id: String
    package var object = "text_completion"
    /// Unix seconds.
    package var created: Int
    package var model: String
    /// In a stream: what was added to one of them.
    package var choices: [TextChoice]
    /// In a stream: of the last event, or of each, where it was asked for.
    package var usage: Usage?
    package var systemFingerprint: String?
    package var cord: CordExtension?

    package init(
        id: String, created: Int, model: String, choices: [TextChoice], usage: Usage? = nil, systemFingerprint: String? = nil,
        cord: CordExtension? = nil
    ) {
        (self.id, self.created, self.model, self.choices, self.usage) = (id, created, model, choices, usage)
        (self.systemFingerprint, self.cord) = (systemFingerprint, cord)
    }
}

/// A continuation of one of the prompts: of prompt p, number p · n and those after it.
package struct TextChoice: Codable, Equatable, Sendable {
    package var index: Int
    package var text: String
    @Nullable package var logprobs: TextLogprobs?
    @Nullable package var finishReason: FinishReason?

    package init(index: Int, text: String, logprobs: TextLogprobs? = nil, finishReason: FinishReason? = nil) {
        (self.index, self.text, self.logprobs, self.finishReason) = (index, text, logprobs, finishReason)
    }
}

/// Log-probabilities as OpenAI's completions tell them: lists side by side, an element a token.
package struct TextLogprobs: Codable, Equatable, Sendable {
    /// A token that is no text by itself is spelled `bytes:\xe2\x82`.
    package var tokens: [String] = []
    /// Null for the first token of a prompt, which follows nothing.
    package var tokenLogprobs: [Double?] = []
    /// The likeliest in each place, with the token itself.
    package var topLogprobs: [[String: Double]?] = []
    /// Where each token begins in `text`, in characters (Unicode scalars).
    package var textOffset: [Int] = []

    package init() {}
}

/// What `POST /v1/score` answers.
package struct Score: Codable, Equatable, Sendable {
    package var id: String
    package var object = "score"
    package var created: Int
    package var model: String
    /// In the order of the request.
    package var data: [ContinuationScore]
    /// `prompt_tokens` are those of the prompt, once, and of all continuations.
    package var usage: Usage
    package var systemFingerprint: String?
    package var cord: CordExtension?

    package init(id: String, created: Int, model: String, data: [ContinuationScore], usage: Usage, systemFingerprint: String?, cord: CordExtension?) {
        (self.id, self.created, self.model, self.data, self.usage) = (id, created, model, data, usage)
        (self.systemFingerprint, self.cord) = (systemFingerprint, cord)
    }
}

/// How likely one continuation is.
package struct ContinuationScore: Codable, Equatable, Sendable {
    package var index: Int
    /// Of the whole continuation: the sum over its tokens.
    package var logprob: Double
    /// Whether each token is the likeliest in its place.
    package var isGreedy: Bool
    package var tokens: [TokenLogprob]

    package init(index: Int, logprob: Double, isGreedy: Bool, tokens: [TokenLogprob]) {
        (self.index, self.logprob, self.isGreedy, self.tokens) = (index, logprob, isGreedy, tokens)
    }
}
