package import Generation
import Synchronization
package import Tokenization
import Workers

/// One question on its way through the engine: what was asked, of which weights, and the events of its answers.
package struct Inquiry: Sendable {
    package let id: String
    /// Unix seconds.
    package let created: Int
    package let model: String
    package let version: String
    package let request: GenerationRequest
    package let tokenizer: Tokenizer
    /// Seconds spent on decoding and tokenizing before the engine received the prompt.
    package let preparation: Double
    let timeLimit: Duration
    let answered: @Sendable (AnswerTimes) -> Void
    let events: AsyncThrowingStream<GenerationEvent, any Error>

    /// Passes every event to `body` until all answers have ended.
    ///
    /// Cancelling the task cancels the work in the engine.
    ///
    /// - Throws: ``WorkshopError`` if the request's time is up, `CancellationError` if its client has gone.
    package func forEach(_ body: @escaping @Sendable (GenerationEvent) async throws -> Void) async throws {
        let (events, answered, preparation) = (events, answered, preparation)
        try await withTimeLimit(timeLimit, timeout: { Runtime.timeIsOver }) {
            // The arrival of each answer's last token so far.
            var last: [Int: ContinuousClock.Instant] = [:]
            var between: [Double] = []
            for try await event in events {
                if case .token(let choice, _, _, _) = event {
                    let now = ContinuousClock.now
                    if let before = last.updateValue(now, forKey: choice) { between.append((now - before) / .seconds(1)) }
                }
                if case .done(let timings) = event { answered(AnswerTimes(preparation, timings, between: between)) }
                try await body(event)
            }
            try Task.checkCancellation()
        }
    }

    /// Waits for the complete answers.
    package func complete() async throws -> Answers {
        let answers = Mutex(Answers(request.options.count))
        try await forEach { event in answers.withLock { $0.take(event) } }
        return answers.withLock { $0 }
    }
}

/// The timings of an answered question, in seconds, and its token counts.
package struct AnswerTimes: Sendable {
    /// From the question's arrival to the first token, and to the last.
    package let firstToken: Double
    package let whole: Double
    /// From submission to the first forward pass.
    package let queued: Double
    /// From the first forward pass to the first token, and from there to the last.
    package let prefill: Double
    package let decode: Double
    /// The intervals between the tokens of each answer, as they left the engine.
    package let between: [Double]
    package let promptTokens: Int
    /// The tokens of all answers together.
    package let completionTokens: Int

    init(_ preparation: Double, _ timings: GenerationTimings, between: [Double]) {
        (firstToken, whole, queued) = (preparation + timings.firstToken, preparation + timings.total, timings.queued)
        (prefill, decode) = (max(0, timings.firstToken - timings.queued), max(0, timings.total - timings.firstToken))
        (promptTokens, completionTokens, self.between) = (timings.promptTokens, timings.completionTokens, between)
    }
}
