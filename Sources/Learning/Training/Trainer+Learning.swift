import Generation
import Models
import Objectives
import Randomness
import Tensors

/// From answers to gradients.
extension Trainer {
    /// The answers of a pair that have a gradient, behind one prompt, each with its index among the reported rollouts.
    struct Prepared {
        enum Origin {
            case pair(Int)
            case replay(Int)
        }

        /// The pair or replay whose report it belongs to.
        let origin: Origin
        var pair: PreparedPair
        let places: [Int]

        init(_ origin: Origin, _ prompt: Prompt, teacher: Prompt, _ trained: [(Int, PreparedPair.Answer)], stream: UInt64) {
            self.origin = origin
            pair = PreparedPair(prompt: prompt, teacherPrompt: teacher, answers: trained.map(\.1), stream: stream)
            places = trained.map(\.0)
        }

        /// The number of tokens of the longest sequence.
        var length: Int {
            max(pair.prompt.tokens.count, pair.teacherPrompt.tokens.count) + (pair.answers.map(\.tokens.count).max() ?? 0)
        }
    }

    /// A pair's answers: rollouts share its prompt, while each imitation target has a separate one.
    private func prepare(_ index: Int, _ work: Work) throws -> (reported: [RolloutOutcome], prepared: [Prepared]) {
        let stream = stream(of: work.pair)
        guard work.targets.isEmpty else {
            let answers = try work.targets.map { try SampledAnswer(text: $0.answer, model: engine.model) }
            let reported = answers.map { RolloutOutcome(source: .gold, text: $0.text, tokenCount: $0.length) }
            let prepared = zip(work.targets, answers).enumerated().map { place, target in
                let answer = PreparedPair.Answer(
                    source: .gold, tokens: target.1.tokens, samplerLogProbabilities: target.1.logProbabilities)
                return Prepared(
                    .pair(index), target.0.prompt, teacher: target.0.prompt, [(place, answer)],
                    stream: RandomStream(seed: stream, index: place).first)
            }
            return (reported, prepared)
        }
        let (reported, trained) = answers(of: work)
        return (reported, [Prepared(.pair(index), work.prompt, teacher: work.teacherPrompt, trained, stream: stream)])
    }

    private func answers(of work: Work) -> (reported: [RolloutOutcome], trained: [(Int, PreparedPair.Answer)]) {
        var reported: [RolloutOutcome] = []
        var trained: [(Int, PreparedPair.Answer)] = []
        func add(_ source: AnswerSource, _ sampled: SampledAnswer, reward: Float? = nil, advantage: Float? = nil) {
            reported.append(
                RolloutOutcome(
                    source: source, text: sampled.text, tokenCount: sampled.length, isCut: sampled.isCut, reward: reward.map(Double.init),
                    advantage: advantage.map(Double.init)))
            // A rollout without advantage has no gradient, so its pass is skipped.
            if advantage == 0, !options.objective.regularisesGroup { return }
            trained.append(
                (
                    reported.count - 1,
                    PreparedPair.Answer(
                        source: source, tokens: sampled.tokens, samplerLogProbabilities: policy(source, sampled),
                        behaviourLogProbabilities: sampled.isSupplied ? sampled.logProbabilities : [],
                        teacherLogProbabilities: sampled.teacherLogProbabilities, advantage: advantage ?? 0,
                        groupSize: max(1, work.rollouts.group.count))
                ))
        }
        let rollouts = work.rollouts
        if let token = rollouts.token { add(.student, token) }
        for (index, sampled) in rollouts.group.enumerated() {
            add(
                .group, sampled, reward: index < rollouts.rewards.count ? rollouts.rewards[index] : nil,
                advantage: index < rollouts.advantages.count ? rollouts.advantages[index] : nil)
        }
        if options.objective.reads(.teacher), let answer = rollouts.teacherAnswer { add(.teacher, answer) }
        return (reported, trained)
    }

    /// The log-probabilities for the ratios of the first update. A client reports what its rollout was drawn from, which is that policy unless it
    /// is corrected for. The engine reports them at temperature 1.
    private func policy(_ source: AnswerSource, _ sampled: SampledAnswer) -> [Float?] {
        guard source == .group else { return sampled.logProbabilities }
        return switch options.objective.estimator {
        case .unitTemperature: sampled.logProbabilities
        case .samplingTemperature: sampled.isSupplied ? sampled.logProbabilities : []
        case .importance: sampled.isSupplied ? [] : sampled.logProbabilities
        }
    }

    /// Everything that the updates of a step learn from.
    struct LearningBatch {
        var prepared: [Prepared] = []
        var counts = BatchCounts(pairs: 0)

        /// Makes later updates take their ratios relative to the weights that scored the answers first.
        mutating func remember(_ scored: [[ScoredAnswer]]) {
            for (index, answers) in scored.enumerated() { prepared[index].pair = prepared[index].pair.against(answers) }
        }
    }

