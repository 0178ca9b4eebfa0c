import Audio
import Models
import Structure
import Synchronization
import Tensors

/// The state of an engine's thread: waiting requests, prompts being read, growing answers.
final class EngineLoop {
    /// A request in progress.
    final class Group {
        let id: UInt64
        let request: GenerationRequest
        let listener: Engine.Listener
        /// Events held back for a listener that receives all at once.
        private var held: [GenerationEvent] = []
        let submitted: ContinuousClock.Instant
        let blocksReserved: Int
        /// The prompt's tokens for the prefix cache. Each slot of a clip has a unique number.
        var keys: [Int64] = []
        var cache: KeyValueCache
        /// The drafter that its answers begin with.
        let drafter: Drafter
        /// The number of known tokens when it last waited for another prompt that begins alike.
        var waitedAt: Int?
        /// Embeddings of the clips whose slots are still to be read.
        var embeddings: [Tensor?]
        var answers: [Answer] = []
        var unfinished: Int
        var timings = GenerationTimings()
        var isCancelled = false

        init(_ submission: Engine.Submission, shape: KeyValueShape) {
            id = submission.id
            request = submission.request
            listener = submission.listener
            submitted = submission.at
            blocksReserved = Engine.blocksNeeded(submission.request)
            cache = KeyValueCache(shape: shape)
            drafter = Drafter(draft: submission.request.draft, prompt: submission.request.prompt.tokens)
            embeddings = Array(repeating: nil, count: submission.request.prompt.clips.count)
            unfinished = submission.request.options.count
            timings.promptTokens = submission.request.prompt.tokens.count
        }

        func tell(_ event: GenerationEvent) {
            switch listener {
            case .each(let continuation): continuation.yield(event)
            case .all: held.append(event)
            }
        }

        func end() {
            timings.total = submitted.seconds
            tell(.done(timings))
            if case .all(let continuation) = listener { continuation.yield(held) }
            listener.finish()
        }

        /// Ends all answers with an error of this request only.
        func fail(_ error: EngineError) {
            for answer in answers {
                answer.isFinished = true
                answer.cache = KeyValueCache(shape: answer.cache.shape)
            }
            unfinished = 0
            listener.finish(throwing: error)
        }

        var isReading: Bool { answers.isEmpty }
        /// Clips with slots at or after the next position to read.
        var clipsToEncode: [Int] {
            embeddings.indices.filter {
                embeddings[$0] == nil && request.prompt.clips[$0].slots.last.map { $0 >= cache.count } == true
            }
        }
    }

    /// One answer of a request: its timeline in the cache and the chosen tokens.
    final class Answer {
        let choice: Int
        var cache: KeyValueCache
        var sampler: Sampler
        var text: TextAssembler
        var tokens: [Int32] = []
        var drafter: Drafter
        /// The answer's state in the form that it must have.
        var place: Structure.Place?
        var isFinished = false

        init(choice: Int, cache: KeyValueCache, sampler: Sampler, text: TextAssembler, drafter: Drafter) {
            self.choice = choice
            self.cache = cache
            self.sampler = sampler
            self.text = text
            self.drafter = drafter
        }
    }

    /// From this number of log-mel frames on, a thread that encodes them alone is faster than all threads sharing each product.
    private static let framesOfShare = 200

    let model: LoadedModel
    var waiting: [Group] = []
    var running: [Group] = []
    var prefixes = PrefixCache()
    let embeddings: EmbeddingCache
    private var clipNumbers: [String: Int64] = [:]
    private var lastClipNumber: Int64 = 0
    var statistics = EngineStatistics()
    let drafting: Drafting
    /// The cost of passes, if drafting considers it.
    let costs: DraftCosts?
    /// How often guesses were right, by source.
    var draftRates = Drafter.Source.allCases.map { _ in DraftRate() }
    private var fairShare = FairShare()
    /// Work done in the current pass for requests of low priority and for the others.
    var work = (lowPriority: 0, others: 0)

    init(_ engine: Engine) {
        model = engine.model
        embeddings = engine.embeddings
        drafting = engine.limits.drafting
        costs = drafting == .auto ? DraftCosts(measuring: engine.model, engine.cacheShape) : nil
        statistics.cacheBlockLimit = engine.blockLimit
        statistics.blockBytes = engine.cacheShape.blockBytes
    }

