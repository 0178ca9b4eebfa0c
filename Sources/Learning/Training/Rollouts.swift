import Generation
package import Judging
import Models
import Objectives
import Tokenization

/// Decides whether a response gives the same answer to a question as a reference.
package typealias AnswerJudge =
    @Sendable (_ question: String, _ response: String, _ reference: String) async throws -> Verdict

extension AnswerMatch {
    /// The judge by rules, with its default settings.
    package static let judge: AnswerJudge = { _, response, reference in AnswerMatch().verdict(response: response, reference: reference) }
}

/// An answer as it was sampled, by the engine or by a client.
package struct SampledAnswer: Sendable, Equatable {
    /// Includes the token that ended the answer, unless it was cut.
    package var tokens: [Int32]
    package var text: String
    /// The log-probability of each token, nil if unknown. The engine reports them at temperature 1, clients at their sampler's own.
    package var logProbabilities: [Float?]
    /// The number of tokens before the end of the turn.
    package var length: Int
    /// Whether the answer was cut before its end.
    package var isCut = false
    package var isSupplied = false
    /// log q of each token by a teacher behind an address.
    var teacherLogProbabilities: [Float]?

    /// An answer of the engine to a request that reports the end token.
    init(_ completion: Completion) {
        tokens = completion.tokens
        text = completion.text
        isCut = completion.finishReason == .length
        length = completion.tokens.count - (isCut ? 0 : 1)
        logProbabilities = completion.logProbabilities.map(\.logProbability)
    }

    /// A remembered answer.
    init(tokens: [Int32], text: String, logProbabilities: [Float?], isCut: Bool) {
        self.tokens = tokens
        self.text = text
        self.logProbabilities = logProbabilities
        self.isCut = isCut
        length = tokens.count - (isCut ? 0 : 1)
    }

    /// A given text, as an answer that ended.
    init(text: String, model: LoadedModel) throws {
        tokens = try model.tokens(text) + [model.turnEnd]
        self.text = text
        length = tokens.count - 1
        logProbabilities = Array(repeating: nil, count: tokens.count)
    }

    /// A client's rollout. A cut one has no end token; an ended one has the token that ended it, the turn's own if the client named none.
    init(_ rollout: TrainingPair.Rollout, model: LoadedModel) throws {
        tokens = try rollout.tokens ?? model.tokens(rollout.text ?? "")
        let vocabulary = model.model.vocabularySize
        if let other = tokens.first(where: { $0 < 0 || $0 >= vocabulary }) {
            throw UnusablePair("a rollout has the token \(other); the vocabulary ends at \(vocabulary - 1)")
        }
        logProbabilities = rollout.logProbabilities.map { $0.map(Float.init) } ?? Array(repeating: nil, count: tokens.count)
        guard logProbabilities.count == tokens.count else {
            throw UnusablePair("a rollout has \(tokens.count) tokens with \(logProbabilities.count) log-probabilities; each token needs its own")
        }
        let hasEnd = tokens.last.map(model.endTokens.contains) ?? false
        // Tokens without a text are taken as they are.
        let reason = rollout.finishReason ?? (rollout.tokens == nil || hasEnd ? .stop : .length)
        if reason == .length, hasEnd { throw UnusablePair("a rollout was cut and yet ends with the token \(tokens.last ?? 0), which ends an answer") }
        if reason == .stop, !hasEnd {
            tokens.append(model.turnEnd)
            logProbabilities.append(nil)
        }
        isCut = reason == .length
        length = tokens.count - (isCut ? 0 : 1)
        text = rollout.text ?? model.tokenizer.decode(tokens.prefix(length).map { TokenID($0) })
        isSupplied = true
    }
}

/// The answers that one pair learns from.
struct PairRollouts: Sendable {
    var token: SampledAnswer?
    var group: [SampledAnswer] = []
    var rewards: [Float] = []
    var advantages: [Float] = []
    var teacherAnswer: SampledAnswer?
}

/// Collects a pair's answers from the serving engine, and their rewards from a judge or the caller's own reward.
///
/// The spoken prompt is computed once: the group starts when the token rollout's prompt is in the engine's cache.
struct RolloutCollector: Sendable {
    let engine: Engine
    let objective: Objective
    let student: WeightVersion?
    let teacher: WeightVersion?
    let judge: AnswerJudge
    let reward: Reward?
    /// The teacher if it is not computed here.
    let scorer: TeacherEndpoint?

