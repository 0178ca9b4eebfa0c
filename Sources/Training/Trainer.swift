import Audio
package import Generation
package import Models
import Objectives
import Synchronization
import Tensors

/// Closes the gap step by step: audio-text pairs in, a changed live version out.
///
///     pairs → prompts → rollouts (engine) → rewards (judge) → packed passes, forward and backward → clip → AdamW
///
/// The trainer computes on a thread of its own. It owns the live version; what is served are its snapshots.
package actor Trainer {
    package nonisolated let engine: Engine
    package nonisolated let plan: AdapterPlan
    package private(set) var options: TrainingOptions
    private nonisolated let thread = TrainingThread()
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    let weights: TrainableWeights
    let moments: [(m: Tensor, v: Tensor)]
    /// Steps so far, dropped ones included: they name random streams and the place in the schedule.
    package internal(set) var steps = 0
    /// Steps that moved the weights.
    package internal(set) var updates = 0
    private let judge: AnswerJudge
    private let number: Int
    private let embeddings = AudioEmbeddings()
    private var teacherAnswers: [String: SampledAnswer] = [:]
    private var isBusy = false

    private static let trainers = Atomic<Int>(0)

    /// Begins at `parent`, which is also the frozen teacher; nil for the base weights.
    package init(
        engine: Engine, plan: AdapterPlan, options: TrainingOptions, parent: WeightVersion? = nil,
        judge: @escaping AnswerJudge
    ) throws {
        self.engine = engine
        self.plan = plan
        self.options = options
        self.judge = judge
        number = Self.trainers.wrappingAdd(1, ordering: .relaxed).newValue
        weights = try TrainableWeights(plan, model: engine.model.model, parent: parent, seed: options.seed)
        moments = weights.entries.map {
            (Tensor(zeros: $0.tensor.rows, $0.tensor.columns), Tensor(zeros: $0.tensor.rows, $0.tensor.columns))
        }
    }

    package var parameterCount: Int { weights.parameterCount }

    /// The current weights as a version to serve.
    package func snapshot(id: String) -> WeightVersion { weights.snapshot(id: id) }

    /// Takes one step on a batch. A pair that cannot be used is reported with its reason; the others are applied. Throws where
    /// none is left. Gradients that are not finite leave the weights as they were, and the report says so.
    package func step(_ pairs: [TrainingPair]) async throws -> StepReport {
        if isBusy { throw TrainingError.busy }
        isBusy = true
        defer { isBusy = false }
        let start = ContinuousClock.now
        let timer = PhaseTimer()
        var work = prepare(pairs)
        try await sample(&work)
        timer.add(.rollouts, since: start)
        try Task.checkCancellation()
        let usable = work.filter { $0.outcome.isApplied }
        if usable.isEmpty { throw TrainingError.noUsablePair(work.map { "\($0.outcome.id): \($0.outcome.reason ?? "")" }) }

        var metrics = StepMetrics()
        metrics.learningRate = options.optimizer.learningRate * options.schedule.factor(step: steps)
        let tape = learn(&work, &metrics, timer)
        steps += 1
        let dropped = timer.measure(.optimizer) { update(by: tape, &metrics) }
        timer.add(.total, since: start)
        return StepReport(
            step: steps, metrics: metrics, pairs: work.map(\.outcome),
            timings: StepTimings(
                rollouts: timer[.rollouts], scoring: timer[.scoring], backward: timer[.backward],
                optimizer: timer[.optimizer], total: timer[.total]),
            dropped: dropped)
    }

    /// Goes on with other options: the next step has another objective or learning rate, the weights and moments stay.
    package func configure(_ options: TrainingOptions) { self.options = options }

    /// Counts a step that had nothing to learn from, so that later steps keep their streams and their place in the schedule.
    package func skipStep() { steps += 1 }

    /// One pair on its way through a step.
    private struct Work {
        let pair: TrainingPair
        var prompt = Prompt(tokens: [])
        var teacherPrompt = Prompt(tokens: [])
        var rollouts = PairRollouts()
        var outcome: PairOutcome
    }

    private func prepare(_ pairs: [TrainingPair]) -> [Work] {
        pairs.enumerated().map { index, pair in
            var work = Work(pair: pair, outcome: PairOutcome(id: pair.id, index: index))
            do {
                if pair.text.allSatisfy(\.isWhitespace) { throw UnusablePair("the text is empty") }
                let gold = options.objective.imitatesGold ? pair.solution ?? pair.answer : pair.answer
                if options.objective.needsGold, gold?.allSatisfy(\.isWhitespace) ?? true {
                    throw UnusablePair("the method needs the right answer, and the pair has none")
                }
                work.teacherPrompt = try prompt(.text(pair.text))
                if let sound = pair.sound {
                    let clip = try sound.clip(limits: AudioLimits(maxSeconds: engine.model.windowSeconds))
                    work.outcome.heard = clip.source
                    work.prompt = try prompt(.audio(clip))
                    work.outcome.audioTokens = work.prompt.audioTokens
                } else {
                    work.prompt = work.teacherPrompt
                }
            } catch {
                work.outcome.reason = "\(error)"
            }
            return work
        }
    }

    private func prompt(_ part: Message.Part) throws -> Prompt {
        let system = options.system.map { [Message(role: "system", parts: [.text($0)])] } ?? []
        return try engine.model.prompt(system + [Message(role: "user", parts: [part])])
    }

    /// Rollouts of all pairs, side by side in the engine.
    private func sample(_ work: inout [Work]) async throws {
        let live = weights.view(id: "training-\(number)-\(steps)")
        defer { engine.forget(version: live.id) }
        let objective = options.objective
        let teacher = objective.teacher == .frozen ? weights.parent : live
        let collector = RolloutCollector(
            engine: engine, objective: objective, student: live, teacher: teacher, judge: judge)
        let remembers = objective.teacher == .frozen && objective.teacherTemperature == 0
        let requests = work.indices.filter { work[$0].outcome.isApplied }.map { index in
            (
                index, work[index].pair, work[index].prompt, work[index].teacherPrompt,
                remembers ? teacherAnswers[work[index].pair.text] : nil
            )
        }
        var stream = RandomStream(seed: options.seed, index: steps + 1)
        let seeds = work.map { _ in stream.next() & ~3 }
        // The engine's queue is finite: a few hundred pairs would overflow it.
        let limit = max(1, engine.limits.queue / 8)
        let results = try await withThrowingTaskGroup(of: (Int, Result<PairRollouts, any Error>).self) { group in
            var results: [(Int, Result<PairRollouts, any Error>)] = []
            for (count, (index, pair, prompt, teacherPrompt, known)) in requests.enumerated() {
                if count >= limit, let result = try await group.next() { results.append(result) }
                group.addTask {
                    do {
                        let rollouts = try await collector.collect(
                            pair, prompt: prompt, teacherPrompt: teacherPrompt, seed: seeds[index], known: known)
                        return (index, .success(rollouts))
                    } catch let error as CancellationError {
                        throw error
                    } catch EngineError.stopped {
                        throw EngineError.stopped
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for try await result in group { results.append(result) }
            return results
        }
        for (index, result) in results {
            do {
                work[index].rollouts = try result.get()
                let answer = work[index].rollouts.teacherAnswer
                work[index].outcome.teacherAnswer = answer?.text
                if remembers, let answer { teacherAnswers[work[index].pair.text] = answer }
            } catch {
                work[index].outcome.reason = "\(error)"
            }
        }
    }

    /// The answers of a pair that have a gradient, each with its place among the rollouts that are reported.
    private func answers(of work: Work) throws -> (reported: [RolloutOutcome], trained: [(Int, PreparedPair.Answer)]) {
        var reported: [RolloutOutcome] = []
        var trained: [(Int, PreparedPair.Answer)] = []
        func add(_ role: SequenceRole, _ sampled: SampledAnswer, reward: Float? = nil, advantage: Float? = nil) {
            reported.append(
                RolloutOutcome(
                    role: role, text: sampled.text, tokenCount: sampled.length, reward: reward.map(Double.init),
                    advantage: advantage.map(Double.init)))
            // A rollout without advantage has no gradient and is not worth its pass.
            if advantage == 0 { return }
            trained.append(
                (
                    reported.count - 1,
                    PreparedPair.Answer(
                        role: role, tokens: sampled.tokens, samplerLogProbabilities: sampled.logProbabilities,
                        advantage: advantage ?? 0, groupSize: max(1, work.rollouts.group.count))
                ))
        }
        let rollouts = work.rollouts
        if let token = rollouts.token { add(.token, token) }
        for (index, sampled) in rollouts.group.enumerated() {
            add(
                .sequence, sampled, reward: index < rollouts.rewards.count ? rollouts.rewards[index] : nil,
                advantage: rollouts.advantages[index])
        }
        if options.objective.imitatesTeacher, let answer = rollouts.teacherAnswer { add(.target, answer) }
        if options.objective.imitatesGold {
            add(.target, try SampledAnswer(text: work.pair.solution ?? work.pair.answer ?? "", model: engine.model))
        }
        return (reported, trained)
    }

    /// Scores all usable pairs and runs backwards, in as many passes as ``TrainingOptions/passRows`` asks for. The gradients are
    /// on the tape that it returns.
    private func learn(_ work: inout [Work], _ metrics: inout StepMetrics, _ timer: PhaseTimer) -> Tape {
        var prepared: [(work: Int, pair: PreparedPair, places: [Int])] = []
        for index in work.indices where work[index].outcome.isApplied {
            do {
                let (reported, trained) = try answers(of: work[index])
                let longest = trained.map(\.1.tokens.count).max() ?? 0
                let length = max(work[index].prompt.tokens.count, work[index].teacherPrompt.tokens.count) + longest
                if length > engine.model.model.contextLength {
                    throw UnusablePair("prompt and answer have \(length) tokens, the model's context \(engine.model.model.contextLength)")
                }
                work[index].outcome.rollouts = reported
                let pair = PreparedPair(
                    prompt: work[index].prompt, teacherPrompt: work[index].teacherPrompt, answers: trained.map(\.1))
                prepared.append((index, pair, trained.map(\.0)))
            } catch {
                work[index].outcome.reason = "\(error)"
            }
        }
        let groups = prepared.map { work[$0.work].rollouts.group }
        let counts = BatchCounts(
            pairs: prepared.count,
            sequenceTokens: groups.reduce(0) { $0 + $1.reduce(0) { $0 + $1.tokens.count } })
        let pass = GradientPass(
            model: engine.model.model, arithmetic: engine.model.arithmetic, objective: options.objective,
            weights: weights, frozenTeacher: weights.parent, counts: counts, embeddings: embeddings, timer: timer)
        var summary = StepSummary(objective: options.objective, pairs: prepared.count)
        let passes = passGroups(prepared.map(\.pair))
        let tape = Tape(recomputing: passes.contains { activationBytes($0.map { prepared[$0].pair }) > Self.activationLimit })
        weights.watch(on: tape)
        for group in passes {
            let scored = pass(group.map { prepared[$0].pair }, on: tape)
            for (place, answers) in zip(group, scored) {
                let item = prepared[place]
                summary.add(item.pair.answers, answers, places: item.places, to: &work[item.work].outcome)
            }
        }
        summary.rewards = prepared.flatMap { work[$0.work].rollouts.rewards }
        let sampled = prepared.filter { work[$0.work].pair.rollouts == nil }
        metrics.rolloutTokens = sampled.reduce(0) { total, item in
            let rollouts = work[item.work].rollouts
            return total + (rollouts.token?.tokens.count ?? 0) + rollouts.group.reduce(0) { $0 + $1.tokens.count }
        }
        summary.finish(&metrics)
        return tape
    }

    /// Activations of one pass up to this size are kept for the backward pass; beyond it, layers are computed again.
    private static let activationLimit = 512 << 20

    /// What a pass keeps of the decoder's layers, roughly: some ten rows of the hidden size and four of the inner one.
    private func activationBytes(_ pairs: [PreparedPair]) -> Int {
        let decoder = engine.model.model.decoder.configuration
        let encoder = engine.model.model.encoder.configuration
        let rows = pairs.reduce(0) { $0 + PackedBatch.rowCount($1.prompt, answers: $1.answers.map(\.tokens)) }
        var floats = rows * decoder.layers * (10 * decoder.hiddenSize + 4 * decoder.intermediateSize)
        if weights.trainsHearing {
            let frames = pairs.reduce(0) { $0 + $1.prompt.clips.reduce(0) { $0 + $1.features.validFrames } }
            floats += frames / 2 * encoder.layers * (10 * encoder.size + 3 * encoder.innerSize)
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

    /// Moves the weights by the gradients on `tape`; where they are not finite, says why nothing moved.
    private func update(by tape: Tape, _ metrics: inout StepMetrics) -> String? {
        let gradients = weights.entries.map {
            tape.gradient(of: $0.tensor) ?? Tensor(zeros: $0.tensor.rows, $0.tensor.columns)
        }
        var total = 0.0
        for (entry, gradient) in zip(weights.entries, gradients) {
            let squares = sumOfSquares(gradient)
            if !squares.isFinite {
                metrics.gradNorm = .nan
                return "the gradient of \(entry.name) is not finite"
            }
            total += squares
        }
        metrics.gradNorm = total.squareRoot()
        if let limit = options.maxGradientNorm, metrics.gradNorm > limit {
            for gradient in gradients { scale(gradient, by: Float(limit / (metrics.gradNorm + 1e-6))) }
        }
        updates += 1
        for ((entry, gradient), (m, v)) in zip(zip(weights.entries, gradients), moments) {
            options.optimizer.update(
                entry.tensor, m, v, gradient: gradient, rate: metrics.learningRate, step: updates)
        }
        return nil
    }
}