    /// Takes new and cancelled requests from the inbox. Returns false if the engine was stopped.
    func takeIn(_ engine: Engine) -> Bool {
        let (submitted, cancelled, forgotten, stopped) = engine.inbox.withLock { inbox in
            defer {
                inbox.submitted = []
                inbox.cancelled = []
                inbox.forgotten = []
            }
            return (inbox.submitted, inbox.cancelled, inbox.forgotten, inbox.isStopped)
        }
        let shape = engine.cacheShape
        waiting += submitted.map { Group($0, shape: shape) }
        for version in forgotten {
            prefixes.forget(version: version)
            embeddings.forget(hearing: version)
        }
        if !cancelled.isEmpty {
            for group in waiting + running where cancelled.contains(group.id) {
                group.isCancelled = true
                statistics.cancelled += 1
            }
            waiting.removeAll { $0.isCancelled }
            running.removeAll { $0.isCancelled }
        }
        return !stopped
    }

    /// Fails all remaining requests.
    func end() {
        for group in waiting + running { group.listener.finish(throwing: .stopped) }
        waiting = []
        running = []
    }

    /// Admits requests, encodes clips and runs one forward pass. Returns false if there was nothing to do.
    func step(_ engine: Engine) -> Bool {
        admit(engine)
        defer { publish(engine) }
        if running.isEmpty { return false }
        for group in running where group.isReading && group.cache.count == group.timings.cachedTokens { recall(group) }
        let pending = running + waiting
        let competed = pending.contains(where: \.request.isLowPriority) && !pending.allSatisfy(\.request.isLowPriority)
        work = (0, 0)
        encodeClips(limit: engine.limits.encoderFrames)
        forward(rowLimit: engine.limits.batchTokens)
        fairShare.account(lowPriority: work.lowPriority, others: work.others, competed: competed)
        return true
    }

    private func publish(_ engine: Engine) {
        statistics.running = running.reduce(0) { $0 + $1.unfinished }
        statistics.runningRequests = running.count
        statistics.runningVersions = Set(running.compactMap(\.request.version?.id))
        statistics.waitingVersions = Set(waiting.compactMap(\.request.version?.id))
        statistics.cacheBlocks = running.reduce(0) { $0 + $1.blocksReserved } + prefixes.blockCount
        statistics.embeddingBytes = embeddings.bytes
        engine.inbox.withLock { $0.waiting = waiting.count + $0.submitted.count }
        engine.statisticsStore.withLock { $0 = statistics }
    }

    /// Moves waiting requests to the running ones while there is room for their answers and their cache. Those of low priority come last, in order,
    /// except for one whose turn is due.
    private func admit(_ engine: Engine) {
        var sequences = running.reduce(0) { $0 + $1.request.options.count }
        var reserved = running.reduce(0) { $0 + $1.blocksReserved }
        func take(_ index: Int, places: Int, blocks: Int) -> Bool {
            let group = waiting[index]
            let many = group.request.options.count
            guard sequences == 0 || (sequences + many <= places && reserved + group.blocksReserved <= blocks) else { return false }
            waiting.remove(at: index)
            sequences += many
            reserved += group.blocksReserved
            start(group)
            return true
        }
        func first(lowPriority: Bool) -> Int? { waiting.firstIndex { $0.request.isLowPriority == lowPriority } }
        let (places, blocks) = (engine.limits.sequences, engine.blockLimit)
        defer { prefixes.shrink(to: max(0, engine.blockLimit - reserved)) }
        // While a due request waits for more room than there is, no other request may take that room.
        if fairShare.isOwed, let index = first(lowPriority: true), !take(index, places: places, blocks: blocks) { return }
        while let index = first(lowPriority: false) { if !take(index, places: places, blocks: blocks) { return } }
        while let index = first(lowPriority: true) {
            if !take(index, places: places - places / 4, blocks: blocks - blocks / 4) { return }
        }
    }

    private func start(_ group: Group) {
        group.timings.queued = group.submitted.seconds
        let prompt = group.request.prompt
        group.keys = prompt.tokens.map(Int64.init)
        for clip in prompt.clips {
            let number = clipNumber(clip.source.sha256)
            for (offset, slot) in clip.slots.enumerated() { group.keys[slot] = -(number << 24) - Int64(offset) }
        }
        statistics.requests += 1
        statistics.promptTokens += prompt.tokens.count
        statistics.audioSeconds += prompt.clips.reduce(0) { $0 + $1.source.seconds }
        running.append(group)
    }

