/// The request of `POST /v1/responses`: OpenAI's, with the sampling members that vLLM adds elsewhere.
///
/// The server stores no responses: each request carries its whole conversation.
package struct ResponsesRequest: WireObject, Equatable, Sendable {
    /// The served model if absent.
    package var model: String?
    /// At least one item. A string is read as one user message.
    package var input: [ResponsesItem]
    /// A system message before the input.
    package var instructions: String?
    package var sampling: SamplingFields
    package var controls: TokenControls
    package var stream: Bool
    package var text: ResponsesText
    package var reasoning: ResponsesReasoning
    /// Alternatives per token, at most 20; nil for no log-probabilities.
    package var logprobs: Int?
    package var include: [ResponsesInclusion]
    package var tools: ToolFields
    /// Returned with the response.
    package var metadata: [String: String]

    package init(_ fields: Fields) throws {
        model = try fields.model()
        input = try fields.required("input", "a string or an array of items", as: TextOrArray<ResponsesItem>.self)
            .elements { .message(ChatMessage(role: .user, text: $0)) }
        guard !input.isEmpty else { throw fields.invalid("input", expected: "at least one item") }
        try ResponsesItem.checkCalls(input, at: fields.place("input"))
        instructions = try fields.text("instructions")
        sampling = try SamplingFields(fields, limit: "max_output_tokens", olderLimit: nil)
        controls = try TokenControls(fields, maxTokens: sampling.maxCompletionTokens)
        stream = try fields.flag("stream") ?? false
        try fields.object("stream_options") { $0.ignore("include_obfuscation") }
        text = try fields.optional("text", "an object") ?? ResponsesText()
        reasoning = try fields.optional("reasoning", "an object") ?? ResponsesReasoning()
        include = try fields.choiceList("include") ?? []
        let alternatives = try fields.integer("top_logprobs", in: 0...20) ?? 0
        logprobs = alternatives > 0 || include.contains(.logprobs) ? alternatives : nil
        metadata = try fields.optional("metadata", "an object of strings") ?? [:]
        tools = try ToolFields(responses: fields)
        try Self.refuse(fields)
    }

    private static func refuse(_ fields: Fields) throws {
        let forgetful = "this server keeps no responses, conversations or prompts"
        let missing = "it would change the answer and this server does not have it"
        try fields.accept("store", [false], because: forgetful)
        try fields.accept("background", [false], because: forgetful)
        try fields.refuse("previous_response_id", "conversation", "prompt", because: forgetful)
        try fields.accept("truncation", ["disabled"], because: "a conversation that is too long is refused, and not cut")
        try fields.refuse("context_management", "moderation", because: missing)
        try fields.acceptDefaults(because: missing)
        fields.ignoreBookkeeping()
        // It only limits calls that a server makes itself.
        fields.ignore("max_tool_calls")
    }
}

/// Optional content of a response.
package enum ResponsesInclusion: String, CaseIterable, Sendable {
    case logprobs = "message.output_text.logprobs"
    /// Meant for clients that cannot read reasoning; here it is returned in the clear.
    case encryptedReasoning = "reasoning.encrypted_content"
    // Output of hosted tools and images, which this server does not have.
    case fileSearch = "file_search_call.results"
    case webSearch = "web_search_call.results"
    case webSources = "web_search_call.action.sources"
    case inputImage = "message.input_image.image_url"
    case computerOutput = "computer_call_output.output.image_url"
    case codeOutputs = "code_interpreter_call.outputs"
}

/// The member `reasoning` of a request and of its response.
package struct ResponsesReasoning: WireObject, Encodable, Equatable, Sendable {
    package enum Summary: String, Codable, CaseIterable, Sendable { case auto, concise, detailed }

    /// Used by chat templates that know it. Otherwise it is ignored, and the response lists it as ignored.
    @Nullable package var effort: ReasoningEffort?
    /// No summary is made: the reasoning is returned whole, and the response says so.
    @Nullable package var summary: Summary?

    package init() {}

    package init(_ fields: Fields) throws {
        effort = try fields.choice("effort")
        let older: Summary? = try fields.choice("generate_summary")
        summary = try fields.choice("summary") ?? older
        let missing = "it would change the answer and this server does not have it"
        try fields.accept("context", ["auto"], because: missing)
        try fields.accept("mode", ["standard"], because: missing)
    }
}

/// The member `text` of a request and of its response: the form of the answer.
package struct ResponsesText: WireObject, Encodable, Equatable, Sendable {
    package var format = ResponseFormat.text
    /// No model here uses it; the response lists it as ignored.
    package var verbosity: Verbosity?

    package init() {}

    package init(_ fields: Fields) throws {
        format = try fields.object("format") { form in try .typed(form) { try .jsonSchema(form) } } ?? format
        verbosity = try fields.choice("verbosity")
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        let form =
            switch format {
            case .text: Form(type: "text")
            case .jsonObject: Form(type: "json_object")
            case .jsonSchema(let name, let schema, let strict): Form(type: "json_schema", name: name, schema: schema, strict: strict)
            }
        try container.encode(form, forKey: .format)
        try container.encodeIfPresent(verbosity, forKey: .verbosity)
    }

    private enum CodingKeys: String, CodingKey { case format, verbosity }

    private struct Form: Encodable {
        let type: String
        var name: String?
        var schema: WireValue?
        var strict: Bool?
    }
}
