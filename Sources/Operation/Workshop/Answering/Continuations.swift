package import Generation
import Models
import Workers

/// Continuations of one prompt, with the log-probability of each of their tokens.
package struct ScoredContinuations: Sendable {
    package let model: String
    package let version: String
    package let prompt: Prompt
    package let continuations: [[TokenLogProbability]]
    /// The timings of the first continuation, which computed the prompt.
    package let timings: GenerationTimings
    /// Seconds until the engine received the first continuation, and in total.
    package let preparation: Double
    package let total: Double
}

extension Runtime {
    /// Scores continuations of a prompt: log p(token | prompt, previous tokens), from the model's own distribution, without temperature or filters.
    ///
    ///     prompt │ continuation 1        the prompt is computed once and cached;
    ///            └ continuation 2 …      each one continues in the engine from its last token
    ///
    /// - Parameters:
    ///   - continuations: Texts or tokens, at least one token each. A text is tokenized by itself, whatever it follows.
    ///   - alternatives: The number of likeliest tokens reported per position; at least 1 shows what greedy decoding would choose.
    ///   - read: Builds the prompt.
    /// - Throws: ``WorkshopError``, or an error of decoding or of the engine.
    package func score(
        _ continuations: [RawPrompt], model name: String?, alternatives: Int, read: @escaping @Sendable () async throws -> Prompt
    ) async throws -> ScoredContinuations {
        let start = ContinuousClock.now
        return try await withTimeLimit(limits.time, timeout: { Self.timeIsOver }) { [self] in
            let (entry, prompt) = (try await entry(name), try await read())
            let tokens = try await queues.reading.run { [self] in
                try continuations.enumerated().map { index, continuation in
                    let place = "continuations[\(index)]"
                    let tokens = try self.tokens(of: continuation, answer: false, at: place)
                    let count = prompt.tokens.count + tokens.count
                    guard count <= model.model.contextLength else {
                        throw WorkshopError(
                            .contextExceeded,
                            "\(place): prompt and continuation have \(count) tokens; the model's context is \(model.model.contextLength).",
                            at: place)
                    }
                    return tokens
                }
            }
            let preparation = start.secondsUntilNow
            @Sendable func score(_ index: Int) async throws -> Answers {
                var options = SamplingOptions.greedy
                options.maxTokens = 0
                let request = GenerationRequest(
                    prompt: prompt.appending(tokens[index]), options: options, version: entry.version,
                    scoring: PromptScoring(from: prompt.tokens.count, alternatives: alternatives))
                return try await engine.answers(request)
            }
            // The first one leaves the prompt in the cache for the others. Only a few of those wait at a time, because they share the queue.
            var scored = [try await score(0)]
            try await withThrowingTaskGroup(of: (Int, Answers).self) { group in
                var rest = (1..<max(1, tokens.count)).makeIterator()
                func next() { if let index = rest.next() { group.addTask { (index, try await score(index)) } } }
                for _ in 0..<Swift.min(16, Swift.max(1, engine.limits.queue / 4)) { next() }
                var found: [Int: Answers] = [:]
                while let (index, answers) = try await group.next() {
                    found[index] = answers
                    next()
                }
                scored += (1..<max(1, tokens.count)).compactMap { found[$0] }
            }
            return ScoredContinuations(
                model: entry.name, version: entry.versionID, prompt: prompt, continuations: scored.map(\.prompt), timings: scored[0].timings,
                preparation: preparation, total: start.secondsUntilNow)
        }
    }
}
