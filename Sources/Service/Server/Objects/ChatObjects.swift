package import API

/// The response of `POST /v1/chat/completions`: OpenAI's objects, with the `cord` extension.

/// A whole answer.
package struct ChatCompletion: Codable, Equatable, Sendable {
    package var id: String
    package var object = "chat.completion"
    /// Unix seconds.
    package var created: Int
    package var model: String
    package var choices: [ChatChoice]
    package var usage: Usage
    /// vLLM's: for each token of the prompt, that token and the likeliest ones in its place, by id. Null for the first token and for audio slots.
    package var promptLogprobs: [[String: PromptLogprob]?]?
    package var systemFingerprint: String?
    package var cord: CordExtension?
}

/// A token of the prompt, or an alternative in its place.
package struct PromptLogprob: Codable, Equatable, Sendable {
    package var logprob: Double
    /// The token's rank, 1 for the likeliest; null if it is not among the alternatives reported.
    @Nullable package var rank: Int? = nil
    package var decodedToken: String
}

/// One of the `n` answers.
package struct ChatChoice: Codable, Equatable, Sendable {
    package var index: Int
    package var message: AssistantMessage
    @Nullable package var finishReason: FinishReason? = nil
    @Nullable package var logprobs: ChoiceLogprobs? = nil
}

/// The assistant's message.
package struct AssistantMessage: Codable, Equatable, Sendable {
    package var role = "assistant"
    /// Null if the message only calls tools.
    @Nullable package var content: String? = nil
    /// The reasoning before the content, if the model marks it.
    package var reasoningContent: String?
    /// Absent if there are no calls.
    package var toolCalls: [ToolCall]?
    /// Always null; OpenAI's clients expect the member.
    @Nullable package var refusal: String? = nil
}

/// One event of a streamed answer. The last one may carry `usage` without choices.
package struct ChatCompletionChunk: Codable, Equatable, Sendable {
    package var id: String
    package var object = "chat.completion.chunk"
    package var created: Int
    package var model: String
    package var choices: [ChatChunkChoice]
    /// Absent if usage was not requested; otherwise null in every chunk but the last.
    package var usage: Nullable<Usage>?
    package var systemFingerprint: String?
    package var cord: CordExtension?
}

/// The addition to one of the answers.
package struct ChatChunkChoice: Codable, Equatable, Sendable {
    package var index: Int
    package var delta: ChatDelta
    @Nullable package var finishReason: FinishReason? = nil
    @Nullable package var logprobs: ChoiceLogprobs? = nil
}

/// Text to append. The first delta of an answer carries the role.
package struct ChatDelta: Codable, Equatable, Sendable {
    package var role: String?
    package var content: String?
    /// Reasoning, which comes before `content`.
    package var reasoningContent: String?
    package var toolCalls: [ToolCallDelta]?
}

/// Log-probabilities of the tokens of an answer, in order.
package struct ChoiceLogprobs: Codable, Equatable, Sendable {
    package var content: [TokenLogprob]
    @Nullable package var refusal: [TokenLogprob]? = nil
}

/// A sampled token, with the likeliest tokens in its place.
package struct TokenLogprob: Codable, Equatable, Sendable {
    package var token: String
    /// The natural logarithm of the probability.
    package var logprob: Double
    package var bytes: [UInt8]
    package var topLogprobs: [TopLogprob]
}

/// A candidate token.
package struct TopLogprob: Codable, Equatable, Sendable {
    package var token: String
    package var logprob: Double
    package var bytes: [UInt8]
}

/// Token counts of the prompt and the answer.
package struct Usage: Codable, Equatable, Sendable {
    package var promptTokens: Int
    package var completionTokens: Int
    package var totalTokens: Int
    package var promptTokensDetails: PromptTokensDetails?
    package var completionTokensDetails: CompletionTokensDetails?
}

/// The composition of the prompt: `audio_tokens + text_tokens` equals `prompt_tokens`. `cached_tokens` of them were reused from the cache.
package struct PromptTokensDetails: Codable, Equatable, Sendable {
    package var audioTokens: Int
    package var cachedTokens: Int
    package var textTokens: Int?
}

/// The composition of the answer.
package struct CompletionTokensDetails: Codable, Equatable, Sendable {
    package var audioTokens = 0
    package var reasoningTokens: Int
}

/// A streamed addition to a call: first its id and name, then its arguments piece by piece.
package struct ToolCallDelta: Codable, Equatable, Sendable {
    package struct Function: Codable, Equatable, Sendable {
        package var name: String?
        package var arguments: String
    }

    /// The index of the call within its answer.
    package var index: Int
    package var id: String?
    package var type: String?
    package var function: Function

    init(index: Int, id: String, name: String) {
        (self.index, self.id) = (index, id)
        type = "function"
        function = Function(name: name, arguments: "")
    }

    init(index: Int, arguments: String) {
        self.index = index
        function = Function(arguments: arguments)
    }
}
