import API
import Models
import Tensors
import Training

/// What is trained and how: the trainer's settings, derived from a request.
struct TrainingRecipe: Equatable, Codable, Sendable {
    var plan: AdapterPlan
    var options: TrainingOptions

    /// Rows of one packed pass. They are few, so that answers get their turn between passes.
    static let passRows = 1024

    /// - Parameter seed: Names the random streams. Those of each step differ in any case.
    init(_ objective: CordObjective, _ optimizer: OptimizerOptions, seed: Int?, system: String? = nil) throws(WorkshopError) {
        let parts = optimizer.train.map { AdapterPlan.Part($0) }
        guard !parts.isEmpty else {
            throw WorkshopError(
                .invalidValue, "optimizer.train: expected parts of the model among decoder, projector and encoder.", at: "optimizer.train")
        }
        plan = optimizer.full ? .full(parts) : AdapterPlan(parts, .lowRank(LoRA(optimizer)))
        options = TrainingOptions(objective.loss)
        options.optimizer = AdamW(optimizer)
        options.maxGradientNorm = optimizer.maxGradNorm
        options.seed = UInt64(seed ?? 0)
        options.system = system
        options.passRows = Self.passRows
        options.adapterDropout = optimizer.full ? nil : optimizer.loraDropout.flatMap { $0 > 0 ? $0 : nil }
    }

    /// Checks the requested adapter options against what is trained.
    ///
    /// - Parameter parent: The version that training continues from; nil for the base.
    func check(_ optimizer: OptimizerOptions, against parent: WeightVersion?, in model: AudioLanguageModel) throws {
        try plan.check(
            rank: optimizer.loraRank, alpha: optimizer.loraAlpha, isRankStabilized: optimizer.useRslora, against: parent, in: model)
    }
}

extension OptimizerOptions {
    /// Refuses adapter options if no adapter is trained. Jobs stored before this check existed are not checked.
    func refuseUnused() throws(WorkshopError) {
        guard full else { return }
        let asked: [(String, Bool)] = [
            ("lora_rank", loraRank != nil), ("lora_alpha", loraAlpha != nil), ("use_rslora", useRslora == true),
            ("lora_dropout", loraDropout ?? 0 > 0), ("target_modules", targetModules != nil), ("rank_pattern", rankPattern?.isEmpty == false),
            ("alpha_pattern", alphaPattern?.isEmpty == false),
        ]
        if let (name, _) = asked.first(where: \.1) {
            throw WorkshopError(
                .invalidValue, "optimizer.\(name): expected nothing beside `full`, which trains the parameters themselves.",
                at: "optimizer.\(name)")
        }
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

extension LoRA {
    init(_ wanted: OptimizerOptions) {
        self.init(rank: wanted.loraRank ?? 16, alpha: wanted.loraAlpha)
        isRankStabilized = wanted.useRslora ?? isRankStabilized
        targets = wanted.targetModules ?? targets
        ranks = wanted.rankPattern ?? ranks
        alphas = wanted.alphaPattern ?? alphas
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
