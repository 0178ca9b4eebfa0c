/// An answer of `POST /v1/responses`, whole or as it stood at an event of its stream.
package struct ResponseObject: Codable, Equatable, Sendable {
    package enum Status: String, Codable, Sendable {
        case inProgress = "in_progress"
        case completed, incomplete, failed
    }

    package struct Incompletion: Codable, Equatable, Sendable {
        package var reason: String

        package init(reason: String) { self.reason = reason }
    }

    package struct Failure: Codable, Equatable, Sendable {
        /// OpenAI's word for the kind of failure, as `server_error`.
        package var code: String
        package var message: String

        package init(code: String, message: String) { (self.code, self.message) = (code, message) }
    }

    package var id: String
    package var object = "response"
    package var createdAt: Int
    @Nullable package var completedAt: Int?
    package var status = Status.inProgress
    package var background = false
    @Nullable package var error: Failure?
    @Nullable package var incompleteDetails: Incompletion?
    @Nullable package var instructions: String?
    @Nullable package var maxOutputTokens: Int?
    package var metadata: [String: String]
    package var model: String
    package var output: [OutputItem] = []
    package var parallelToolCalls: Bool
    /// Always null: no response is kept.
    @Nullable package var previousResponseId: String?
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
    @Nullable package var usage: ResponseUsage?
    /// Absent until the response has ended.
    package var cord: CordExtension?

    /// A response that has begun.
    package init(id: String, createdAt: Int, model: String, to request: ResponsesRequest, temperature: Double, topP: Double) {
        (self.id, self.createdAt, self.model, self.temperature, self.topP) = (id, createdAt, model, temperature, topP)
        (metadata, reasoning, text) = (request.metadata, request.reasoning, request.text)
        topLogprobs = request.logprobs ?? 0
        (instructions, maxOutputTokens, parallelToolCalls) = (request.instructions, request.sampling.maxTokens, request.tools.isParallel)
        toolChoice = request.tools.tools.isEmpty ? .auto : request.tools.choice
        tools = request.tools.tools.map { ResponsesTool($0) }
    }
}

/// A part of a response's output: what was thought, what is said, or a function that is called.
package struct OutputItem: Codable, Equatable, Sendable {
    package enum Kind: String, Codable, Sendable {
        case reasoning, message
        case call = "function_call"
    }

    package var id: String
    package var type: Kind
    package var status = ResponseObject.Status.inProgress
    /// Absent of a call.
    package var content: [OutputPart]?
    /// Of a message, its speaker.
    package var role: String?
    /// Of what was thought: none is made.
    package var summary: [WireValue]?
    /// Of a call, what its result names it by.
    package var callId: String?
    package var name: String?
    /// JSON text.
    package var arguments: String?

    /// What is thought, from its beginning.
    package static func reasoning(id: String) -> OutputItem {
        var item = OutputItem(id: id, type: .reasoning)
        (item.content, item.summary) = ([], [])
        return item
    }

    /// What is said, from its beginning.
    package static func message(id: String) -> OutputItem {
        var item = OutputItem(id: id, type: .message)
        (item.content, item.role) = ([], "assistant")
        return item
    }

    /// A call whose arguments have yet to come.
    package static func call(id: String, _ call: String, name: String) -> OutputItem {
        var item = OutputItem(id: id, type: .call)
        (item.callId, item.name, item.arguments) = (call, name, "")
        return item
    }
}

/// The text of an item of output.
package struct OutputPart: Codable, Equatable, Sendable {
    package var type: String
    package var text = ""
    /// Of a message: none are made.
    package var annotations: [WireValue]?
    /// Of a message, those of its tokens where they were asked for.
    package var logprobs: [TokenLogprob]?

    /// What is thought, from its beginning.
    package static var thought: OutputPart { OutputPart(type: "reasoning_text") }
    /// What is said, from its beginning.
    package static var said: OutputPart { OutputPart(type: "output_text", annotations: [], logprobs: []) }
}

/// Tokens in and out, in the words of responses.
package struct ResponseUsage: Codable, Equatable, Sendable {
    package struct InputDetails: Codable, Equatable, Sendable {
        package var audioTokens: Int
        package var textTokens: Int?
        package var cachedTokens: Int
        /// Always 0, as nothing is charged for filling the cache; OpenAI's clients read it.
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

    package init(_ usage: Usage) {
        let prompt = usage.promptTokensDetails
        inputTokens = usage.promptTokens
        inputTokensDetails = InputDetails(
            audioTokens: prompt?.audioTokens ?? 0, textTokens: prompt?.textTokens, cachedTokens: prompt?.cachedTokens ?? 0)
        outputTokens = usage.completionTokens
        outputTokensDetails = OutputDetails(reasoningTokens: usage.completionTokensDetails?.reasoningTokens ?? 0)
        totalTokens = usage.totalTokens
    }
}

/// An event of a streamed response. Which members are there depends on its type.
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
    /// From 0, counting every event of the stream.
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
    /// Of a call whose arguments are whole, its function and these.
    package var name: String?
    package var arguments: String?

    package init(_ type: Kind, number: Int) { (self.type, sequenceNumber) = (type, number) }
}
