package import Generation
import Models
import Workers

/// Given continuations of one prompt with the log-probability of every token of theirs.
package struct ScoredContinuations: Sendable {
    package let model: String
    package let version: String
    package let prompt: Prompt
    package let continuations: [[TokenLogProbability]]
    /// Of the first continuation, with which the prompt was computed.
    package let timings: GenerationTimings
    /// Seconds until the engine got the first, and in all.
    package let preparation: Double
    package let total: Double
}

extension Runtime {
    /// Scores continuations of a prompt: log p(token | prompt, tokens before it), as the model gives it, without temperature or filters.
    ///
    ///     prompt │ continuation 1        the prompt is computed once and kept;
    ///            └ continuation 2 …      each goes on in the engine from its last token
    ///
    /// - Parameters:
    ///   - continuations: texts and tokens, at least one token each. A text is read as it stands, whatever it follows.
    ///   - alternatives: how many of the most probable tokens are told in each place; at least 1 tells what greedy decoding would take.
    ///   - read: gives the prompt.
    /// - Throws: ``WorkshopError``, or what hearing and the engine throw.
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
            // The first leaves the prompt in the cache for the others, of which a few wait at a time: they share the queue.
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
