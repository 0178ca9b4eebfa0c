/// The request of `POST /v1/chat/completions`: OpenAI's, with the sampling members that vLLM adds.
package struct ChatCompletionRequest: WireObject, Equatable, Sendable {
    /// The served model if absent.
    package var model: String?
    package var messages: [ChatMessage]
    package var sampling: SamplingFields
    package var controls = TokenControls()
    /// The number of answers.
    package var n = 1
    package var stream = false
    package var streamOptions: StreamOptions?
    package var logprobs = false
    /// Alternatives per token, at most 20; needs `logprobs`.
    package var topLogprobs = 0
    package var responseFormat = ResponseFormat.text
    /// vLLM's way to constrain the form of an answer.
    package var structuredOutputs: StructuredOutputs?
    /// vLLM's: the number of alternatives for each token of the prompt; nil for no log-probabilities of the prompt.
    package var promptLogprobs: Int?
    /// Used by chat templates that know it. Otherwise it is ignored, and the answer lists it as ignored.
    package var reasoningEffort: ReasoningEffort?
    /// No model here uses it; the answer lists it as ignored.
    package var verbosity: Verbosity?
    package var tools = ToolFields()

    package init(_ fields: Fields) throws {
        model = try fields.model()
        messages = try fields.requiredList("messages", 1...Int.max, "messages")
        try ChatMessage.checkCalls(messages, at: fields.place("messages"))
        sampling = try SamplingFields(fields)
        controls = try TokenControls(fields, maxTokens: sampling.maxCompletionTokens)
        n = try fields.integer("n", in: 1...128) ?? 1
        stream = try fields.flag("stream") ?? false
        streamOptions = try fields.optional("stream_options", "an object")
        if streamOptions != nil, !stream {
            throw fields.invalid("stream_options", expected: "nothing where `stream` is not true")
        }
        logprobs = try fields.flag("logprobs") ?? false
        topLogprobs = try fields.integer("top_logprobs", in: 0...20) ?? 0
        if topLogprobs > 0, !logprobs {
            throw fields.invalid("top_logprobs", expected: "0 where `logprobs` is not true")
        }
        promptLogprobs = try fields.integer("prompt_logprobs", in: 0...20)
        if promptLogprobs != nil, stream { throw fields.invalid("prompt_logprobs", expected: "nothing where `stream` is true") }
        reasoningEffort = try fields.choice("reasoning_effort")
        verbosity = try fields.choice("verbosity")
        responseFormat = try fields.optional("response_format", "an object with a `type`") ?? .text
        structuredOutputs = try fields.optional("structured_outputs", "an object")
        if structuredOutputs != nil, responseFormat != .text {
            throw fields.invalid("structured_outputs", expected: "nothing beside a `response_format`")
        }
        if let modalities: [String] = try fields.optional("modalities", "an array of strings"), modalities != ["text"] {
            throw fields.invalid("modalities", expected: "[\"text\"], the only kind of answer this server gives")
        }
        tools = try ToolFields(fields)
        if tools.choice != .none, structuredOutputs != nil {
            throw fields.invalid("structured_outputs", expected: "nothing beside `tools`, unless `tool_choice` is \"none\"")
        }
        try fields.refuse("functions", because: "`tools` has taken its place")
        try fields.accept("function_call", ["none", "auto"], because: "`tool_choice` has taken its place")
        try fields.refuse("audio", because: "this server answers in text")
        let missing = "it would change the answer and this server does not have it"
        try fields.refuse("prediction", "web_search_options", "moderation", because: missing)
        try fields.accept("echo", [false], because: missing)
        try fields.accept("best_of", [1], because: missing)
        try fields.acceptDefaults(because: missing)
        fields.ignoreBookkeeping()
    }
}

package struct StreamOptions: WireObject, Equatable, Sendable {
    /// Whether a final chunk without choices carries the usage.
    package var includeUsage: Bool
    /// Whether every chunk carries the usage so far.
    package var continuousUsageStats: Bool

    package init(_ fields: Fields) throws {
        includeUsage = try fields.flag("include_usage") ?? false
        continuousUsageStats = try fields.flag("continuous_usage_stats") ?? false
        fields.ignore("include_obfuscation")
    }
}

/// `structured_outputs`, vLLM's constraint on the form of an answer.
package enum StructuredOutputs: WireObject, Equatable, Sendable {
    case choice([String])
    /// A regular expression that the whole answer must match.
    case regex(String)
    /// A context-free grammar; the whole answer must derive from its rule `root`.
    case grammar(String)
    case jsonObject
    /// A JSON schema, or the text of one. The order of its members matters and must be read from the request's own bytes.
    case json(WireValue)

    package init(_ fields: Fields) throws {
        try fields.refuse("structural_tag", because: "answers take the form of a schema, an expression, a grammar or a choice")
        fields.ignore("disable_fallback", "disable_any_whitespace", "disable_additional_properties", "whitespace_pattern")
        var forms: [StructuredOutputs] = []
        if let texts: [String] = try fields.optional("choice", "an array of texts") {
            guard (1...4096).contains(texts.count), !texts.contains("") else {
                throw fields.invalid("choice", expected: "1 to 4096 texts, none of them empty")
            }
            forms.append(.choice(texts))
        }
        if let pattern = try fields.text("regex", maxLength: 1 << 16) { forms.append(.regex(pattern)) }
        if let grammar = try fields.text("grammar", maxLength: 1 << 16) { forms.append(.grammar(grammar)) }
        if try fields.flag("json_object") == true { forms.append(.jsonObject) }
        if let schema: WireValue = try fields.optional("json", "a JSON schema") {
            switch schema {
            case .string, .object: forms.append(.json(schema))
            default: throw fields.invalid("json", expected: "a JSON schema: an object, or its text")
            }
        }
        guard forms.count == 1 else { throw fields.invalid("choice", expected: "one of `choice`, `regex`, `grammar`, `json` and `json_object`") }
        self = forms[0]
    }
}

/// The form that an answer must take.
package enum ResponseFormat: WireObject, Equatable, Sendable {
    case text
    case jsonObject
    case jsonSchema(name: String, schema: WireValue, strict: Bool)

    package init(_ fields: Fields) throws {
        self = try .typed(fields) { try fields.object("json_schema", "an object with `name` and `schema`", Self.jsonSchema) }
    }

    /// Reads `type`; `schema` reads what a schema has beside or below it.
    static func typed(_ fields: Fields, schema: () throws -> ResponseFormat) throws -> ResponseFormat {
        switch try fields.name("type") {
        case "text": .text
        case "json_object": .jsonObject
        case "json_schema": try schema()
        default: throw fields.invalid("type", expected: choices(["text", "json_object", "json_schema"]))
        }
    }

    /// Reads the schema and its name; other routes have them beside `type`.
    static func jsonSchema(_ form: Fields) throws -> ResponseFormat {
        let (name, schema) = (try form.name("name", maxLength: 64), try form.required("schema", "a JSON schema", as: WireValue.self))
        guard case .object = schema else { throw form.invalid("schema", expected: "an object") }
        _ = try form.text("description")
        return .jsonSchema(name: name, schema: schema, strict: try form.flag("strict") ?? false)
    }
}
