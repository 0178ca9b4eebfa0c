import API
import Foundation
import Generation
import HTTP
import Workshop

/// `POST /v1/chat/completions`: OpenAI's, whole or as a stream of events.
enum ChatCompletionsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/chat/completions", scope: .ask) { request in
            try await refusing {
                let runtime = try server.runtime
                let wanted = try await runtime.queues.reading(request.body.count) {
                    try WireDecoder.decode(ChatCompletionRequest.self, from: Data(request.body))
                }
                guard wanted.responseFormat == .text else {
                    throw HTTPError(
                        400, "response_format: only {\"type\": \"text\"} is supported; structured output is not supported yet.",
                        parameter: "response_format.type", code: "unsupported_parameter")
                }
                let options = runtime.options(
                    wanted.sampling, count: wanted.n, logProbabilities: wanted.logprobs ? wanted.topLogprobs : nil)
                let inquiry = try await runtime.ask(
                    [SubmittedMessage](wanted.messages), model: wanted.model, options: options, prefix: "chatcmpl-")
                if wanted.stream { return stream(inquiry, includesUsage: wanted.streamOptions?.includeUsage ?? false) }
                let (answers, timings) = try await inquiry.complete()
                // Each token may be told with its twenty likeliest.
                let bytes = answers.reduce(0) { $0 + $1.text.utf8.count + $1.logProbabilities.count * 1024 }
                return .json(
                    try await runtime.queues.reading(bytes) { try WireEncoder.encode(whole(inquiry, answers, timings)) })
            }
        }
    }

    private static func whole(_ inquiry: Inquiry, _ answers: [Completion], _ timings: GenerationTimings) -> ChatCompletion {
        let logs = inquiry.request.options.logProbabilities != nil
        let choices = answers.enumerated().map { index, answer in
            ChatChoice(
                index: index, message: AssistantMessage(content: answer.text), finishReason: .init(answer.finishReason),
                logprobs: logs ? ChoiceLogprobs(content: answer.logProbabilities.map(inquiry.logprob)) : nil)
        }
        return ChatCompletion(
            id: inquiry.id, created: inquiry.created, model: inquiry.model, choices: choices, usage: inquiry.usage(timings),
            systemFingerprint: inquiry.version, cord: inquiry.cord(timings))
    }

    /// One chunk with the role per answer, chunks of text, one with the reason why each ended, and at the very end the usage where
    /// it was asked for. The last chunk carries what was heard.
    private static func stream(_ inquiry: Inquiry, includesUsage: Bool) -> Response {
        .refusing { events in
            let chunks = ChunkWriter(inquiry: inquiry, events: events, includesUsage: includesUsage)
            let count = inquiry.request.options.count
            for choice in 0..<count { try await chunks.send(choice, ChatDelta(role: "assistant", content: "")) }
            let ending = Ending(count)
            try await inquiry.forEach { event in
                switch event {
                case .token(let choice, _, let text, let logProbability):
                    if text.isEmpty && logProbability == nil { return }
                    let logs = logProbability.map { ChoiceLogprobs(content: [inquiry.logprob($0)]) }
                    try await chunks.send(choice, ChatDelta(content: text), logprobs: logs)
                case .finished(let choice, let reason, let text):
                    if !text.isEmpty { try await chunks.send(choice, ChatDelta(content: text)) }
                    // The last reason waits for the timings that travel with it.
                    if ending.isLast(choice, reason) { return }
                    try await chunks.send(choice, ChatDelta(), finish: .init(reason))
                case .done(let timings):
                    let (choice, reason) = ending.last
                    try await chunks.send(
                        choice, ChatDelta(), finish: .init(reason), cord: includesUsage ? nil : inquiry.cord(timings))
                    if includesUsage { try await chunks.sendUsage(timings) }
                }
            }
            try await events.done()
        }
    }

    private struct ChunkWriter: Sendable {
        let inquiry: Inquiry
        let events: EventStream
        let includesUsage: Bool

        func send(
            _ choice: Int, _ delta: ChatDelta, finish: API.FinishReason? = nil, logprobs: ChoiceLogprobs? = nil,
            cord: CordExtension? = nil
        ) async throws {
            try await send(
                [ChatChunkChoice(index: choice, delta: delta, finishReason: finish, logprobs: logprobs)], cord: cord)
        }

        func sendUsage(_ timings: GenerationTimings) async throws {
            try await send([], usage: inquiry.usage(timings), cord: inquiry.cord(timings))
        }

        private func send(_ choices: [ChatChunkChoice], usage: Usage? = nil, cord: CordExtension?) async throws {
            let chunk = ChatCompletionChunk(
                id: inquiry.id, created: inquiry.created, model: inquiry.model, choices: choices,
                usage: includesUsage ? Nullable(wrappedValue: usage) : nil, systemFingerprint: inquiry.version, cord: cord)
            try await events.send(try WireEncoder.encode(chunk))
        }
    }
}
