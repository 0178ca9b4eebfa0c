import Objectives
import Tensors

/// Sums over the scored answers of a step, for its metrics and its pairs' outcomes.
struct StepSummary {
    let objective: Objective
    let pairs: Int
    var rewards: [Float] = []
    private var loss = 0.0
    private var tokenLoss = 0.0
    private var sequenceLoss = 0.0
    private var divergence = 0.0
    private var compared = 0
    /// Positions at which the teacher's likeliest token is known.
    private var known = 0
    private var agreeing = 0
    private var trained = 0
    private var difference: Float?
    private var lengths: [Int] = []
    private var largest = 0
    private var regularised = (tokens: 0, divergence: 0.0, entropy: 0.0)
    private var replayed = (tokens: 0, divergence: 0.0, loss: 0.0)

    init(objective: Objective, pairs: Int) {
        self.objective = objective
        self.pairs = pairs
    }

    /// Adds a pair's scored answers; `places` are their indices among the outcome's rollouts.
    mutating func add(
        _ answers: [PreparedPair.Answer], _ scored: [ScoredAnswer], places: [Int], to outcome: inout PairOutcome
    ) {
        var pairDivergence = 0.0
        var pairCompared = 0
        for ((answer, scored), place) in zip(zip(answers, scored), places) {
            let divergences = objective.divergences(scored.measures, of: answer.source)
            loss += scored.coefficients.loss
            if answer.source == .student { tokenLoss += scored.coefficients.loss }
            if answer.source == .group { sequenceLoss += scored.coefficients.loss }
            trained += answer.tokens.count
            add(answer, scored)
            difference = [difference, scored.logProbabilityDifference].compactMap { $0 }.max()
            if let divergences, answer.source != .replay {
                pairCompared += divergences.count
                pairDivergence += divergences.reduce(0) { $0 + Double($1) }
                agreeing += scored.measures.count { $0.argmax == $0.teacherArgmax }
                known += scored.measures.count(where: \.knowsTeacher)
            }
            let share = scored.coefficients.scaled(by: 1 / Double(max(1, pairs)))
            let isReferred = answer.source == .group && objective.needs(.referenceLogProbabilities, of: .group)
            outcome.rollouts[place].tokens = answer.tokens.indices.map { t in
                let sampler = t < answer.samplerLogProbabilities.count ? answer.samplerLogProbabilities[t] : nil
                return TokenOutcome(
                    token: answer.tokens[t], logProbability: sampler ?? scored.measures[t].logProbability,
                    divergence: divergences == nil ? nil : scored.measures[t].reverseKL, weight: scored.weights?[t],
                    measures: scored.measures[t], isCompared: divergences != nil || isReferred,
                    coefficients: .init(
                        reverseKL: share.reverseKL[t], forwardKL: share.forwardKL[t], logProbability: share.logProbability[t],
                        entropy: share.entropy[t]))
            }
        }
        divergence += pairDivergence
        compared += pairCompared
        if pairCompared > 0 { outcome.klMean = pairDivergence / Double(pairCompared) }
        let rewards = outcome.rollouts.compactMap(\.reward)
        if !rewards.isEmpty { outcome.rewardMean = rewards.reduce(0, +) / Double(rewards.count) }
    }

    private mutating func add(_ answer: PreparedPair.Answer, _ scored: ScoredAnswer) {
        if answer.source == .student {
            lengths.append(answer.tokens.count)
            largest += objective.tokenTerm.importance?.largestCount(answer.tokens.count) ?? 0
        }
        if answer.source == .replay {
            replayed.tokens += answer.tokens.count
            replayed.divergence += scored.measures.reduce(0) { $0 + Double($1.forwardKL) }
            replayed.loss += scored.coefficients.loss
        }
        guard answer.source == .group, objective.regularisesGroup else { return }
        regularised.tokens += answer.tokens.count
        regularised.divergence += scored.measures.reduce(0) { $0 + Double($1.reverseKL) }
        regularised.entropy += scored.measures.reduce(0) { $0 + Double($1.entropy) }
    }

    func finish(_ metrics: inout StepMetrics) {
        let count = Double(max(1, pairs))
        metrics.loss = loss / count
        if objective.reads(.student) { metrics.tokenLoss = tokenLoss / count }
        if objective.reads(.group) { metrics.sequenceLoss = sequenceLoss / count }
        if compared > 0 {
            metrics.klMean = divergence / Double(compared)
        }
        if known > 0 { metrics.teacherAgreement = Double(agreeing) / Double(known) }
        if !rewards.isEmpty { metrics.rewardMean = rewards.reduce(0) { $0 + Double($1) } / Double(rewards.count) }
        metrics.trainTokens = trained
        let tokens = lengths.reduce(0, +)
        if tokens > 0 {
            metrics.rolloutLengthMean = Double(tokens) / Double(lengths.count)
            if let importance = objective.tokenTerm.importance, importance.alpha != 1 { metrics.topKShare = Double(largest) / Double(tokens) }
        }
        if regularised.tokens > 0 {
            let count = Double(regularised.tokens)
            if objective.referenceCoefficient > 0 { metrics.referenceKLMean = regularised.divergence / count }
            metrics.entropyMean = regularised.entropy / count
        }
        if replayed.tokens > 0 {
            metrics.replayLoss = replayed.loss / count
            metrics.replayKL = replayed.divergence / Double(replayed.tokens)
        }
        metrics.logProbabilityDifferenceMax = difference.map(Double.init)
    }
}
