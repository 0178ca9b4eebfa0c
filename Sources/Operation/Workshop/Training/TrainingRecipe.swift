import API
import Models
import Tensors
import Training

/// What is trained and how, as the trainer wants it, from what a request says.
struct TrainingRecipe: Equatable, Codable, Sendable {
    var plan: AdapterPlan
    var options: TrainingOptions

    /// Rows of one packed pass: few, so that answers get their turn between two of them.
    static let passRows = 1024

    /// - Parameter seed: names the random streams; those of each step differ anyway.
    init(_ objective: CordObjective, _ optimizer: OptimizerOptions, seed: Int?) throws(WorkshopError) {
        let parts = optimizer.train.map { AdapterPlan.Part($0) }
        guard !parts.isEmpty else {
            throw WorkshopError(
                .invalidValue, "optimizer.train: expected parts of the model among decoder, projector and encoder.", at: "optimizer.train")
        }
        plan =
            optimizer.full
            ? .full(parts) : .lowRank(parts, rank: optimizer.loraRank ?? 16, alpha: optimizer.loraAlpha)
        options = TrainingOptions(objective.loss)
        options.optimizer = AdamW(optimizer)
        options.maxGradientNorm = optimizer.maxGradNorm
        options.seed = UInt64(seed ?? 0)
        options.passRows = Self.passRows
    }
}

extension AdapterPlan.Part {
    init(_ module: OptimizerOptions.Module) {
        self =
            switch module {
            case .decoder: .decoder
            case .projector: .projector
            case .encoder: .encoder
            }
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
