package import Tensors

/// The objective of a training step: CORD (arXiv 2601.16547) or one of its baselines. Every parameter defaults to the paper's value.
///
///     L = tokenCoefficient · Σ_t w_t D_t  +  sequenceCoefficient · (−1/N Σ_i A_i log π(y_i | audio))
///       + replayWeight · Σ_t KL(frozen teacher ‖ π)_t      over replayed prompts, if there are any
package struct Objective: Sendable, Equatable, Codable {
    package enum Teacher: String, Sendable, Codable, CaseIterable {
        /// The initial weights of the training.
        case frozen
        /// The current weights.
        case current
    }

    package enum Reference: String, Sendable, Codable, CaseIterable { case teacher, gold }

    package var method = Method.cord
    /// K.
    package var topK = 20
    /// K as a share of the rollout's length, instead of ``topK``.
    package var topKShare: Double?
    package var alpha = 2.0
    package var beta = 2.0
    package var tokenTemperature = 1.0
    package var sequenceTemperature = 1.5
    /// The temperature of the teacher's own answers; 0 is greedy.
    package var teacherTemperature = 0.0
    /// N, the rollouts of a group.
    package var rollouts = 4
    package var maxRolloutTokens = 200
    package var tokenCoefficient = 1.0
    package var sequenceCoefficient = 1.0
    package var teacher = Teacher.frozen
    /// What the judge compares rollouts with.
    package var reference = Reference.teacher
    package var reduction = Reduction.sum
    package var dividesByDeviation = false
    package var clipRatio: Double?
    package var normalisation = PolicyGradient.Normalisation.sum
    package var estimator = PolicyGradient.Estimator.unitTemperature
    /// The upper bound C of importance weights.
    package var importanceBound = 2.0
    /// β, the coefficient of KL(π ‖ initial weights) over the group's tokens.
    package var referenceCoefficient = 0.0
    /// η, the coefficient of the entropy bonus over the group's tokens.
    package var entropyCoefficient = 0.0
    /// The number of updates on the answers of one step. From the second on, ratios refer to the weights before the first.
    package var updatesPerRollout = 1
    /// The weight of the term that holds the student to the frozen teacher on replayed prompts.
    package var replayWeight = 1.0
    /// The share of a step's pairs whose clips are replayed as transcription prompts, with the teacher's transcript as the answer.
    package var replayTranscripts = 0.0

    package init(_ method: Method = .cord) { self.method = method }

    /// The method's terms with a non-zero coefficient.
    package var terms: [WeightedTerm] { method.definition(self).terms.filter { $0.coefficient != 0 } }

    /// The same, and the term of replayed prompts.
    private var allTerms: [WeightedTerm] {
        replayWeight == 0 ? terms : terms + [WeightedTerm(ForwardKL(of: .replay, reduction: reduction), coefficient: replayWeight)]
    }

    /// Whether a term reads the answers of a source. The student's rollout is drawn at ``tokenTemperature``; the group is ``rollouts`` of them at
    /// ``sequenceTemperature``.
    package func reads(_ source: AnswerSource) -> Bool { terms.contains { $0.term.source == source } }

    /// Whether a term that reads a source has this need.
    package func needs(_ need: TermNeed, of source: AnswerSource) -> Bool {
        allTerms.contains { $0.term.source == source && $0.term.needs.contains(need) }
    }

    /// The temperature at which the answers of a source are scored.
    package func scoringTemperature(of source: AnswerSource) -> Double {
        source == .group && estimator == .samplingTemperature ? sequenceTemperature : 1
    }

    /// Whether group rollouts without advantage still have a gradient.
    package var regularisesGroup: Bool { reads(.group) && (referenceCoefficient > 0 || entropyCoefficient > 0) }

    private var needsRewards: Bool { terms.contains { $0.term.needs.contains(.rewards) } }

    /// Whether gold answers are needed.
    package var needsGold: Bool { reads(.gold) || (needsRewards && reference == .gold) }

    /// Whether the teacher must answer the typed question.
    package var needsTeacherAnswer: Bool { reads(.teacher) || (needsRewards && reference == .teacher) }

    /// The option that the method cannot have as it is, and what is expected; nil if there is none.
    package var contradiction: (option: NumericOption, expected: String)? {
        guard method == .opdSampled, tokenTemperature != 1 else { return nil }
        return (.tokenTemperature, "1 beside the method opd_sampled, whose estimate holds for rollouts drawn at it")
    }

    package func advantages(rewards: [Float]) -> [Float] {
        GroupAdvantage(dividesByDeviation: dividesByDeviation).advantages(rewards: rewards)
    }

    /// The token term and its weights, for inspection; unweighted if the method has none.
    package var tokenTerm: ReverseKL {
        method.definition(self).terms.lazy.compactMap { $0.term as? ReverseKL }.first ?? ReverseKL(reduction: reduction)
    }

    /// The loss of one sequence and its tokens' coefficients, before the mean over pairs: the sum of the terms that read it.
    package func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients {
        let parts = allTerms.filter { $0.term.source == sequence.source }.map {
            $0.term.coefficients(sequence, in: batch).scaled(by: $0.coefficient * batch.scale(sequence.source))
        }
        guard let first = parts.first else { return TokenCoefficients(count: sequence.measures.count) }
        return parts.dropFirst().reduce(first, +)
    }

    /// The divergence between student and teacher at each token of a sequence, for reports; nil if they are not compared.
    package func divergences(_ measures: [RowMeasures], of source: AnswerSource) -> [Float]? {
        let compared = allTerms.first { $0.term.source == source && $0.term.needs.contains(.teacherLogProbabilities) }
        return compared.map { measures.map($0.term.divergence) }
    }

    /// The weights w_t of a sequence's tokens; nil if no term that reads it has weights.
    package func weights(_ sequence: ScoredSequence) -> [Float]? {
        terms.lazy.filter { $0.term.source == sequence.source }.compactMap { $0.term.weights(sequence) }.first
    }
}
