import API
import HTTP
import Models
import Objectives
import Tensors
import Training

/// What is trained and how, as the trainer wants it, from what a request says.
struct TrainingRecipe: Equatable, Codable, Sendable {
    var plan: AdapterPlan
    var options: TrainingOptions

    /// Rows of one packed pass: few, so that answers get their turn between two of them.
    static let passRows = 1024

    /// - Parameter seed: names the random streams; those of each step differ anyway.
    init(_ objective: CordObjective, _ optimizer: OptimizerOptions, seed: Int?) throws(HTTPError) {
        let parts = optimizer.train.compactMap { AdapterPlan.Part(rawValue: $0.rawValue) }
        guard !parts.isEmpty, parts.count == optimizer.train.count else {
            throw HTTPError(
                400, "optimizer.train: expected parts of the model among decoder, projector and encoder.",
                parameter: "optimizer.train", code: "invalid_value")
        }
        plan = optimizer.full
            ? .full(parts) : .lowRank(parts, rank: optimizer.loraRank ?? 16, alpha: optimizer.loraAlpha)
        options = TrainingOptions(try Objective(objective))
        options.optimizer = AdamW(optimizer)
        options.maxGradientNorm = optimizer.maxGradNorm
        options.seed = UInt64(seed ?? 0)
        options.passRows = Self.passRows
    }
}

extension Objective {
    init(_ wanted: CordObjective) throws(HTTPError) {
        guard let method = Method(rawValue: wanted.method.rawValue), let teacher = Teacher(rawValue: wanted.teacher.rawValue),
            let reference = Reference(rawValue: wanted.reference.rawValue),
            let reduction = Reduction(rawValue: wanted.reduction.rawValue)
        else {
            throw HTTPError(
                422, "The objective \(wanted.method.rawValue) is not known here.", parameter: "objective.method", code: "unsupported")
        }
        self.init(method)
        topK = wanted.topK
        alpha = wanted.alpha
        beta = wanted.beta
        tokenTemperature = wanted.tokenTemperature
        sequenceTemperature = wanted.sequenceTemperature
        rollouts = wanted.rollouts
        maxRolloutTokens = wanted.maxRolloutTokens
        tokenCoefficient = wanted.tokenCoefficient
        sequenceCoefficient = wanted.sequenceCoefficient
        self.teacher = teacher
        self.reference = reference
        self.reduction = reduction
        dividesByDeviation = wanted.divideByDeviation
        clipRatio = wanted.clipRatio
    }
}

extension AdamW {
    init(_ wanted: OptimizerOptions) {
        self.init(learningRate: wanted.learningRate)
        beta1 = wanted.beta1
        beta2 = wanted.beta2
        epsilon = wanted.epsilon
        weightDecay = wanted.weightDecay
    }
}
