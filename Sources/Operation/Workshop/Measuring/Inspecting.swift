package import Evaluation
package import Generation
import Models
package import Objectives
import Tensors
import Workers

/// A spoken and a typed form of one question, compared along one answer.
///
///     two prompts → answer (given, or greedy from the audio) → both distributions at every token → D_t, w_t
package struct InspectedAnswer: Sendable {
    package let model: String
    package let version: String
    package let spoken: Prompt
    package let tokens: [TokenComparison]
    /// w_t.
    package let weights: [Float]
    package let anatomy: AnswerAnatomy
    /// Σ w_t D_t as the objective reduces it.
    package let tokenLoss: Double
    package let timings: GenerationTimings
    /// Seconds until both prompts were built, and in total.
    package let preparation: Double
    package let total: Double
}

extension Runtime {
    /// - Parameters:
    ///   - continuation: The answer to follow; nil decodes one greedily from the audio, of at most `maxTokens`.
    ///   - top: The number of likeliest tokens shown per position, for both distributions.
    ///   - objective: Defines the weights w_t.
    ///   - hear: Builds the spoken question's prompt.
    /// - Throws: ``WorkshopError``, or an error of decoding or of the engine.
    package func inspect(
        _ text: String, model name: String?, continuation: String?, maxTokens: Int, top: Int, objective: Objective,
        hear: () async throws -> Prompt
    ) async throws -> InspectedAnswer {
        let start = ContinuousClock.now
        let entry = try versions.entry(name)
        let spoken = try await hear()
        let typed = try await prompt([SubmittedMessage(role: "user", text)])
        let preparation = start.secondsUntilNow
        let (answer, timings) = try await answer(continuation, maxTokens, spoken, entry)
        let longest = max(spoken.tokens.count, typed.tokens.count) + answer.count
        guard longest <= model.model.contextLength else {
            throw WorkshopError(
                .contextExceeded,
                "continuation: prompt and answer have \(longest) tokens; the model's context is \(model.model.contextLength).",
                at: "continuation")
        }
        let compared = try await queues.reports.run { [model] in
            model.compare(
                answer, student: spoken, teacher: typed, version: entry.version, teacherVersion: entry.version, top: top)
        }
        let divergences = compared.map(\.measures.reverseKL)
        let term = objective.tokenTerm
        let weights = term.importance?.weights(divergences: divergences) ?? divergences.map { _ in 1 }
        let anatomy = AnswerAnatomy(divergences, weights: weights)
        return InspectedAnswer(
            model: entry.name, version: entry.versionID, spoken: spoken, tokens: compared, weights: weights, anatomy: anatomy,
            tokenLoss: anatomy.weightedSum * Double(term.reduction.factor(divergences.count)), timings: timings, preparation: preparation,
            total: start.secondsUntilNow)
    }

    private func answer(
        _ continuation: String?, _ maxTokens: Int, _ spoken: Prompt, _ entry: VersionRegistry.Entry
    ) async throws -> ([Int32], GenerationTimings) {
        if let text = continuation {
            try checkSize(text.utf8.count, at: "continuation")
            let tokens = try await queues.reading.run { [model] in try model.tokens(text) }
            guard !tokens.isEmpty else {
                throw WorkshopError(.invalidValue, "continuation: expected a text with a token; found an empty one.", at: "continuation")
            }
            return (tokens, GenerationTimings())
        }
        var options = SamplingOptions.greedy
        options.maxTokens = maxTokens
        let (answers, timings) = try await engine.complete(
            GenerationRequest(prompt: spoken, options: options, version: entry.version))
        guard !answers[0].tokens.isEmpty else {
            throw WorkshopError(
                .emptyAnswer, "The model answers nothing to this clip; give a continuation to walk along.", at: "continuation")
        }
        return (answers[0].tokens, timings)
    }
}
