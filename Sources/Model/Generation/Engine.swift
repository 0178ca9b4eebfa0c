import Foundation
package import Models
import Synchronization
import Workers

/// Answers prompts with one model, many at a time.
///
/// All work happens on the engine's own thread, so that arithmetic never occupies Swift's cooperative threads. Each step of the loop admits new
/// requests, encodes their clips, and runs one forward pass in which prompts and growing answers share a ragged batch (continuous batching). Every
/// row is computed in the same way whatever shares its batch, so an answer depends on its request alone.
package final class Engine: Sendable {
    package let model: LoadedModel
    package let limits: EngineLimits
    package let embeddings: EmbeddingCache

    struct Inbox {
        var submitted: [Submission] = []
        var cancelled: Set<UInt64> = []
        var forgotten: [String] = []
        var waiting = 0
        var nextID: UInt64 = 0
        var isStopped = false
    }

    struct Submission: Sendable {
        let id: UInt64
        let request: GenerationRequest
        let at: ContinuousClock.Instant
        let listener: Listener
    }

    /// The receiver of a request's events.
    enum Listener: Sendable {
        /// Receives each event as it happens.
        case each(AsyncThrowingStream<GenerationEvent, any Error>.Continuation)
        /// Receives all events at the end: a caller that waits for the whole answer is woken once instead of for every token.
        case all(AsyncThrowingStream<[GenerationEvent], any Error>.Continuation)

        func finish(throwing error: EngineError? = nil) {
            switch self {
            case .each(let continuation): continuation.finish(throwing: error)
            case .all(let continuation): continuation.finish(throwing: error)
            }
        }
    }

    let inbox = Mutex(Inbox())
    let statisticsStore = Mutex(EngineStatistics())
    private let work = DispatchSemaphore(value: 0)

    package init(_ model: LoadedModel, limits: EngineLimits = EngineLimits()) {
        self.model = model
        self.limits = limits
        embeddings = EmbeddingCache(capacity: limits.embeddingBytes)
        Thread.start("cord.engine", stackSize: 16 << 20) { [weak self, work] in
            guard let loop = self.map(EngineLoop.init) else { return }
            while true {
                switch Self.round(of: loop, engine: { self }) {
                case .worked: break
                case .idle: work.wait()
                case .over: return loop.end()
                }
            }
        }
    }

    private enum Round { case worked, idle, over }

    /// A separate function, so that the engine is retained only while there is work: an abandoned engine ends.
    @inline(never)
    private static func round(of loop: EngineLoop, engine: () -> Engine?) -> Round {
        guard let engine = engine(), loop.takeIn(engine) else { return .over }
        return loop.step(engine) ? .worked : .idle
    }

    deinit {
        stop()
        // The loop, if it ever began, no longer finds what it has not taken in.
        for submission in inbox.withLock({ $0.submitted }) { submission.listener.finish(throwing: .stopped) }
    }

    /// Ends the loop. Answers in progress fail with ``EngineError/stopped``.
    package func stop() {
        inbox.withLock { $0.isStopped = true }
        work.signal()
    }

    /// Starts to answer. Errors that can be detected at once are thrown here. Ending the stream early cancels the work.
    package func generate(_ request: GenerationRequest) throws -> AsyncThrowingStream<GenerationEvent, any Error> {
        try submit(request, Listener.each)
    }

    private func submit<Told: Sendable>(
        _ request: GenerationRequest, _ listener: (AsyncThrowingStream<Told, any Error>.Continuation) -> Listener
    ) throws -> AsyncThrowingStream<Told, any Error> {
        var request = request
        // No answer may exceed the context, whatever `maxTokens` says.
        request.options.maxTokens = min(request.options.maxTokens, model.model.contextLength)
        try check(request)
        let (stream, continuation) = AsyncThrowingStream<Told, any Error>.makeStream()
        let id = try inbox.withLock { inbox in
            if inbox.isStopped { throw EngineError.stopped }
            if inbox.waiting >= limits.queue { throw EngineError.queueFull(limit: limits.queue) }
            inbox.nextID += 1
            inbox.waiting += 1
            inbox.submitted.append(Submission(id: inbox.nextID, request: request, at: .now, listener: listener(continuation)))
            return inbox.nextID
        }
        continuation.onTermination = { [weak self] reason in
            guard case .cancelled = reason, let self else { return }
            inbox.withLock { _ = $0.cancelled.insert(id) }
            work.signal()
        }
        work.signal()
        return stream
    }

    /// Waits for the complete answers, in the order of their choices.
    package func complete(_ request: GenerationRequest) async throws -> (answers: [Completion], GenerationTimings) {
        let whole = try await answers(request)
        return (whole.answers, whole.timings)
    }

    /// Waits for the complete answers and the scores of the prompt.
    package func answers(_ request: GenerationRequest) async throws -> Answers {
        var answers = Answers(request.options.count)
        for try await events in try submit(request, Listener.all) {
            for event in events { answers.take(event) }
        }
        try Task.checkCancellation()
        return answers
    }

    /// Drops everything cached for a weight version that will not be used again.
    package func forget(version: String) {
        inbox.withLock { $0.forgotten.append(version) }
        work.signal()
    }

    package var statistics: EngineStatistics {
        var statistics = statisticsStore.withLock { $0 }
        inbox.withLock { inbox in
            statistics.waiting = inbox.waiting
            statistics.waitingVersions.formUnion(inbox.submitted.compactMap(\.request.version?.id))
        }
        return statistics
    }

    /// The number of key-value blocks that fit into ``EngineLimits/cacheBytes``.
    var blockLimit: Int { max(1, limits.cacheBytes / cacheShape.blockBytes) }

    /// Of the cache that answers go through.
    package var cacheShape: KeyValueShape {
        var shape = model.model.decoder.cacheShape
        shape.format = limits.cacheFormat
        return shape
    }

    static func blocksNeeded(_ request: GenerationRequest) -> Int {
        let size = KeyValueBlock.tokens
        let prompt = (request.prompt.tokens.count + size - 1) / size
        return prompt + request.options.count * ((request.options.maxTokens + size - 1) / size + 1)
    }

    private func check(_ request: GenerationRequest) throws {
        try request.options.check()
        let tokens = request.prompt.tokens.count
        if tokens == 0 { throw EngineError.emptyPrompt }
        let vocabulary = model.model.decoder.configuration.vocabularySize
        if let other = request.prompt.tokens.first(where: { $0 < 0 || $0 >= vocabulary }) {
            throw EngineError.unknownToken(Int(other), vocabulary: vocabulary)
        }
        // A prompt that is only scored may fill the context.
        if tokens + min(1, request.options.maxTokens) > model.model.contextLength {
            throw EngineError.promptTooLong(tokens: tokens, limit: model.model.contextLength)
        }
        if let token = request.options.logitBias.keys.first(where: { $0 < 0 || $0 >= vocabulary }) {
            throw EngineError.unusableOption(name: "logit_bias", expected: "tokens from 0 to \(vocabulary - 1)", found: "\(token)")
        }
        let needed = Self.blocksNeeded(request)
        if needed > blockLimit {
            throw EngineError.tooLargeForCache(
                tokens: needed * KeyValueBlock.tokens, limit: blockLimit * KeyValueBlock.tokens)
        }
    }
}
