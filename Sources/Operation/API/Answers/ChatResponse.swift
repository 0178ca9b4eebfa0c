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

    package init(
        id: String, created: Int, model: String, choices: [ChatChoice], usage: Usage, promptLogprobs: [[String: PromptLogprob]?]? = nil,
        systemFingerprint: String? = nil, cord: CordExtension? = nil
    ) {
        (self.id, self.created, self.model, self.choices, self.usage) = (id, created, model, choices, usage)
        (self.promptLogprobs, self.systemFingerprint, self.cord) = (promptLogprobs, systemFingerprint, cord)
    }
}

/// A token of the prompt, or an alternative in its place.
package struct PromptLogprob: Codable, Equatable, Sendable {
    package var logprob: Double
    /// The token's rank, 1 for the likeliest; null if it is not among the alternatives reported.
    @Nullable package var rank: Int?
    package var decodedToken: String

    package init(logprob: Double, rank: Int?, decodedToken: String) { (self.logprob, self.rank, self.decodedToken) = (logprob, rank, decodedToken) }
}

/// One of the `n` answers.
package struct ChatChoice: Codable, Equatable, Sendable {
    package var index: Int
    package var message: AssistantMessage
    @Nullable package var finishReason: FinishReason?
    @Nullable package var logprobs: ChoiceLogprobs?

    package init(index: Int, message: AssistantMessage, finishReason: FinishReason? = nil, logprobs: ChoiceLogprobs? = nil) {
        (self.index, self.message, self.finishReason, self.logprobs) = (index, message, finishReason, logprobs)
    }
}

/// Why an answer ended: `stop` for a stop string or the model's end token, `length` for a token limit, `tool_calls` for an end after calls.
package enum FinishReason: String, Codable, Sendable {
    case stop, length
    case toolCalls = "tool_calls"
}

/// The assistant's message.
package struct AssistantMessage: Codable, Equatable, Sendable {
    package var role = "assistant"
    /// Null if the message only calls tools.
    @Nullable package var content: String?
    /// The reasoning before the content, if the model marks it.
    package var reasoningContent: String?
    /// Absent if there are no calls.
    package var toolCalls: [ToolCall]?
    /// Always null; OpenAI's clients expect the member.
    @Nullable package var refusal: String?

    package init(content: String?, reasoningContent: String? = nil, toolCalls: [ToolCall]? = nil) {
        (self.content, self.reasoningContent, self.toolCalls) = (content, reasoningContent, toolCalls)
    }
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

    package init(
        id: String, created: Int, model: String, choices: [ChatChunkChoice], usage: Nullable<Usage>? = nil, systemFingerprint: String? = nil,
        cord: CordExtension? = nil
    ) {
        (self.id, self.created, self.model, self.choices, self.usage) = (id, created, model, choices, usage)
        (self.systemFingerprint, self.cord) = (systemFingerprint, cord)
    }
}

/// The addition to one of the answers.
package struct ChatChunkChoice: Codable, Equatable, Sendable {
    package var index: Int
    package var delta: ChatDelta
    @Nullable package var finishReason: FinishReason?
    @Nullable package var logprobs: ChoiceLogprobs?

    package init(index: Int, delta: ChatDelta, finishReason: FinishReason? = nil, logprobs: ChoiceLogprobs? = nil) {
        (self.index, self.delta, self.finishReason, self.logprobs) = (index, delta, finishReason, logprobs)
    }
}

/// Text to append. The first delta of an answer carries the role.
package struct ChatDelta: Codable, Equatable, Sendable {
    package var role: String?
    package var content: String?
    /// Reasoning, which comes before `content`.
    package var reasoningContent: String?
    package var toolCalls: [ToolCallDelta]?

    package init(role: String? = nil, content: String? = nil, reasoningContent: String? = nil, toolCalls: [ToolCallDelta]? = nil) {
        (self.role, self.content, self.reasoningContent, self.toolCalls) = (role, content, reasoningContent, toolCalls)
    }
}

/// Log-probabilities of the tokens of an answer, in order.
package struct ChoiceLogprobs: Codable, Equatable, Sendable {
    package var content: [TokenLogprob]
    @Nullable package var refusal: [TokenLogprob]?

    package init(content: [TokenLogprob]) { self.content = content }
}

/// A sampled token, with the likeliest tokens in its place.
package struct TokenLogprob: Codable, Equatable, Sendable {
    package var token: String
    /// The natural logarithm of the probability.
    package var logprob: Double
    package var bytes: [UInt8]
    package var topLogprobs: [TopLogprob]

    package init(token: String, logprob: Double, bytes: [UInt8], topLogprobs: [TopLogprob] = []) {
        (self.token, self.logprob, self.bytes, self.topLogprobs) = (token, logprob, bytes, topLogprobs)
    }
}

/// A candidate token.
package struct TopLogprob: Codable, Equatable, Sendable {
    package var token: String
    package var logprob: Double
    package var bytes: [UInt8]

    package init(token: String, logprob: Double, bytes: [UInt8]) { (self.token, self.logprob, self.bytes) = (token, logprob, bytes) }
}

/// Token counts of the prompt and the answer.
package struct Usage: Codable, Equatable, Sendable {
    package var promptTokens: Int
    package var completionTokens: Int
    package var totalTokens: Int
    package var promptTokensDetails: PromptTokensDetails?
    package var completionTokensDetails: CompletionTokensDetails?

    package init(
        promptTokens: Int, completionTokens: Int, totalTokens: Int, promptTokensDetails: PromptTokensDetails? = nil,
        completionTokensDetails: CompletionTokensDetails? = nil
    ) {
        (self.promptTokens, self.completionTokens, self.totalTokens) = (promptTokens, completionTokens, totalTokens)
        (self.promptTokensDetails, self.completionTokensDetails) = (promptTokensDetails, completionTokensDetails)
    }
}

/// The composition of the prompt: `audio_tokens + text_tokens` equals `prompt_tokens`. `cached_tokens` of them were reused from the cache.
package struct PromptTokensDetails: Codable, Equatable, Sendable {
    package var audioTokens: Int
    package var cachedTokens: Int
    package var textTokens: Int?

    package init(audioTokens: Int, cachedTokens: Int, textTokens: Int? = nil) {
        (self.audioTokens, self.cachedTokens, self.textTokens) = (audioTokens, cachedTokens, textTokens)
    }
}

/// The composition of the answer.
package struct CompletionTokensDetails: Codable, Equatable, Sendable {
    package var audioTokens = 0
    package var reasoningTokens: Int

    package init(reasoningTokens: Int = 0) { self.reasoningTokens = reasoningTokens }
}