    /// Finds the cached prefix of a prompt that has not begun. A prompt that arrived with it may have been read meanwhile.
    private func recall(_ group: Group) {
        // The row before the first scored token must be computed even if it is cached.
        let keys = group.request.scoring.map { Array(group.keys.prefix($0.start)) } ?? group.keys
        let (blocks, count) = prefixes.longestPrefix(of: keys, version: group.versionKey)
        guard count > group.cache.count else { return }
        group.cache = KeyValueCache(shape: group.cache.shape, sharing: blocks, count: count)
        statistics.cachedTokens += count - group.timings.cachedTokens
        group.timings.cachedTokens = count
    }

    /// A number that stands for a clip in prefix keys. Forgetting old clips only makes their prefixes unfindable.
    private func clipNumber(_ sha256: String) -> Int64 {
        if let known = clipNumbers[sha256] { return known }
        if clipNumbers.count >= 1 << 16 { clipNumbers = [:] }
        lastClipNumber += 1
        clipNumbers[sha256] = lastClipNumber
        return lastClipNumber
    }

    /// The running requests, oldest first, with those of low priority last, except for one whose turn is due.
    var inTurn: [Group] {
        let others = running.filter { !$0.request.isLowPriority }
        let lowPriority = running.filter(\.request.isLowPriority)
        guard fairShare.isOwed, let owed = lowPriority.first(where: \.isReading) else { return others + lowPriority }
        return [owed] + others + lowPriority.filter { $0 !== owed }
    }

    func count(_ amount: Int, for group: Group) {
        if group.request.isLowPriority { work.lowPriority += amount } else { work.others += amount }
    }

    /// Encodes the clips of prompts about to be read: as many as fit into `limit` frames, but at least one.
    private func encodeClips(limit: Int) {
        guard let audio = model.model.audio else { return }
        var batch: [(group: Group, clip: Int)] = []
        var places: [EmbeddingCache.Key: Int] = [:]
        // Those whose clip is in the batch already, with its place there.
        var again: [(group: Group, clip: Int, place: Int)] = []
        var frames = 0
        for group in inTurn where group.isReading {
            for index in group.clipsToEncode {
                let clip = group.request.prompt.clips[index]
                if let known = embeddings.find(clip.source.sha256, hearing: group.hearingKey) {
                    group.embeddings[index] = known
                    continue
                }
                let key = EmbeddingCache.Key(clip: clip.source.sha256, hearing: group.hearingKey)
                if let place = places[key] {
                    again.append((group, index, place))
                    continue
                }
                if !batch.isEmpty && frames + clip.frames > limit { continue }
                frames += clip.frames
                places[key] = batch.count
                count(audio.positionCount(clip.segments), for: group)
                batch.append((group, index))
            }
        }
        if batch.isEmpty { return }
        statistics.encodedClips += batch.count
        let start = ContinuousClock.now
        let lengths = batch.map { clip(of: $0).frames }
        let shares = Threads.shares(of: lengths, atLeast: Self.framesOfShare, enough: 2 * Self.framesOfShare)
        let parts = Threads.map(shares) { share in
            model.model.embed(
                share.map { clip(of: batch[$0]).segments }, versions: share.map { batch[$0].group.request.version },
                arithmetic: model.arithmetic)
        }
        let seconds = start.seconds
        for (share, rows) in zip(shares, parts) {
            var row = 0
            for (group, index) in share.map({ batch[$0] }) {
                let clip = group.request.prompt.clips[index]
                let part = share.count == 1 ? rows : rows.rowsCopy(row..<row + clip.slots.count)
                row += clip.slots.count
                group.embeddings[index] = part
                group.timings.encoding += seconds
                embeddings.insert(part, clip.source.sha256, hearing: group.hearingKey)
            }
        }
        for (group, index, place) in again {
            group.embeddings[index] = batch[place].group.embeddings[batch[place].clip]
            group.timings.encoding += seconds
        }
    }

    private func clip(of item: (group: Group, clip: Int)) -> Prompt.Clip { item.group.request.prompt.clips[item.clip] }
}

extension EngineLoop.Group {
    var versionKey: String { request.version?.id ?? "" }
    var hearingKey: String { request.version?.hearing ?? "" }
}

extension ContinuousClock.Instant {
    /// The seconds from this instant until now.
    var seconds: Double {
        let (seconds, attoseconds) = duration(to: .now).components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
