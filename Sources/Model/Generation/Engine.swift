import Foundation
import Models
import Synchronization

/// Answers prompts with one model, many at a time.
///
/// All work happens on one thread of the engine's own, so that arithmetic never occupies Swift's cooperative threads. Each step of the
/// loop takes in new requests, encodes their clips, and runs one forward pass in which prompts being read and answers being
/// written share a ragged batch (continuous batching). Every row is computed alike whatever shares its batch, so an answer
/// depends on the request alone.
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

    /// Who is told.
    enum Listener: Sendable {
        /// Each event as it happens.
        case each(AsyncThrowingStream<GenerationEvent, any Error>.Continuation)
        /// All at the end: a caller that waits for the whole is woken once, not for every token.
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
        let thread = Thread { [weak self, work] in
            guard let loop = self.map(EngineLoop.init) else { return }
            while true {
                switch Self.turn(of: loop, engine: { self }) {
                case .worked: break
                case .idle: work.wait()
                case .over: return loop.end()
                }
            }
        }
        thread.name = "cord.engine"
        thread.stackSize = 16 << 20
        thread.start()
    }

    private enum Turn { case worked, idle, over }

    /// A function of its own, so that the engine is held only while there is something to do: an abandoned engine ends.
    @inline(never)
    private static func turn(of loop: EngineLoop, engine: () -> Engine?) -> Turn {
        guard let engine = engine(), loop.takeIn(engine) else { return .over }
        return loop.step(engine) ? .worked : .idle
    }

    deinit { stop() }

    /// Ends the loop; answers under way fail with ``EngineError/stopped``.
    package func stop() {
        inbox.withLock { $0.isStopped = true }
        work.signal()
    }

    /// Starts to answer. Errors that can be known at once are thrown here; ending the stream early cancels the work.
    package func generate(_ request: GenerationRequest) throws -> AsyncThrowingStream<GenerationEvent, any Error> {
        try submit(request, Listener.each)
    }

    private func submit<Told: Sendable>(
        _ request: GenerationRequest, _ listener: (AsyncThrowingStream<Told, any Error>.Continuation) -> Listener
    ) throws -> AsyncThrowingStream<Told, any Error> {
        var request = request
        // No answer outgrows the context, whatever it was promised.
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

    /// The whole answers to a request, in the order of their choices.
    package func complete(_ request: GenerationRequest) async throws -> (answers: [Completion], GenerationTimings) {
        let whole = try await answers(request)
        return (whole.answers, whole.timings)
    }

    /// The whole answers to a request, with what was scored of its prompt.
    package func answers(_ request: GenerationRequest) async throws -> Answers {
        var answers = Answers(request.options.count)
        for try await events in try submit(request, Listener.all) {
            for event in events { answers.take(event) }
        }
        try Task.checkCancellation()
        return answers
    }

    /// Drops what is remembered for a weight version that no one will ask for again.
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

    /// Blocks of keys and values that fit into ``EngineLimits/cacheBytes``.
    var blockLimit: Int { max(1, limits.cacheBytes / model.model.decoder.cacheShape.blockBytes) }

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
