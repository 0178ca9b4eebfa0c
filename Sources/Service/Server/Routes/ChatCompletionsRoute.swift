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
                let (wanted, form) = try await read(request.body, runtime)
                let clips = StoredClips(server, request)
                return wanted.stream ? try await stream(wanted, form, runtime, clips) : .json(try await answer(wanted, form, runtime, clips))
            }
        }
    }

    /// The complete answer to a batch request.
    static func answer(inBatch body: [UInt8], _ runtime: Runtime, _ clips: StoredClips) async throws -> Data {
        let (wanted, form) = try await read(body, runtime)
        return try await answer(wanted, form, runtime, clips, isLowPriority: true)
    }

    private static func read(_ body: [UInt8], _ runtime: Runtime) async throws -> (ChatCompletionRequest, AnswerForm) {
        let wanted = try await runtime.queues.reading(body.count) { try WireDecoder.decode(ChatCompletionRequest.self, from: Data(body)) }
        return (wanted, try await runtime.form(wanted.responseFormat, wanted.structuredOutputs, tools: wanted.tools, body: body))
    }

    private static func ask(
        _ wanted: ChatCompletionRequest, _ form: AnswerForm, _ runtime: Runtime, _ clips: StoredClips, isLowPriority: Bool = false
    ) async throws -> (inquiry: Inquiry, ignored: [String]) {
        var options = runtime.options(
            wanted.sampling, wanted.controls, count: wanted.n, logProbabilities: wanted.logprobs ? wanted.topLogprobs : nil)
        options.structure = form.structure
        let manner = runtime.manner(wanted.reasoningEffort, wanted.verbosity)
        let inquiry = try await runtime.ask(
            try [SubmittedMessage](wanted.messages, clips: clips), model: wanted.model, options: options, prefix: "chatcmpl-",
            variables: manner.variables.merging(form.variables) { $1 }, scoring: wanted.promptLogprobs.map { PromptScoring(alternatives: $0) },
            isLowPriority: isLowPriority)
        return (inquiry, manner.ignored)
    }

    /// The complete answer as JSON.
    private static func answer(
        _ wanted: ChatCompletionRequest, _ form: AnswerForm, _ runtime: Runtime, _ clips: StoredClips, isLowPriority: Bool = false
    ) async throws -> Data {
        let (inquiry, ignored) = try await ask(wanted, form, runtime, clips, isLowPriority: isLowPriority)
        let parting = AnswerParting(inquiry, form)
        let answers = try await parting.complete()
        // Each token may come with its twenty likeliest alternatives.
        let bytes = answers.answers.reduce(answers.prompt.count * 1024) { $0 + $1.text.utf8.count + $1.logProbabilities.count * 1024 }
        return try await runtime.queues.reading(bytes) { try WireEncoder.encode(whole(parting, answers, ignored)) }
    }

    private static func whole(_ parting: AnswerParting, _ answers: Answers, _ ignored: [String]) -> ChatCompletion {
        let inquiry = parting.inquiry
        let logs = inquiry.request.options.logProbabilities != nil
        let choices = answers.answers.enumerated().map { index, answer in
            ChatChoice(
                index: index, message: parting.message(index), finishReason: parting.reason(index, answer.finishReason),
                logprobs: logs ? ChoiceLogprobs(content: answer.logProbabilities.map(inquiry.logprob)) : nil)
        }
        return ChatCompletion(
            id: inquiry.id, created: inquiry.created, model: inquiry.model, choices: choices,
            usage: inquiry.usage(answers.timings, reasoning: parting.thoughtTokens),
            promptLogprobs: inquiry.request.scoring.map { _ in inquiry.promptLogprobs(answers.prompt) },
            systemFingerprint: inquiry.version, cord: inquiry.cord(answers.timings, ignored: ignored, answers: parting.parts))
    }

    /// For each answer a first chunk with the role, chunks of text, and one with its finish reason; at the very end the usage, if requested. The
    /// last chunk carries the audio that was heard.
    private static func stream(
        _ wanted: ChatCompletionRequest, _ form: AnswerForm, _ runtime: Runtime, _ clips: StoredClips
    ) async throws -> Response {
        let (inquiry, ignored) = try await ask(wanted, form, runtime, clips)
        let options = wanted.streamOptions
        return .refusing { events in
            let parting = AnswerParting(inquiry, form)
            let chunks = ChunkWriter(
                parting: parting, events: events, includesUsage: options?.includeUsage ?? false,
                countsUsage: options?.continuousUsageStats ?? false, ignored: ignored)
            let count = inquiry.request.options.count
            for choice in 0..<count { try await chunks.send(choice, ChatDelta(role: "assistant", content: "")) }
            let ending = Ending(count)
            try await inquiry.forEach { event in
                let part = parting.take(event)
                switch event {
                case .prompt: break
                case .token(let choice, _, _, let logProbability):
                    let logs = logProbability.map { ChoiceLogprobs(content: [inquiry.logprob($0)]) }
                    try await chunks.send(choice, part, logprobs: logs)
                case .finished(let choice, let reason, _):
                    try await chunks.send(choice, part)
                    // The last finish reason waits for the timings that travel with it.
                    if ending.isLast(choice, reason) { return }
                    try await chunks.send(choice, ChatDelta(), finish: parting.reason(choice, reason))
                case .done(let timings):
                    let (choice, reason) = ending.last
                    try await chunks.send(choice, ChatDelta(), finish: parting.reason(choice, reason), timings: chunks.includesUsage ? nil : timings)
                    if chunks.includesUsage { try await chunks.sendUsage(timings) }
                }
            }
            try await events.done()
        }
    }

    private struct ChunkWriter: Sendable {
        let parting: AnswerParting
        let events: EventStream
        let includesUsage: Bool
        /// Whether every chunk carries the usage of its answer so far.
        let countsUsage: Bool
        let ignored: [String]

        /// Sends a token's addition: reasoning, text and each step of a call in separate chunks.
        func send(_ choice: Int, _ part: AnswerParting.Part, logprobs: ChoiceLogprobs? = nil) async throws {
            var logprobs = logprobs
            if !part.thought.isEmpty {
                try await send(choice, ChatDelta(reasoningContent: part.thought), logprobs: logprobs)
                logprobs = nil
            }
            if !part.said.isEmpty || logprobs != nil && part.calls.isEmpty {
                try await send(choice, ChatDelta(content: part.said), logprobs: logprobs)
                logprobs = nil
            }
            for call in part.calls {
                try await send(choice, ChatDelta(toolCalls: [call]), logprobs: logprobs)
                logprobs = nil
            }
        }

        func send(
            _ choice: Int, _ delta: ChatDelta, finish: API.FinishReason? = nil, logprobs: ChoiceLogprobs? = nil,
            timings: GenerationTimings? = nil
        ) async throws {
            let choices = [ChatChunkChoice(index: choice, delta: delta, finishReason: finish, logprobs: logprobs)]
            try await send(choices, usage: countsUsage ? parting.usage(choice) : nil, timings: timings)
        }

        func sendUsage(_ timings: GenerationTimings) async throws {
            try await send([], usage: parting.inquiry.usage(timings, reasoning: parting.thoughtTokens), timings: timings)
        }

        private func send(_ choices: [ChatChunkChoice], usage: Usage?, timings: GenerationTimings?) async throws {
            let inquiry = parting.inquiry
            let chunk = ChatCompletionChunk(
                id: inquiry.id, created: inquiry.created, model: inquiry.model, choices: choices,
                usage: includesUsage || countsUsage ? Nullable(wrappedValue: usage) : nil, systemFingerprint: inquiry.version,
                cord: timings.map { inquiry.cord($0, ignored: ignored, answers: parting.parts) })
            try await events.send(try WireEncoder.encode(chunk))
        }
    }
}
