/// What a training step minimises: CORD (arXiv 2601.16547) or one of its baselines, with every parameter at the paper's value.
///
///     L = tokenCoefficient · Σ_t w_t D_t  +  sequenceCoefficient · (−1/N Σ_i A_i log π(y_i | audio))
package struct Objective: Sendable, Equatable, Codable {
    /// The terms that take part. Raw values are those of the HTTP interface.
    package enum Method: String, Sendable, Codable, CaseIterable {
        case cord
        /// On-policy reverse KL without weights.
        case opd
        case opdPosition = "opd_position"
        case opdTopK = "opd_top_k"
        case opdWeighted = "opd_weighted"
        /// The sequence term alone.
        case grpo
        /// KL(teacher ‖ student) on the teacher's own answers.
        case forwardKL = "forward_kl"
        /// Cross entropy on gold answers.
        case supervised
        /// Cross entropy on the teacher's own answers.
        case selfDistillation = "self_distillation"
    }

    package enum Teacher: String, Sendable, Codable, CaseIterable {
        /// The weights that the training began with.
        case frozen
        /// The weights as they are now.
        case current
    }

    package enum Reference: String, Sendable, Codable, CaseIterable { case teacher, gold }

    package var method = Method.cord
    /// K.
    package var topK = 20
    package var alpha = 2.0
    package var beta = 2.0
    package var tokenTemperature = 1.0
    package var sequenceTemperature = 1.5
    /// Of the teacher's own answers; 0 is greedy.
    package var teacherTemperature = 0.0
    /// N.
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

    package init(_ method: Method = .cord) { self.method = method }

    /// Whether the student's rollout at ``tokenTemperature`` takes part.
    package var hasTokenTerm: Bool {
        switch method {
        case .cord, .opd, .opdPosition, .opdTopK, .opdWeighted: tokenCoefficient != 0
        case .grpo, .forwardKL, .supervised, .selfDistillation: false
        }
    }

    /// Whether a judged group of ``rollouts`` takes part.
    package var hasSequenceTerm: Bool {
        switch method {
        case .cord: sequenceCoefficient != 0
        case .grpo: true
        case .opd, .opdPosition, .opdTopK, .opdWeighted, .forwardKL, .supervised, .selfDistillation: false
        }
    }

    package var imitatesGold: Bool { method == .supervised }
    package var imitatesTeacher: Bool { method == .forwardKL || method == .selfDistillation }

    /// Whether gold answers are needed.
    package var needsGold: Bool { imitatesGold || (hasSequenceTerm && reference == .gold) }

    /// Whether the teacher must answer the typed question.
    package var needsTeacherAnswer: Bool { imitatesTeacher || (hasSequenceTerm && reference == .teacher) }

    /// Whether sequences of this role are scored by the teacher, too.
    package func comparesWithTeacher(_ role: SequenceRole) -> Bool {
        switch role {
        case .token: true
        case .sequence: false
        case .target: method == .forwardKL
        }
    }

    package func advantages(rewards: [Float]) -> [Float] {
        GroupAdvantage(dividesByDeviation: dividesByDeviation).advantages(rewards: rewards)
    }

    /// The token term's weights, by the method.
    package var tokenTerm: ReverseKL {
        let importance: TokenImportance? =
            switch method {
            case .cord, .opdWeighted: TokenImportance(topK: topK, alpha: alpha, beta: beta)
            case .opdPosition: TokenImportance(topK: 0, alpha: 1, beta: beta)
            case .opdTopK: TokenImportance(topK: topK, alpha: alpha, beta: 1)
            case .opd, .grpo, .forwardKL, .supervised, .selfDistillation: nil
            }
        return ReverseKL(importance: importance, reduction: reduction)
    }

    /// The loss of one sequence with the coefficients of its tokens, before the mean over pairs.
    package func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients {
        switch sequence.role {
        case .token:
            return tokenTerm.coefficients(sequence).scaled(by: tokenCoefficient)
        case .sequence:
            let term = PolicyGradient(clipRatio: clipRatio, normalisation: normalisation, maxTokens: maxRolloutTokens)
            return term.coefficients(sequence, in: batch).scaled(by: sequenceCoefficient)
        case .target:
            return method == .forwardKL
                ? ForwardKL(reduction: reduction).coefficients(sequence)
                : CrossEntropy(reduction: reduction).coefficients(sequence)
        }
    }
}
