package import API

/// A response of `POST /v1/responses`: the whole of it, or its state at an event of the stream.
package struct ResponseObject: Codable, Equatable, Sendable {
    package enum Status: String, Codable, Sendable {
        case inProgress = "in_progress"
        case completed, incomplete, failed
    }

    package struct Incompletion: Codable, Equatable, Sendable {
        package var reason: String
    }

    package struct Failure: Codable, Equatable, Sendable {
        /// OpenAI's code for the kind of failure, as in `server_error`.
        package var code: String
        package var message: String
    }

    package var id: String
    package var object = "response"
    package var createdAt: Int
    @Nullable package var completedAt: Int? = nil
    package var status = Status.inProgress
    package var background = false
    @Nullable package var error: Failure? = nil
    @Nullable package var incompleteDetails: Incompletion? = nil
    @Nullable package var instructions: String? = nil
    @Nullable package var maxOutputTokens: Int? = nil
    package var metadata: [String: String]
    package var model: String
    package var output: [OutputItem] = []
    package var parallelToolCalls: Bool
    /// Always null: responses are not stored.
    @Nullable package var previousResponseId: String? = nil
    package var reasoning: ResponsesReasoning
    package var store = false
    package var temperature: Double
    package var text: ResponsesText
    package var toolChoice: ToolChoice
    package var tools: [ResponsesTool]
    package var topLogprobs: Int
    package var topP: Double
    package var truncation = "disabled"
    /// Null until the response has ended.
    @Nullable package var usage: ResponseUsage? = nil
    /// Absent until the response has ended.
    package var cord: CordExtension?

    /// Creates a response that has just begun.
    init(id: String, createdAt: Int, model: String, to request: ResponsesRequest, temperature: Double, topP: Double) {
        (self.id, self.createdAt, self.model, self.temperature, self.topP) = (id, createdAt, model, temperature, topP)
        (metadata, reasoning, text) = (request.metadata, request.reasoning, request.text)
        topLogprobs = request.logprobs ?? 0
        (instructions, maxOutputTokens, parallelToolCalls) = (request.instructions, request.sampling.maxCompletionTokens, request.tools.isParallel)
        toolChoice = request.tools.tools.isEmpty ? .auto : request.tools.choice
        tools = request.tools.tools.map { ResponsesTool($0) }
    }
}

/// An item of a response's output: reasoning, a message, or a function call.
package struct OutputItem: Codable, Equatable, Sendable {
    package enum Kind: String, Codable, Sendable {
        case reasoning, message
        case call = "function_call"
    }

    package var id: String
    package var type: Kind
    package var status = ResponseObject.Status.inProgress
    /// Absent in a call.
    package var content: [OutputPart]?
    /// The speaker of a message.
    package var role: String?
    /// In reasoning: always empty, since no summary is made.
    package var summary: [WireValue]?
    /// In a call: the id that its result refers to.
    package var callId: String?
    package var name: String?
    /// The arguments as JSON text.
    package var arguments: String?

    /// Creates an empty reasoning item.
    static func reasoning(id: String) -> OutputItem {
        var item = OutputItem(id: id, type: .reasoning)
        (item.content, item.summary) = ([], [])
        return item
    }

    /// Creates an empty message.
    static func message(id: String) -> OutputItem {
        var item = OutputItem(id: id, type: .message)
        (item.content, item.role) = ([], "assistant")
        return item
    }

    /// Creates a call whose arguments are still to come.
    static func call(id: String, _ call: String, name: String) -> OutputItem {
        var item = OutputItem(id: id, type: .call)
        (item.callId, item.name, item.arguments) = (call, name, "")
        return item
    }
}

/// The text of an output item.
package struct OutputPart: Codable, Equatable, Sendable {
    package var type: String
    package var text = ""
    /// In a message: always empty.
    package var annotations: [WireValue]?
    /// In a message: the log-probabilities of its tokens, if requested.
    package var logprobs: [TokenLogprob]?

    /// An empty part of reasoning.
    static var thought: OutputPart { OutputPart(type: "reasoning_text") }
    /// An empty part of a message.
    static var said: OutputPart { OutputPart(type: "output_text", annotations: [], logprobs: []) }
}

/// Token counts, with the member names of responses.
package struct ResponseUsage: Codable, Equatable, Sendable {
    package struct InputDetails: Codable, Equatable, Sendable {
        package var audioTokens: Int
        package var textTokens: Int?
        package var cachedTokens: Int
        /// Always 0: filling the cache costs nothing. OpenAI's clients expect the member.
        package var cacheWriteTokens = 0
    }

    package struct OutputDetails: Codable, Equatable, Sendable {
        package var reasoningTokens: Int
    }

    package var inputTokens: Int
    package var inputTokensDetails: InputDetails
    package var outputTokens: Int
    package var outputTokensDetails: OutputDetails
    package var totalTokens: Int

    init(_ usage: Usage) {
        let prompt = usage.promptTokensDetails
        inputTokens = usage.promptTokens
        inputTokensDetails = InputDetails(
            audioTokens: prompt?.audioTokens ?? 0, textTokens: prompt?.textTokens, cachedTokens: prompt?.cachedTokens ?? 0)
        outputTokens = usage.completionTokens
        outputTokensDetails = OutputDetails(reasoningTokens: usage.completionTokensDetails?.reasoningTokens ?? 0)
        totalTokens = usage.totalTokens
    }
}

/// An event of a streamed response. Its type determines which members are present.
package struct ResponseEvent: Codable, Equatable, Sendable {
    package enum Kind: String, Codable, Sendable {
        case created = "response.created"
        case inProgress = "response.in_progress"
        case itemAdded = "response.output_item.added"
        case partAdded = "response.content_part.added"
        case textDelta = "response.output_text.delta"
        case textDone = "response.output_text.done"
        case reasoningDelta = "response.reasoning_text.delta"
        case reasoningDone = "response.reasoning_text.done"
        case argumentsDelta = "response.function_call_arguments.delta"
        case argumentsDone = "response.function_call_arguments.done"
        case partDone = "response.content_part.done"
        case itemDone = "response.output_item.done"
        case completed = "response.completed"
        case incomplete = "response.incomplete"
        case failed = "response.failed"
    }

    package var type: Kind
    /// The number of the event in the stream, from 0.
    package var sequenceNumber: Int
    package var response: ResponseObject?
    package var outputIndex: Int?
    package var item: OutputItem?
    package var itemId: String?
    package var contentIndex: Int?
    package var part: OutputPart?
    package var delta: String?
    package var text: String?
    package var logprobs: [TokenLogprob]?
    /// In an event that completes a call's arguments: the name of the function, and its arguments.
    package var name: String?
    package var arguments: String?

    init(_ type: Kind, number: Int) { (self.type, sequenceNumber) = (type, number) }
}
