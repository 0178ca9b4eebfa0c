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
    private var agreeing = 0
    private var trained = 0
    private var difference: Float?

    init(objective: Objective, pairs: Int) {
        self.objective = objective
        self.pairs = pairs
    }

    /// Notes a pair's scored answers; `places` are theirs among the outcome's rollouts.
    mutating func add(
        _ answers: [PreparedPair.Answer], _ scored: [ScoredAnswer], places: [Int], to outcome: inout PairOutcome
    ) {
        var pairDivergence = 0.0
        var pairCompared = 0
        for ((answer, scored), place) in zip(zip(answers, scored), places) {
            let isCompared = objective.comparesWithTeacher(answer.role)
            loss += scored.coefficients.loss
            if answer.role == .token { tokenLoss += scored.coefficients.loss }
            if answer.role == .sequence { sequenceLoss += scored.coefficients.loss }
            trained += answer.tokens.count
            difference = [difference, scored.logProbabilityDifference].compactMap { $0 }.max()
            if isCompared {
                pairCompared += scored.measures.count
                pairDivergence += scored.measures.reduce(0) {
                    $0 + Double(objective.method == .forwardKL ? $1.forwardKL : $1.reverseKL)
                }
                agreeing += scored.measures.count { $0.argmax == $0.teacherArgmax }
            }
            outcome.rollouts[place].tokens = answer.tokens.indices.map { t in
                let sampler = t < answer.samplerLogProbabilities.count ? answer.samplerLogProbabilities[t] : nil
                return TokenOutcome(
                    token: answer.tokens[t], logProbability: sampler ?? scored.measures[t].logProbability,
                    divergence: isCompared ? scored.measures[t].reverseKL : nil, weight: scored.weights?[t])
            }
        }
        divergence += pairDivergence
        compared += pairCompared
        if pairCompared > 0 { outcome.klMean = pairDivergence / Double(pairCompared) }
        let rewards = outcome.rollouts.compactMap(\.reward)
        if !rewards.isEmpty { outcome.rewardMean = rewards.reduce(0, +) / Double(rewards.count) }
    }

    func finish(_ metrics: inout StepMetrics) {
        let count = Double(max(1, pairs))
        metrics.loss = loss / count
        if objective.hasTokenTerm { metrics.tokenLoss = tokenLoss / count }
        if objective.hasSequenceTerm { metrics.sequenceLoss = sequenceLoss / count }
        if compared > 0 {
            metrics.klMean = divergence / Double(compared)
            metrics.teacherAgreement = Double(agreeing) / Double(compared)
        }
        if !rewards.isEmpty { metrics.rewardMean = rewards.reduce(0) { $0 + Double($1) } / Double(rewards.count) }
        metrics.trainTokens = trained
        metrics.logProbabilityDifferenceMax = difference.map(Double.init)
    }
}
