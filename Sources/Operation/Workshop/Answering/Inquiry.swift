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
    let firstToken: @Sendable (Double) -> Void
    let events: AsyncThrowingStream<GenerationEvent, any Error>

    /// Hands every event to `body` until all answers have ended.
    ///
    /// Cancelling the task cancels the work in the engine.
    ///
    /// - Throws: ``WorkshopError`` when the request's time is over, `CancellationError` when its client has gone.
    package func forEach(_ body: @escaping @Sendable (GenerationEvent) async throws -> Void) async throws {
        let (events, firstToken, preparation) = (events, firstToken, preparation)
        try await withTimeLimit(timeLimit, timeout: { Runtime.timeIsOver }) {
            for try await event in events {
                if case .done(let timings) = event { firstToken(preparation + timings.firstToken) }
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