    /// The answers of all usable pairs and replays. Throws if no pair is left, because a step without a gradient would still decay the weights.
    func batch(_ work: inout [Work], _ replays: inout [Replay]) throws -> LearningBatch {
        var prepared: [Prepared] = []
        for index in work.indices where work[index].outcome.isApplied {
            do {
                let (reported, parts) = try prepare(index, work[index])
                let length = parts.map(\.length).max() ?? 0
                if length > engine.model.model.contextLength {
                    throw UnusablePair("prompt and answer have \(length) tokens, the model's context \(engine.model.model.contextLength)")
                }
                work[index].outcome.rollouts = reported
                prepared += parts
            } catch {
                work[index].outcome.reason = "\(error)"
            }
        }
        try Self.checkUsable(work)
        let applied = work.indices.filter { work[$0].outcome.isApplied }
        let groups = applied.map { work[$0].rollouts.group }
        let replayed = prepare(&replays)
        let counts = BatchCounts(
            pairs: applied.count,
            sequenceTokens: groups.reduce(0) { $0 + $1.reduce(0) { $0 + $1.tokens.count } }, replays: replayed.count)
        return LearningBatch(prepared: prepared + replayed, counts: counts)
    }

    /// Scores all answers and runs the backward pass, split by ``TrainingOptions/passRows``. The gradients are on the tape; the scored answers are
    /// in the order of the batch.
    ///
    /// - Parameter update: The number of the update on this batch; each one draws new dropout masks.
    func learn(_ batch: LearningBatch, update: Int = 0, _ timer: PhaseTimer) -> (tape: Tape, scored: [[ScoredAnswer]]) {
        let pairs = batch.prepared.map { $0.pair.drawing(update) }
        let pass = GradientPass(
            model: engine.model.model, arithmetic: engine.model.arithmetic, objective: options.objective,
            weights: weights, frozenTeacher: teacher, reference: weights.parent, counts: batch.counts, dropout: options.adapterDropout ?? 0,
            embeddings: engine.embeddings, timer: timer)
        let passes = passGroups(pairs)
        let tape = Tape(recomputing: passes.contains { activationBytes($0.map { pairs[$0] }) > Self.activationLimit })
        weights.watch(on: tape)
        var scored = [[ScoredAnswer]](repeating: [], count: pairs.count)
        for group in passes {
            for (place, answers) in zip(group, pass(group.map { pairs[$0] }, on: tape)) { scored[place] = answers }
        }
        return (tape, scored)
    }

    /// The summary of a step, as its first update sees it.
    func summarise(
        _ batch: LearningBatch, _ scored: [[ScoredAnswer]], _ work: inout [Work], _ replays: inout [Replay], _ metrics: inout StepMetrics
    ) {
        var summary = StepSummary(objective: options.objective, pairs: batch.counts.pairs)
        for (item, answers) in zip(batch.prepared, scored) where !answers.isEmpty {
            switch item.origin {
            case .pair(let index): summary.add(item.pair.answers, answers, places: item.places, to: &work[index].outcome)
            case .replay(let index): summary.add(item.pair.answers, answers, places: item.places, to: &replays[index].outcome)
            }
        }
        let applied = work.indices.filter { work[$0].outcome.isApplied }
        summary.rewards = applied.flatMap { work[$0].rollouts.rewards }
        let sampled = applied.filter { work[$0].pair.rollouts == nil }
        metrics.rolloutTokens = sampled.reduce(0) { total, index in
            let rollouts = work[index].rollouts
            return total + (rollouts.token?.tokens.count ?? 0) + rollouts.group.reduce(0) { $0 + $1.tokens.count }
        }
        summary.finish(&metrics)
    }

    /// The share of the group's tokens with a clipped ratio; nil without clipping.
    func clipFraction(_ batch: LearningBatch, _ scored: [[ScoredAnswer]]) -> Double? {
        guard options.objective.clipRatio != nil else { return nil }
        var (clipped, count) = (0, 0)
        for (item, answers) in zip(batch.prepared, scored) {
            for (answer, scored) in zip(item.pair.answers, answers) where answer.source == .group && answer.advantage != 0 {
                clipped += scored.coefficients.logProbability.count { $0 == 0 }
                count += answer.tokens.count
            }
        }
        return count > 0 ? Double(clipped) / Double(count) : nil
    }

    /// Activations of a pass up to this size are kept for the backward pass. Above it, layers are recomputed.
    private static let activationLimit = 512 << 20

    /// An estimate of what a pass keeps for the backward pass.
    private func activationBytes(_ pairs: [PreparedPair]) -> Int {
        let model = engine.model.model
        var floats = model.decoder.activations(
            rows: pairs.reduce(0) { $0 + PackedBatch.rowCount($1.prompt, answers: $1.answers.map(\.tokens)) })
        if let audio = model.audio, weights.trainsHearing {
            floats += audio.activations(frames: pairs.reduce(0) { $0 + $1.prompt.clips.reduce(0) { $0 + $1.frames } })
        }
        return 4 * floats
    }

    private func passGroups(_ pairs: [PreparedPair]) -> [[Int]] {
        var groups: [[Int]] = []
        var rows = 0
        for (index, pair) in pairs.enumerated() where !pair.answers.isEmpty {
            let more = PackedBatch.rowCount(pair.prompt, answers: pair.answers.map(\.tokens))
            if groups.isEmpty || rows + more > options.passRows {
                groups.append([])
                rows = 0
            }
            groups[groups.count - 1].append(index)
            rows += more
        }
        return groups
    }
}
