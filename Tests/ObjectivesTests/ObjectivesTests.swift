import Foundation
import Objectives
import Tensors
import Testing

/// Every number here was worked out by hand.
@Suite struct ObjectivesTests {
    /// Measures with the given divergences and log-probabilities.
    static func rows(reverse: [Float] = [], forward: [Float] = [], log: [Float] = []) -> [RowMeasures] {
        (0..<max(reverse.count, forward.count, log.count)).map { t in
            RowMeasures(
                logProbability: t < log.count ? log[t] : 0, reverseKL: t < reverse.count ? reverse[t] : 0,
                forwardKL: t < forward.count ? forward[t] : 0)
        }
    }

    @Test func positionWeightFallsLinearlyFromBetaToOne() {
        let weights = TokenImportance(topK: 0, alpha: 2, beta: 2).weights(divergences: [0, 0, 0, 0, 0])
        #expect(weights == [2, 1.75, 1.5, 1.25, 1])
    }

    @Test func singlePositionHasTheFirstWeight() {
        #expect(TokenImportance(topK: 0, alpha: 2, beta: 3).weights(divergences: [0.5]) == [3])
    }

    @Test func largestDivergencesAreMultipliedByAlpha() {
        let weights = TokenImportance(topK: 2, alpha: 3, beta: 1).weights(divergences: [0.1, 0.9, 0.2, 0.9, 0.4])
        #expect(weights == [1, 3, 1, 3, 1])
    }

    @Test func earlierPositionWinsAmongEqualDivergences() {
        let weights = TokenImportance(topK: 1, alpha: 2, beta: 1).weights(divergences: [0.1, 0.5, 0.5])
        #expect(weights == [1, 2, 1])
    }

    @Test func topKBeyondTheRolloutWeighsEveryPosition() {
        #expect(TokenImportance().weights(divergences: [0.3, 0.1, 0.2]) == [4, 3, 2])
    }

