package import API
import Audio
package import Generation
import HTTP
import Judging
import Synchronization
import Tokenization

/// One question on its way through the engine: what was asked, of which weights, and the events of its answers.
package struct Inquiry: Sendable {
    package let id: String
    /// Unix seconds.
    package let created: Int
    package let model: String
    package let version: String
    package let request: GenerationRequest
    let tokenizer: Tokenizer
    /// Seconds spent on hearing and reading before the engine got the prompt.
    let preparation: Double
    let timeLimit: Duration
    let metrics: Metrics
    private let events: AsyncThrowingStream<GenerationEvent, any Error>

    init(
        id: String, created: Int, model: String, version: String, request: GenerationRequest, tokenizer: Tokenizer,
        preparation: Double, timeLimit: Duration, metrics: Metrics, events: AsyncThrowingStream<GenerationEvent, any Error>
    ) {
        self.id = id
        self.created = created
        self.model = model
        self.version = version
        self.request = request
        self.tokenizer = tokenizer
        self.preparation = preparation
        self.timeLimit = timeLimit
        self.metrics = metrics
        self.events = events
    }

    /// Hands every event to `body` until all answers have ended.
    ///
    /// Cancelling the task cancels the work in the engine.
    ///
    /// - Throws: ``HTTPError`` 504 when the request's time is over, `CancellationError` when its client has gone.
    package func forEach(_ body: @escaping @Sendable (GenerationEvent) async throws -> Void) async throws {
        let (events, metrics, preparation) = (events, metrics, preparation)
        try await refusing {
            try await withTimeLimit(timeLimit, timeout: { Runtime.timeIsOver }) {
                for try await event in events {
                    if case .done(let timings) = event {
                        metrics.firstToken(seconds: preparation + timings.firstToken)
                    }
                    try await body(event)
                }
                try Task.checkCancellation()
            }
        }
    }

    /// The whole answers, in the order of their choices.
    package func complete() async throws -> (answers: [Completion], timings: GenerationTimings) {
        let count = request.options.count
        let collected = Mutex((answers: [Completion](repeating: Completion(), count: count), timings: GenerationTimings()))
        try await forEach { event in
            collected.withLock { collected in
                switch event {
                case .token(let choice, let id, let text, let logProbability):
                    collected.answers[choice].tokens.append(id)
                    collected.answers[choice].text += text
                    if let logProbability { collected.answers[choice].logProbabilities.append(logProbability) }
                case .finished(let choice, let reason, let text):
                    collected.answers[choice].text += text
                    collected.answers[choice].finishReason = reason
                case .done(let timings): collected.timings = timings
                }
            }
        }
        return collected.withLock { $0 }
    }

    // MARK: What the wire says of it

    package func usage(_ timings: GenerationTimings) -> Usage {
        let audio = request.prompt.audioTokens
        return Usage(
            promptTokens: timings.promptTokens, completionTokens: timings.completionTokens,
            totalTokens: timings.promptTokens + timings.completionTokens,
            promptTokensDetails: PromptTokensDetails(
                audioTokens: audio, cachedTokens: timings.cachedTokens, textTokens: timings.promptTokens - audio),
            completionTokensDetails: CompletionTokensDetails())
    }

    package func cord(_ timings: GenerationTimings) -> CordExtension {
        let heard = request.prompt.clips.map { clip in
            HeardAudio(
                seconds: clip.source.seconds, sampleRate: clip.source.sampleRate, channels: clip.source.channels,
                audioTokens: clip.slots.count, sha256: clip.source.sha256, format: clip.source.format)
        }
        return CordExtension(
            weightVersion: version, audio: heard,
            timings: Timings(
                queue: timings.queued, audio: preparation + timings.encoding,
                prefill: max(0, timings.firstToken - timings.queued - timings.encoding),
                decode: max(0, timings.total - timings.firstToken), firstToken: preparation + timings.firstToken,
                total: preparation + timings.total),
            seed: Int(truncatingIfNeeded: request.options.seed))
    }

    package func logprob(_ value: TokenLogProbability) -> TokenLogprob {
        func words(_ id: Int32) -> (text: String, bytes: [UInt8]) {
            let bytes = Array(tokenizer.bytes(of: Int(id)))
            return (String(decoding: bytes, as: UTF8.self), bytes)
        }
        let chosen = words(value.token)
        return TokenLogprob(
            token: chosen.text, logprob: Double(value.logProbability), bytes: chosen.bytes,
            topLogprobs: value.top.map { candidate in
                let word = words(candidate.token)
                return TopLogprob(token: word.text, logprob: Double(candidate.logProbability), bytes: word.bytes)
            })
    }

    /// The answer apart from its reasoning, as `/v1/answers` and the command line give it.
    package func answer(_ completion: Completion, _ timings: GenerationTimings) -> Answer {
        let split = AnswerSplit(completion.text)
        return Answer(
            id: id, created: created, model: model, weightVersion: version, answer: split.answer,
            reasoning: split.reasoning, text: completion.text, finishReason: .init(completion.finishReason),
            usage: usage(timings), cord: cord(timings))
    }
}

extension API.FinishReason {
    init(_ reason: Generation.FinishReason) {
        self =
            switch reason {
            case .stop: .stop
            case .length: .length
            }
    }
}
