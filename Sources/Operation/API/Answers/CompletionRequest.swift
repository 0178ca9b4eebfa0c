/// The request of `POST /v1/completions`: texts or token ids that the model continues as they are, without the chat format.
package struct CompletionRequest: WireObject, Equatable, Sendable {
    /// OpenAI's default for `max_tokens`.
    private static let defaultTokens = 16

    package var model: String?
    /// Each prompt is continued separately.
    package var prompts: [PromptField]
    package var sampling: SamplingFields
    package var controls: TokenControls
    /// The number of continuations per prompt.
    package var n: Int
    /// Whether each answer starts with its prompt, which is scored if `logprobs` is set.
    package var echo: Bool
    /// Alternatives per token; nil for no log-probabilities.
    package var logprobs: Int?
    package var stream: Bool
    package var streamOptions: StreamOptions?

    package init(_ fields: Fields) throws {
        model = try fields.model()
        prompts = try fields.required("prompt", PromptField.expected + ", or an array of such", as: PromptField.Several.self).prompts
        guard !prompts.isEmpty else { throw fields.invalid("prompt", expected: "at least one prompt") }
        echo = try fields.flag("echo") ?? false
        sampling = try SamplingFields(fields, leastTokens: echo ? 0 : 1)
        sampling.maxCompletionTokens = sampling.maxCompletionTokens ?? Self.defaultTokens
        controls = try TokenControls(fields, maxTokens: sampling.maxCompletionTokens)
        n = try fields.integer("n", in: 1...128) ?? 1
        logprobs = try fields.integer("logprobs", in: 0...20)
        stream = try fields.flag("stream") ?? false
        streamOptions = try fields.optional("stream_options", "an object")
        if streamOptions != nil, !stream { throw fields.invalid("stream_options", expected: "nothing where `stream` is not true") }
        let missing = "it would change the answer and this server does not have it"
        try fields.accept("best_of", [.integer(n)], because: "as many are computed as are answered")
        try fields.refuse("suffix", "prompt_embeds", because: missing)
        try fields.acceptDefaults(because: missing)
        fields.ignoreBookkeeping()
    }
}

/// A text, or token ids.
package enum PromptField: Decodable, Equatable, Sendable {
    case text(String)
    case tokens([Int])

    static let expected = "a string or an array of token ids"

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let tokens = try? container.decode([Int].self) {
            self = .tokens(tokens)
        } else {
            let found = (try? container.decode(WireValue.self))?.summary ?? "a number out of range"
            throw WireError(
                "\(pathText(decoder.codingPath)): expected \(Self.expected); found \(found).", param: pathText(decoder.codingPath),
                code: "invalid_type")
        }
    }

    /// One prompt, or an array of prompts. An array of numbers is one prompt.
    struct Several: Decodable {
        let prompts: [PromptField]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                prompts = [.text(text)]
            } else if let tokens = try? container.decode([Int].self), !tokens.isEmpty {
                prompts = [.tokens(tokens)]
            } else {
                prompts = try container.decode([PromptField].self)
            }
        }
    }
}

/// The request of `POST /v1/score`: a prompt, and continuations to score after it.
package struct ScoreRequest: WireObject, Equatable, Sendable {
    package enum Prompt: Equatable, Sendable {
        /// A conversation, rendered by the chat format up to the start of the answer.
        case messages([ChatMessage])
        /// A prompt used as it is.
        case raw(PromptField)
    }

    package var model: String?
    package var prompt: Prompt
    /// Each continuation is scored directly after the prompt, as it is.
    package var continuations: [PromptField]
    /// Alternatives per token, at most 20.
    package var topLogprobs: Int

    package init(_ fields: Fields) throws {
        model = try fields.model()
        let messages: [ChatMessage]? = try fields.list("messages", 1...Int.max, "messages")
        let raw: PromptField? = try fields.optional("prompt", PromptField.expected)
        switch (messages, raw) {
        case (let messages?, nil): prompt = .messages(messages)
        case (nil, let raw?): prompt = .raw(raw)
        case (nil, nil): throw fields.missing("messages", "`messages`, or a `prompt` that is continued as it stands")
        case (_?, _?): throw fields.invalid("prompt", expected: "nothing beside `messages`")
        }
        continuations = try fields.required("continuations", "an array of strings or of arrays of token ids")
        guard (1...1024).contains(continuations.count) else { throw fields.invalid("continuations", expected: "1 to 1024 continuations") }
        topLogprobs = try fields.integer("top_logprobs", in: 0...20) ?? 0
        fields.ignoreBookkeeping()
    }
}
