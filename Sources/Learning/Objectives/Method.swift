extension Objective {
    /// A training method: a name and the terms of its loss. This is the only list of methods; the HTTP interface, `openapi.json`, the command line
    /// and `benchmarks/quality/ablation.py` read it.
    ///
    /// A method that reads gold answers reads no others, because the trainer puts each gold answer behind a separate prompt.
    package enum Method: String, Sendable, Codable, CaseIterable {
        case cord
        case opd
        case opdPosition = "opd_position"
        case opdTopK = "opd_top_k"
        case opdWeighted = "opd_weighted"
        case opdSampled = "opd_sampled"
        case grpo
        case forwardKL = "forward_kl"
        case supervised
        case selfDistillation = "self_distillation"

        /// The name in tables of results.
        package var title: String { definition(Objective(self)).title }

        func definition(_ objective: Objective) -> (title: String, terms: [WeightedTerm]) {
            let (topK, share, alpha, beta) = (objective.topK, objective.topKShare, objective.alpha, objective.beta)
            let weights = TokenImportance(topK: topK, topKShare: share, alpha: alpha, beta: beta)
            func distillation(_ importance: TokenImportance?) -> WeightedTerm {
                WeightedTerm(
                    ReverseKL(importance: importance, reduction: objective.reduction), coefficient: objective.tokenCoefficient)
            }
            let policyGradient = WeightedTerm(
                PolicyGradient(
                    estimator: objective.estimator, importanceBound: objective.importanceBound, clipRatio: objective.clipRatio,
                    referenceCoefficient: objective.referenceCoefficient, entropyCoefficient: objective.entropyCoefficient,
                    normalisation: objective.normalisation, maxTokens: objective.maxRolloutTokens),
                coefficient: objective.sequenceCoefficient)
            func imitation(of source: AnswerSource) -> WeightedTerm {
                WeightedTerm(CrossEntropy(of: source, reduction: objective.reduction))
            }
            return switch self {
            case .cord: ("CORD", [distillation(weights), policyGradient])
            case .opd: ("OPD", [distillation(nil)])
            case .opdPosition: ("OPD + position", [distillation(TokenImportance(topK: 0, alpha: 1, beta: beta))])
            case .opdTopK: ("OPD + top-K", [distillation(TokenImportance(topK: topK, topKShare: share, alpha: alpha, beta: 1))])
            case .opdWeighted: ("OPD + both", [distillation(weights)])
            case .opdSampled:
                ("OPD by sampled tokens", [WeightedTerm(SampledReverseKL(reduction: objective.reduction), coefficient: objective.tokenCoefficient)])
            case .grpo: ("GRPO", [policyGradient])
            case .forwardKL: ("forward KL", [WeightedTerm(ForwardKL(reduction: objective.reduction))])
            case .supervised: ("SFT on gold", [imitation(of: .gold)])
            case .selfDistillation: ("SFT on the teacher's answers", [imitation(of: .teacher)])
            }
        }
    }
}
