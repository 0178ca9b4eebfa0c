import API
package import Generation
import Models
import Workers

/// A prompt that is continued as it is, without the chat format.
package enum RawPrompt: Equatable, Sendable {
    case text(String)
    case tokens([Int])
}

extension Runtime {
    /// Tokenizes prompts as they are and starts to continue each one.
    ///
    /// - Parameters:
    ///   - options: `maxTokens` is reduced to the room left in the context. If it is 0, a prompt may fill the context.
    ///   - scoring: Which tokens of each prompt are scored.
    ///   - isLowPriority: Whether other requests come first.
    /// - Returns: One inquiry per prompt, in order, all with the same id.
    /// - Throws: ``WorkshopError`` with the path of the offending prompt, before any has begun.
    package func complete(
        _ prompts: [RawPrompt], model name: String?, options: SamplingOptions, scoring: PromptScoring? = nil, isLowPriority: Bool = false
    ) async throws -> [Inquiry] {
        let start = ContinuousClock.now
        guard prompts.count <= engine.limits.queue else {
            throw WorkshopError(
                .invalidValue, "prompt: expected at most \(engine.limits.queue) prompts, as many as may wait here; found \(prompts.count).",
                at: "prompt")
        }
        let (entry, read) = try await withTimeLimit(limits.time, timeout: { Self.timeIsOver }) { [self] in
            (try await self.entry(name), try await tokens(of: prompts, answer: options.maxTokens > 0))
        }
        let id = Self.identifier("cmpl-")
        return try read.map { tokens in
            var options = options
            options.maxTokens = min(options.maxTokens, model.model.contextLength - tokens.count)
            // The first token of a prompt has no predecessor to be scored by.
            let scoring = tokens.count > 1 ? scoring : nil
            let request = GenerationRequest(
                prompt: Prompt(tokens: tokens), options: options, version: entry.version, scoring: scoring, isLowPriority: isLowPriority)
            return try inquiry(request, of: entry, id: id, since: start)
        }
    }

    private func tokens(of prompts: [RawPrompt], answer: Bool) async throws -> [[Int32]] {
        try await queues.reading.run { [self] cancellation in
            try prompts.enumerated().map { index, prompt in
                try cancellation.check()
                return try tokens(of: prompt, answer: answer, at: prompts.count == 1 ? "prompt" : "prompt[\(index)]")
            }
        }
    }

    /// The tokens of a prompt that is continued as it is.
    package func tokens(of prompt: RawPrompt, at place: String) async throws -> [Int32] {
        try await queues.reading.run { [self] in try tokens(of: prompt, answer: true, at: place) }
    }

    /// The tokens of one prompt, checked against the vocabulary and the context.
    ///
    /// - Parameter answer: Whether the context must have room for at least one token of an answer.
    func tokens(of prompt: RawPrompt, answer: Bool, at place: String) throws -> [Int32] {
        let tokens: [Int32]
        switch prompt {
        case .text(let text):
            try checkSize(text.utf8.count, at: place)
            tokens = try model.tokens(text)
        case .tokens(let ids):
            let size = model.model.decoder.configuration.vocabularySize
            if let other = ids.first(where: { !(0..<size).contains($0) }) {
                throw WorkshopError(.unknownToken, "\(place): expected ids of tokens below \(size); found \(other).", at: place)
            }
            tokens = ids.map { Int32($0) }
        }
        guard !tokens.isEmpty else {
            throw WorkshopError(.invalidValue, "\(place): expected at least one token; found an empty prompt.", at: place)
        }
        let limit = min(limits.promptTokens ?? .max, model.model.contextLength - (answer ? 1 : 0))
        guard tokens.count <= limit else {
            let context = model.model.contextLength
            let reason =
                tokens.count == context
                ? "the context of \(context) has no room for a token of the answer; max_tokens 0 reads and scores the prompt alone"
                : "this server takes at most \(limit) of the model's context of \(context)"
            throw WorkshopError(.contextExceeded, "\(place): found \(tokens.count) tokens; \(reason).", at: place)
        }
        return tokens
    }
}
