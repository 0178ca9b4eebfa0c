package import Generation
package import Judging
package import Models
import Objectives
import Synchronization
import Tensors

/// Closes the gap step by step: audio-text pairs go in, a changed live version comes out.
///
///     pairs → prompts → rollouts (engine) → rewards (judge) → packed passes, forward and backward → clip → AdamW
///
/// The trainer computes on its own thread. It owns the live version; only snapshots are served.
package actor Trainer {
    package nonisolated let engine: Engine
    package nonisolated let plan: AdapterPlan
    package private(set) var options: TrainingOptions
    private nonisolated let thread = TrainingThread()
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    let weights: TrainableWeights
    let moments: [(m: Tensor, v: Tensor)]
    /// The number of steps so far, including dropped ones. It names random streams and sets the place in the schedule.
    package internal(set) var steps = 0
    /// The number of steps that changed the weights.
    package internal(set) var updates = 0
    let judge: AnswerJudge
    /// Gives rewards instead of the judge.
    let reward: Reward?
    /// The teacher if the objective's teacher is frozen; nil for the base weights.
    let teacher: WeightVersion?
    /// The teacher of the token term if another server computes it.
    let scorer: TeacherEndpoint?
    /// Distinguishes the trainers of a process in the names of their live versions.
    let number: Int
    /// The frozen teacher's greedy answers so far.
    private(set) var teacherAnswers: TeacherAnswers
    private var isBusy = false

    /// The teacher if the objective's teacher is frozen.
    package enum FrozenTeacher: Sendable {
        /// The weights that the training begins with.
        case parent
        /// The model itself, for instance after a warm start that should not teach.
        case base
        case version(WeightVersion)
        /// One behind an address. What it is not asked for, such as answers to replayed prompts, is that of ``parent``.
        case endpoint(TeacherEndpoint)
    }

    private static let trainers = Atomic<Int>(0)

    /// Begins at `parent`; nil for the base weights. With `reward`, the judge only decides what validation counts as right.
    package init(
        engine: Engine, plan: AdapterPlan, options: TrainingOptions, parent: WeightVersion? = nil, teacher: FrozenTeacher = .parent,
        judge: @escaping AnswerJudge, reward: Reward? = nil, answers: TeacherAnswers = TeacherAnswers()
    ) throws {
        try options.check()
        if plan.isFull, options.adapterDropout ?? 0 > 0 {
            throw TrainingError.options("lora_dropout: expected nothing where the parameters themselves are trained")
        }
        if case .endpoint = teacher, options.objective.method != .opdSampled || options.objective.teacher == .current {
            throw TrainingError.options(
                "a teacher behind an address tells the log-probabilities of sampled tokens alone, which is enough for the method opd_sampled")
        }
        self.engine = engine
        self.plan = plan
        self.options = options
        self.judge = judge
        self.reward = reward
        teacherAnswers = answers
        self.teacher =
            switch teacher {
            case .parent, .endpoint: parent
            case .base: nil
            case .version(let version): version
            }
        scorer = if case .endpoint(let endpoint) = teacher { endpoint } else { nil }
        number = Self.trainers.wrappingAdd(1, ordering: .relaxed).newValue
        weights = try TrainableWeights(plan, model: engine.model.model, parent: parent, seed: options.seed)
        moments = weights.entries.map {
            (Tensor(zeros: $0.tensor.rows, $0.tensor.columns), Tensor(zeros: $0.tensor.rows, $0.tensor.columns))
        }
    }

    package var parameterCount: Int { weights.parameterCount }

    /// ``AdapterPlan/frozen(in:)``
    package var frozen: [String] { get throws { try plan.frozen(in: engine.model.model) } }

    /// The current weights as a version to serve.
    package func snapshot(id: String) -> WeightVersion { weights.snapshot(id: id, dropout: options.adapterDropout ?? 0) }

    /// Takes one step on a batch, and on prompts that are replayed with it (``RowUse/replay``). An unusable pair is reported with its reason, and
    /// the others are used. Throws if no pair is left or a ``Reward`` fails; nothing has changed then. If gradients are not finite, the weights
    /// stay and the report says so.
    package func step(_ pairs: [TrainingPair], replaying rows: [TrainingPair] = []) async throws -> StepReport {
        try await alone { try await take(pairs, rows) }
    }

    /// Excludes other callers while `body` waits for the engine.
    func alone<Result>(_ body: () async throws -> Result) async throws -> Result {
        if isBusy { throw TrainingError.busy }
        isBusy = true
        defer { isBusy = false }
        return try await body()
    }

    /// What a step on the batch would do, as its first update sees it. Weights, moments and streams do not change.
    package func score(_ pairs: [TrainingPair], replaying rows: [TrainingPair] = []) async throws -> StepReport {
        try await alone {
            let timer = PhaseTimer()
            var (work, replays, metrics, start) = try await answered(pairs, rows, timer)
            let batch = try batch(&work, &replays)
            let (tape, scored) = learn(batch, timer)
            summarise(batch, scored, &work, &replays, &metrics)
            metrics.clipFraction = clipFraction(batch, scored)
            var dropped: String?
            switch gradients(on: tape).norm {
            case .success(let norm): metrics.gradNorm = norm
            case .failure(let error): (metrics.gradNorm, dropped) = (.nan, error.description)
            }
            timer.add(.total, since: start)
            return report(step: steps + 1, metrics, work, replays, timer, dropped: dropped)
        }
    }

    /// The answers of the usable part of a batch, and the initial report of their step.
    private func answered(
        _ pairs: [TrainingPair], _ rows: [TrainingPair], _ timer: PhaseTimer
    ) async throws -> (work: [Work], replays: [Replay], metrics: StepMetrics, start: ContinuousClock.Instant) {
        let start = ContinuousClock.now
        var work = prepare(pairs)
        async let replayed = replays(rows, beside: pairs)
        try await sample(&work)
        let replays = try await replayed
        timer.add(.rollouts, since: start)
        try Task.checkCancellation()
        try Self.checkUsable(work)
        var metrics = StepMetrics()
        metrics.learningRate = options.optimizer.learningRate * options.schedule.factor(step: steps)
        return (work, replays, metrics, start)
    }

    private func take(_ pairs: [TrainingPair], _ rows: [TrainingPair]) async throws -> StepReport {
        let timer = PhaseTimer()
        var (work, replays, metrics, start) = try await answered(pairs, rows, timer)
        var batch = try batch(&work, &replays)
        var dropped: String?
        for update in 0..<options.objective.updatesPerRollout where dropped == nil {
            let (tape, scored) = learn(batch, update: update, timer)
            if update == 0 {
                summarise(batch, scored, &work, &replays, &metrics)
                batch.remember(scored)
            }
            metrics.clipFraction = clipFraction(batch, scored)
            dropped = timer.measure(.optimizer) { self.update(by: tape, &metrics, isFirst: update == 0) }
            if dropped != nil, update > 0 { dropped = "after \(update) of \(options.objective.updatesPerRollout) updates, \(dropped!)" }
        }
        steps += 1
        timer.add(.total, since: start)
        return report(step: steps, metrics, work, replays, timer, dropped: dropped)
    }

    /// Throws if no pair is left.
    static func checkUsable(_ work: [Work]) throws {
        if work.contains(where: { $0.outcome.isApplied }) { return }
        throw TrainingError.noUsablePair(work.map { "\($0.outcome.id): \($0.outcome.reason ?? "")" })
    }

    private func report(
        step: Int, _ metrics: StepMetrics, _ work: [Work], _ replays: [Replay], _ timer: PhaseTimer, dropped: String?
    ) -> StepReport {
        StepReport(
            step: step, metrics: metrics, pairs: work.map(\.outcome), replays: replays.map(\.outcome),
            timings: StepTimings(
                rollouts: timer[.rollouts], scoring: timer[.scoring], backward: timer[.backward],
                optimizer: timer[.optimizer], total: timer[.total]),
            dropped: dropped)
    }

    /// Continues with other options: the next step uses the new objective or learning rate; weights and moments stay.
    package func configure(_ options: TrainingOptions) {
        self.options = options
        teacherAnswers = TeacherAnswers()
    }

    /// Counts a step without usable pairs, so that later steps keep their streams and their place in the schedule.
    package func skipStep() { steps += 1 }

    /// A gradient that is not finite.
    private struct NotFinite: Error, CustomStringConvertible {
        let description: String
    }

    /// The gradients of all entries and their global norm, or why there is none.
    private func gradients(on tape: Tape) -> (gradients: [Tensor], norm: Result<Double, NotFinite>) {
        let gradients = weights.entries.map {
            tape.gradient(of: $0.tensor) ?? Tensor(zeros: $0.tensor.rows, $0.tensor.columns)
        }
        var total = 0.0
        for (entry, gradient) in zip(weights.entries, gradients) {
            let squares = sumOfSquares(gradient)
            if !squares.isFinite { return (gradients, .failure(NotFinite(description: "the gradient of \(entry.name) is not finite"))) }
            total += squares
        }
        return (gradients, .success(total.squareRoot()))
    }

    /// Updates the weights by the gradients on `tape`. If they are not finite, returns why nothing changed. The metrics keep the norm of the step's
    /// first update.
    private func update(by tape: Tape, _ metrics: inout StepMetrics, isFirst: Bool) -> String? {
        let (gradients, found) = gradients(on: tape)
        let norm: Double
        switch found {
        case .success(let value): norm = value
        case .failure(let error):
            metrics.gradNorm = .nan
            return error.description
        }
        if isFirst { metrics.gradNorm = norm }
        if let limit = options.maxGradientNorm, norm > limit {
            for gradient in gradients { scale(gradient, by: Float(limit / (norm + 1e-6))) }
        }
        updates += 1
        for ((entry, gradient), (m, v)) in zip(zip(weights.entries, gradients), moments) {
            options.optimizer.update(
                entry.tensor, m, v, gradient: gradient, rate: metrics.learningRate, step: updates)
        }
        return nil
    }
}
