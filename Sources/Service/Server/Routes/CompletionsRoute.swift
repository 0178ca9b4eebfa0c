import API
import Foundation
import Generation
import HTTP
import Workshop

/// `POST /v1/completions`: OpenAI's route for prompts that are continued as they are, and scored.
enum CompletionsRoute {
    /// The maximum number of JSON values in a request. Prompts may arrive as token ids.
    static let maxValues = 400_000

    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/completions", scope: .ask) { request in
            try await refusing {
                let runtime = try server.runtime
                let wanted = try await read(request.body, runtime)
                return wanted.stream ? try await stream(wanted, runtime) : .json(try await answer(wanted, runtime))
            }
        }
    }

    /// The complete answer to a batch request.
    static func answer(inBatch body: [UInt8], _ runtime: Runtime) async throws -> Data {
        try await answer(try await read(body, runtime), runtime, isLowPriority: true)
    }

    private static func read(_ body: [UInt8], _ runtime: Runtime) async throws -> CompletionRequest {
        try await runtime.queues.reading(body.count) { try WireDecoder.decode(CompletionRequest.self, from: Data(body), maxValues: maxValues) }
    }

    private static func start(
        _ wanted: CompletionRequest, _ runtime: Runtime, isLowPriority: Bool = false
    ) async throws -> [PromptContinuation] {
        let options = runtime.options(wanted.sampling, wanted.controls, count: wanted.n, logProbabilities: wanted.logprobs)
        let inquiries = try await runtime.complete(
            wanted.prompts.map { RawPrompt($0) }, model: wanted.model, options: options,
            scoring: wanted.echo ? wanted.logprobs.map { PromptScoring(alternatives: $0) } : nil, isLowPriority: isLowPriority)
        return inquiries.enumerated().map { PromptContinuation($1, echoes: wanted.echo, firstChoice: $0 * wanted.n) }
    }

    /// The complete answer as JSON.
    private static func answer(_ wanted: CompletionRequest, _ runtime: Runtime, isLowPriority: Bool = false) async throws -> Data {
        let prompts = try await start(wanted, runtime, isLowPriority: isLowPriority)
        let answers = try await withThrowingTaskGroup(of: (Int, Answers).self) { group in
            for (index, prompt) in prompts.enumerated() { group.addTask { (index, try await prompt.inquiry.complete()) } }
            return try await group.reduce(into: Array(repeating: Answers(), count: prompts.count)) { $0[$1.0] = $1.1 }
        }
        let tokens = answers.reduce(0) { $0 + $1.prompt.count * wanted.n + $1.answers.reduce(0) { $0 + $1.tokens.count } }
        return try await runtime.queues.reading(tokens * 1024) {
            let end = CompletionEnd(zip(prompts, answers).map { ($0.inquiry, $1.timings) })
            return try WireEncoder.encode(
                end.object(zip(prompts, answers).flatMap { $0.choices($1) }, usage: end.usage, cord: end.cord))
        }
    }

    /// Pieces of every answer as they arrive, the finish reason of each, and at the very end the usage of all, if requested.
    private static func stream(_ wanted: CompletionRequest, _ runtime: Runtime) async throws -> Response {
        let prompts = try await start(wanted, runtime)
        let options = wanted.streamOptions
        return .refusing { events in
            let timings = try await withThrowingTaskGroup(of: (Int, GenerationTimings).self) { group in
                for (index, prompt) in prompts.enumerated() {
                    group.addTask {
                        let head = CompletionEnd([(prompt.inquiry, GenerationTimings())])
                        let timings = try await prompt.forEach { choice, usage in
                            let usage = options?.continuousUsageStats == true ? usage : nil
                            try await events.send(try WireEncoder.encode(head.object([choice], usage: usage)))
                        }
                        return (index, timings)
                    }
                }
                return try await group.reduce(into: Array(repeating: GenerationTimings(), count: prompts.count)) { $0[$1.0] = $1.1 }
            }
            let end = CompletionEnd(zip(prompts, timings).map { ($0.inquiry, $1) })
            if options?.includeUsage == true {
                try await events.send(try WireEncoder.encode(end.object([], usage: end.usage, cord: end.cord)))
            }
            try await events.done()
        }
    }
}

/// What all prompts of a request share, and their total usage.
private struct CompletionEnd {
    let prompts: [(inquiry: Inquiry, timings: GenerationTimings)]

    init(_ prompts: [(inquiry: Inquiry, timings: GenerationTimings)]) { self.prompts = prompts }

    func object(_ choices: [TextChoice], usage: Usage? = nil, cord: CordExtension? = nil) -> TextCompletion {
        let inquiry = prompts[0].inquiry
        return TextCompletion(
            id: inquiry.id, created: inquiry.created, model: inquiry.model, choices: choices, usage: usage, systemFingerprint: inquiry.version,
            cord: cord)
    }

    var usage: Usage {
        prompts.dropFirst().reduce(prompts[0].inquiry.usage(prompts[0].timings)) { $0 + $1.inquiry.usage($1.timings) }
    }

    /// The extension of the prompt that took longest.
    var cord: CordExtension? { prompts.max { $0.timings.total < $1.timings.total }.map { $0.inquiry.cord($0.timings) } }
}

extension Usage {
    /// The sum of the usage of two text prompts.
    fileprivate static func + (a: Usage, b: Usage) -> Usage {
        func details(_ usage: Usage) -> (cached: Int, text: Int) {
            (usage.promptTokensDetails?.cachedTokens ?? 0, usage.promptTokensDetails?.textTokens ?? 0)
        }
        return Usage(
            promptTokens: a.promptTokens + b.promptTokens, completionTokens: a.completionTokens + b.completionTokens,
            totalTokens: a.totalTokens + b.totalTokens,
            promptTokensDetails: PromptTokensDetails(
                audioTokens: 0, cachedTokens: details(a).cached + details(b).cached, textTokens: details(a).text + details(b).text),
            completionTokensDetails: CompletionTokensDetails(reasoningTokens: 0))
    }
}

extension RawPrompt {
    init(_ field: PromptField) {
        self =
            switch field {
            case .text(let text): .text(text)
            case .tokens(let tokens): .tokens(tokens)
            }
    }
}
