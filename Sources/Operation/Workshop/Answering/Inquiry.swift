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
    /// Seconds spent on hearing and reading before the engine got the prompt.
    package let preparation: Double
    let timeLimit: Duration
    let answered: @Sendable (AnswerTimes) -> Void
    let events: AsyncThrowingStream<GenerationEvent, any Error>

    /// Hands every event to `body` until all answers have ended.
    ///
    /// Cancelling the task cancels the work in the engine.
    ///
    /// - Throws: ``WorkshopError`` when the request's time is over, `CancellationError` when its client has gone.
    package func forEach(_ body: @escaping @Sendable (GenerationEvent) async throws -> Void) async throws {
        let (events, answered, preparation) = (events, answered, preparation)
        try await withTimeLimit(timeLimit, timeout: { Runtime.timeIsOver }) {
            // When each answer's last token came.
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

    /// The whole answers.
    package func complete() async throws -> Answers {
        let answers = Mutex(Answers(request.options.count))
        try await forEach { event in answers.withLock { $0.take(event) } }
        return answers.withLock { $0 }
    }
}

/// How long a question took that was answered, in seconds, and what it was made of.
package struct AnswerTimes: Sendable {
    /// From the question's arrival to its first token, and to the last.
    package let firstToken: Double
    package let whole: Double
    /// From submission to the first forward pass.
    package let queued: Double
    /// From there to the first token, and from it to the last.
    package let prefill: Double
    package let decode: Double
    /// Between one token of an answer and the next, as they came out of the engine.
    package let between: [Double]
    package let promptTokens: Int
    /// Of all answers.
    package let completionTokens: Int

    init(_ preparation: Double, _ timings: GenerationTimings, between: [Double]) {
        (firstToken, whole, queued) = (preparation + timings.firstToken, preparation + timings.total, timings.queued)
        (prefill, decode) = (max(0, timings.firstToken - timings.queued), max(0, timings.total - timings.firstToken))
        (promptTokens, completionTokens, self.between) = (timings.promptTokens, timings.completionTokens, between)
    }
}