    @Test func noDivergencesGiveNoWeights() { #expect(TokenImportance().weights(divergences: []) == []) }

    @Test func reverseKLIsTheWeightedSumOfDivergences() {
        let term = ReverseKL(importance: TokenImportance(topK: 1, alpha: 2, beta: 2))
        let sequence = ScoredSequence(source: .student, measures: Self.rows(reverse: [0.5, 1, 0.25]))
        let result = term.coefficients(sequence, in: BatchCounts(pairs: 1))
        #expect(result.reverseKL == [2, 3, 1])
        #expect(result.loss == 4.25)
        #expect(result.logProbability == [0, 0, 0] && result.forwardKL == [0, 0, 0])
    }

    @Test func meanDividesByTheLength() {
        let sequence = ScoredSequence(source: .student, measures: Self.rows(reverse: [0.5, 1, 0.25, 0.25]))
        let result = ReverseKL(reduction: .mean).coefficients(sequence, in: BatchCounts(pairs: 1))
        #expect(result.reverseKL == [0.25, 0.25, 0.25, 0.25])
        #expect(result.loss == 0.5)
    }

    @Test func forwardKLSumsOverTheTeachersAnswer() {
        let sequence = ScoredSequence(source: .teacher, measures: Self.rows(forward: [0.5, 1.5]))
        let result = ForwardKL().coefficients(sequence, in: BatchCounts(pairs: 1))
        #expect(result.forwardKL == [1, 1] && result.loss == 2)
    }

    @Test func crossEntropyIsTheNegativeLogProbability() {
        let sequence = ScoredSequence(source: .teacher, measures: Self.rows(log: [-1, -0.5]))
        let result = CrossEntropy(of: .gold, reduction: .mean).coefficients(sequence, in: BatchCounts(pairs: 1))
        #expect(result.logProbability == [0.5, 0.5] && result.loss == 0.75)
    }

    @Test func advantagesAreRewardsMinusTheirMean() {
        #expect(GroupAdvantage().advantages(rewards: [1, 0, 0, 1]) == [0.5, -0.5, -0.5, 0.5])
        #expect(GroupAdvantage().advantages(rewards: [1, 0, 0, 0]) == [0.75, -0.25, -0.25, -0.25])
    }

    @Test func equalRewardsHaveNoAdvantage() {
        let third = Float(1) / 3
        #expect(GroupAdvantage(dividesByDeviation: true).advantages(rewards: [third, third, third]) == [0, 0, 0])
    }

    @Test func deviationIsThatOfTheSample() {
        // Differences ±0.5, variance 4 · 0.25 / 3 = 1/3.
        let advantages = GroupAdvantage(dividesByDeviation: true).advantages(rewards: [1, 0, 0, 1])
        #expect(abs(advantages[0] - 0.865_875_43) < 1e-6)
        #expect(advantages[1] == -advantages[0])
    }

    private func group(_ advantage: Float, _ log: [Float], sampler: [Float?] = [], of size: Int = 4) -> ScoredSequence {
        ScoredSequence(
            source: .group, measures: Self.rows(log: log), samplerLogProbabilities: sampler, advantage: advantage,
            groupSize: size)
    }

    @Test func policyGradientIsTheMeanOverTheGroup() {
        let result = PolicyGradient().coefficients(group(0.75, [-1, -2]), in: BatchCounts(pairs: 3))
        #expect(result.logProbability == [0.1875, 0.1875])
        #expect(result.loss == 0.1875 * 3)
    }

    @Test func normalisationsDivideByLengthTokensOrConstant() {
        let batch = BatchCounts(pairs: 2, sequenceTokens: 16)
        func coefficient(_ normalisation: PolicyGradient.Normalisation) -> Float {
            let term = PolicyGradient(normalisation: normalisation, maxTokens: 10)
            return term.coefficients(group(1, [-1, -1]), in: batch).logProbability[0]
        }
        #expect(coefficient(.sum) == 0.25)
        #expect(coefficient(.sequence) == 0.125)
        #expect(coefficient(.tokens) == 0.125)  // Times 1/pairs, as every term: 1/16.
        #expect(coefficient(.constant) == 0.025)
    }

    @Test func clippedRatiosHaveNoGradient() {
        let term = PolicyGradient(clipRatio: 0.2)
        // Ratios e^0.5 ≈ 1.65, 1 and e^-0.5 ≈ 0.61.
        let log: [Float] = [-0.5, -1, -1.5]
        let sampler: [Float?] = [-1, -1, -1]
        let up = term.coefficients(group(1, log, sampler: sampler, of: 1), in: BatchCounts(pairs: 1))
        #expect(up.logProbability[0] == 0)
        #expect(up.logProbability[1] == 1)
        #expect(abs(up.logProbability[2] - 0.606_530_66) < 1e-6)
        #expect(abs(up.loss + 2.806_530_66) < 1e-6)
        let down = term.coefficients(group(-1, log, sampler: sampler, of: 1), in: BatchCounts(pairs: 1))
        #expect(abs(down.logProbability[0] + 1.648_721_27) < 1e-6)
        #expect(down.logProbability[2] == 0)
        #expect(abs(down.loss - 3.448_721_27) < 1e-6)
    }

    @Test func unknownSamplerProbabilityCountsAsOnPolicy() {
        let result = PolicyGradient(clipRatio: 0.2).coefficients(
            group(1, [-3], sampler: [nil], of: 1), in: BatchCounts(pairs: 1))
        #expect(result.logProbability == [1])
    }

    /// π_old(y) is 0.5 and 0.25; what was drawn from gave 0.25 and 0.5: ratios 2 and 0.5, of which the bound leaves 1.5 and 0.5.
    @Test func importanceWeightsAreRatiosUpToTheirBound() {
        let log: [Float] = [-0.693_147_2, -1.386_294_4]
        let sequence = ScoredSequence(
            source: .group, measures: Self.rows(log: log), behaviourLogProbabilities: [log[1], log[0]], advantage: 1, groupSize: 1)
        let weighted = PolicyGradient(estimator: .importance, importanceBound: 1.5).coefficients(sequence, in: BatchCounts(pairs: 1))
        #expect(abs(weighted.logProbability[0] - 1.5) < 1e-6 && abs(weighted.logProbability[1] - 0.5) < 1e-6)
        #expect(abs(weighted.loss - (1.5 * 0.693_147_2 + 0.5 * 1.386_294_4)) < 1e-6)
        for other in [PolicyGradient.Estimator.unitTemperature, .samplingTemperature] {
            #expect(PolicyGradient(estimator: other).coefficients(sequence, in: BatchCounts(pairs: 1)).logProbability == [1, 1])
        }
        // Nobody knows what a token was drawn from: it weighs 1.
        let unknown = PolicyGradient(estimator: .importance).coefficients(group(1, log, of: 1), in: BatchCounts(pairs: 1))
        #expect(unknown.logProbability == [1, 1])
    }

    @Test func referenceAndEntropyHaveTheTermsShare() {
        var measures = Self.rows(reverse: [0.5, 1], log: [-1, -1])
        measures[0].entropy = 2
        let sequence = ScoredSequence(source: .group, measures: measures, advantage: 0, groupSize: 4)
        let term = PolicyGradient(referenceCoefficient: 0.5, entropyCoefficient: 0.25)
        let result = term.coefficients(sequence, in: BatchCounts(pairs: 1))
        #expect(result.reverseKL == [0.125, 0.125] && result.entropy == [0.0625, 0.0625] && result.logProbability == [0, 0])
        #expect(result.loss == 0.125 * 1.5 - 0.0625 * 2)
        #expect(term.needs == [.rewards, .referenceLogProbabilities] && PolicyGradient().needs == [.rewards])
    }

    @Test func theEstimatorIsSaidInWords() {
        var objective = Objective()
        #expect(objective.estimate?.hasSuffix("drawn at temperature 1.5, as the paper reads: off-policy and biased") == true)
        objective.clipRatio = 0.2
        #expect(objective.estimate?.contains("nothing is clipped") == true)
        (objective.updatesPerRollout, objective.estimator) = (3, .samplingTemperature)
        #expect(objective.estimate?.hasSuffix("on-policy, ratios clipped to 1 ± 0.2, 3 updates per rollout") == true)
        objective.sequenceTemperature = 1
        (objective.estimator, objective.clipRatio, objective.updatesPerRollout) = (.unitTemperature, nil, 1)
        #expect(objective.estimate == "sequence term: log π of rollouts drawn at temperature 1.0: on-policy")
        #expect(Objective(.opd).estimate == nil)
    }

    @Test func kMayBeAShareOfTheRollout() {
        let weights = TokenImportance(topKShare: 0.3, alpha: 2, beta: 1)
        #expect(weights.weights(divergences: [0.1, 0.9, 0.2, 0.4]) == [1, 2, 1, 2])
        #expect([0, 1, 10, 11].map(weights.largestCount) == [0, 1, 3, 4])
        #expect([10, 20, 21].map(TokenImportance().largestCount) == [10, 20, 20])
    }

    /// Objectives in checkpoints and jobs of programs that did not know the later members.
    @Test func objectivesAsEarlierProgramsStoredThemAreRead() throws {
        let stored = """
            {"method":"grpo","topK":20,"alpha":2,"beta":2,"tokenTemperature":1,"sequenceTemperature":1.5,"teacherTemperature":0,"rollouts":4,
            "maxRolloutTokens":200,"tokenCoefficient":1,"sequenceCoefficient":1,"teacher":"frozen","reference":"teacher","reduction":"sum",
            "dividesByDeviation":false,"normalisation":"sum"}
            """
        #expect(try JSONDecoder().decode(Objective.self, from: Data(stored.utf8)) == Objective(.grpo))
        var other = Objective(.cord)
        (other.topKShare, other.estimator, other.importanceBound) = (0.5, .importance, 3)
        (other.referenceCoefficient, other.entropyCoefficient, other.updatesPerRollout) = (0.5, 0.25, 4)
        #expect(try JSONDecoder().decode(Objective.self, from: JSONEncoder().encode(other)) == other)
    }

    @Test func cordIsTheSumOfItsTermsAtThePapersValues() {
        var objective = Objective()
        #expect(objective.topK == 20 && objective.alpha == 2 && objective.beta == 2)
        #expect(objective.tokenTemperature == 1 && objective.sequenceTemperature == 1.5 && objective.rollouts == 4)
        #expect(objective.maxRolloutTokens == 200 && objective.teacher == .frozen && objective.reference == .teacher)
        objective.tokenCoefficient = 0.5
        objective.sequenceCoefficient = 3
        let batch = BatchCounts(pairs: 1)
        let token = ScoredSequence(source: .student, measures: Self.rows(reverse: [0.25, 0.5]))
        #expect(objective.coefficients(token, in: batch).reverseKL == [2, 1])
        #expect(objective.coefficients(token, in: batch).loss == 1)
        #expect(objective.coefficients(group(1, [-1], of: 4), in: batch).logProbability == [0.75])
    }

    /// log π of −1, −2, −0.5 beside log q of −3, −1, −0.5.
    static func sampled(old: [Float?] = []) -> ScoredSequence {
        let rows = zip([-1, -2, -0.5], [-3, -1, -0.5]).map { RowMeasures(logProbability: $0, teacherLogProbability: $1) }
        return ScoredSequence(source: .student, measures: rows, samplerLogProbabilities: old)
    }

    @Test func sampledDivergencesAreRewardsOfTheirTokens() {
        var objective = Objective(.opdSampled)
        let first = objective.coefficients(Self.sampled(), in: BatchCounts(pairs: 1))
        #expect(first.logProbability == [-2, 1, 0] && first.loss == 1 && first.reverseKL == [0, 0, 0])
        #expect(objective.divergences(Self.sampled().measures, of: .student) == [2, -1, 0])
        // Half as likely, twice as likely, and not known when they were drawn.
        let half = Float(log(2.0))
        let later = objective.coefficients(Self.sampled(old: [-1 + half, -2 - half, nil]), in: BatchCounts(pairs: 1))
        #expect(zip(later.logProbability, [-1, 2, 0]).allSatisfy { abs($0 - $1) < 1e-6 } && abs(later.loss - (1 - 2)) < 1e-6)
        (objective.tokenCoefficient, objective.reduction) = (6, .mean)
        let scaled = objective.coefficients(Self.sampled(), in: BatchCounts(pairs: 1))
        #expect(zip(scaled.logProbability, [-4, 2, 0]).allSatisfy { abs($0 - $1) < 1e-5 })
        objective.tokenTemperature = 0.7
        #expect(objective.contradiction?.option == .tokenTemperature && Objective(.opdSampled).contradiction == nil)
    }

    @Test(arguments: Objective.Method.allCases)
    func everyMethodHasTheTermsOfItsName(method: Objective.Method) {
        let objective = Objective(method)
        let isOnPolicy = [.cord, .opd, .opdPosition, .opdTopK, .opdWeighted, .opdSampled].contains(method)
        #expect(objective.reads(.student) == isOnPolicy)
        #expect(objective.reads(.group) == [.cord, .grpo].contains(method))
        #expect(objective.reads(.teacher) == [.forwardKL, .selfDistillation].contains(method))
        #expect(objective.reads(.gold) == (method == .supervised) && objective.needsGold == (method == .supervised))
        #expect(objective.needsTeacherAnswer == [.cord, .grpo, .forwardKL, .selfDistillation].contains(method))
        var weights = objective
        weights.topK = 1
        let token = ScoredSequence(source: .student, measures: Self.rows(reverse: [0.25, 0.5, 0.125]))
        let expected: [Float] =
            switch method {
            case .cord, .opdWeighted: [2, 3, 1]
            case .opdPosition: [2, 1.5, 1]
            case .opdTopK: [1, 2, 1]
            case .opd: [1, 1, 1]
            case .grpo, .forwardKL, .supervised, .selfDistillation, .opdSampled: [0, 0, 0]
            }
        #expect(weights.coefficients(token, in: BatchCounts(pairs: 1)).reverseKL == expected)
        #expect((weights.coefficients(Self.sampled(), in: BatchCounts(pairs: 1)).loss != 0) == (method == .opdSampled))
        let losses = [AnswerSource.teacher, .gold].map { source in
            let answer = ScoredSequence(source: source, measures: Self.rows(forward: [0.5], log: [-2]))
            return objective.coefficients(answer, in: BatchCounts(pairs: 1)).loss
        }
        #expect(losses == [method == .forwardKL ? 0.5 : method == .selfDistillation ? 2 : 0, method == .supervised ? 2 : 0])
    }

    /// What the trainer relies on: a gold answer stands behind a prompt of its own, and rewards are those of a group.
    @Test(arguments: Objective.Method.allCases)
    func everyMethodIsOneThatTheTrainerCanServe(method: Objective.Method) {
        let terms = Objective(method).terms.map(\.term)
        #expect(!terms.isEmpty)
        #expect(!terms.contains { $0.source == .gold } || terms.allSatisfy { $0.source == .gold && $0.needs.isEmpty })
        #expect(terms.allSatisfy { !$0.needs.contains(.rewards) || $0.source == .group })
        #expect(Set(Objective.Method.allCases.map(\.title)).count == Objective.Method.allCases.count)
    }

    @Test func termsWithoutACoefficientTakeNoPart() {
        var objective = Objective(.cord)
        objective.tokenCoefficient = 0
        #expect(!objective.reads(.student) && objective.reads(.group))
        objective.sequenceCoefficient = 0
        #expect(objective.terms.isEmpty && !objective.needsTeacherAnswer)
    }
}