    /// `seed` names the pair's random streams; `known` is the teacher's answer if it is known already.
    func collect(
        _ pair: TrainingPair, prompt: Prompt, teacherPrompt: Prompt, seed: UInt64, known: SampledAnswer?
    ) async throws -> PairRollouts {
        async let answered = teacherAnswer(of: pair, teacherPrompt, seed: seed, known: known)
        var result = PairRollouts()
        // The teacher's answer serves as a draft of the rollouts if that saves time.
        let draft = engine.limits.drafting == .off || pair.rollouts != nil ? [] : try await answered?.tokens ?? []
        if let supplied = pair.rollouts {
            let answers = try supplied.map { try SampledAnswer($0, model: engine.model) }
            if objective.reads(.student) { result.token = answers.first }
            if objective.reads(.group) { result.group = answers }
        } else {
            (result.token, result.group) = try await sample(prompt, seed: seed, draft: draft)
        }
        result.teacherAnswer = try await answered
        try check(result)
        if let scorer, let token = result.token {
            result.token?.teacherLogProbabilities = try await scorer.logProbabilities(
                of: token.tokens, after: teacherPrompt.tokens, engine.model.tokenizer)
        }
        if objective.needs(.rewards, of: .group) { try await judgeGroup(of: pair, &result) }
        return result
    }

    private func check(_ rollouts: PairRollouts) throws {
        if let token = rollouts.token, token.length == 0 { throw UnusablePair("the rollout has length 0") }
        if !rollouts.group.isEmpty, rollouts.group.allSatisfy({ $0.length == 0 }) {
            throw UnusablePair("all \(rollouts.group.count) rollouts of the group have length 0")
        }
        if rollouts.teacherAnswer?.length == 0 {
            throw UnusablePair("the teacher's answer has length 0")
        }
    }

    private func judgeGroup(of pair: TrainingPair, _ rollouts: inout PairRollouts) async throws {
        let supplied = pair.rollouts?.map(\.advantage)
        if let supplied, supplied.allSatisfy({ $0 != nil }) {
            rollouts.advantages = supplied.map { Float($0!) }
            return
        }
        guard let reference = objective.reference == .gold ? pair.answer : rollouts.teacherAnswer?.text else {
            throw UnusablePair("there is no answer to judge by")
        }
        rollouts.rewards = try await rewards(of: rollouts.group.map(\.text), to: pair, reference)
        rollouts.advantages = objective.advantages(rewards: rollouts.rewards)
        for (index, advantage) in (supplied ?? []).enumerated() {
            if let advantage { rollouts.advantages[index] = Float(advantage) }
        }
    }

    private func rewards(of answers: [String], to pair: TrainingPair, _ reference: String) async throws -> [Float] {
        if let reward {
            return try await reward.rewards(
                for: RewardRequest(audioID: pair.id, question: pair.text, reference: reference, gold: pair.answer, rollouts: answers))
        }
        return try await withThrowingTaskGroup(of: (Int, Float).self) { group in
            for (index, answer) in answers.enumerated() {
                group.addTask { (index, try await judge(pair.text, answer, reference).reward) }
            }
            return try await group.reduce(into: Array(repeating: 0, count: answers.count)) { $0[$1.0] = $1.1 }
        }
    }

    private func teacherAnswer(
        of pair: TrainingPair, _ prompt: Prompt, seed: UInt64, known: SampledAnswer?
    ) async throws -> SampledAnswer? {
        // No judging is needed if every advantage is supplied.
        let isJudged = pair.rollouts.map { $0.contains { $0.advantage == nil } } ?? true
        guard objective.reads(.teacher) || (objective.needsTeacherAnswer && isJudged) else { return nil }
        if let known { return known }
        return try await answers(request(prompt, objective.teacherTemperature, seed: seed ^ 2, teacher)).first
    }

    private func sample(_ prompt: Prompt, seed: UInt64, draft: [Int32]) async throws -> (SampledAnswer?, [SampledAnswer]) {
        var many = request(prompt, objective.sequenceTemperature, seed: seed ^ 1, student)
        many.draft = draft
        many.options.count = objective.rollouts
        guard objective.reads(.student) else { return (nil, objective.reads(.group) ? try await answers(many) : []) }
        var single = request(prompt, objective.tokenTemperature, seed: seed, student)
        single.draft = draft
        guard objective.reads(.group) else { return (try await answers(single).first, []) }
        return try await withThrowingTaskGroup(of: [SampledAnswer].self) { [many] group in
            var answer = Answers()
            var isRead = false
            for try await event in try engine.generate(single) {
                if !isRead {
                    isRead = true
                    group.addTask { try await answers(many) }
                }
                answer.take(event)
            }
            try Task.checkCancellation()
            return (SampledAnswer(answer.answers[0]), try await group.next() ?? [])
        }
    }

    private func answers(_ request: GenerationRequest) async throws -> [SampledAnswer] {
        try await engine.complete(request).answers.map { SampledAnswer($0) }
    }

    private func request(
        _ prompt: Prompt, _ temperature: Double, seed: UInt64, _ version: WeightVersion?
    ) -> GenerationRequest {
        var options = SamplingOptions()
        options.temperature = temperature
        options.maxTokens = objective.maxRolloutTokens
        options.seed = seed
        options.logProbabilities = 0
        options.tellsEnd = true
        return GenerationRequest(prompt: prompt, options: options, version: version, isLowPriority: true)
    }
}

/// Why a step skipped a pair.
struct UnusablePair: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
