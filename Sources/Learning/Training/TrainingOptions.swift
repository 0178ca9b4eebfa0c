package import Objectives
package import Tensors

/// How a trainer learns. What it trains is in ``AdapterPlan``.
package struct TrainingOptions: Sendable, Equatable, Codable {
    package var objective = Objective()
    package var optimizer = AdamW()
    package var schedule = Schedule()
    /// The global norm to which gradients are clipped; nil does not clip.
    package var maxGradientNorm: Double?
    /// Names every random stream of the training: adapter initialisation, rollouts, order of pairs.
    package var seed: UInt64 = 0
    /// The number of rows in one packed pass. A larger step runs several passes and adds their gradients. A single pair may exceed it.
    package var passRows = 4096
    /// The dropout probability of the trained adapters' input, peft's `lora_dropout`; nil for none. Rollouts, the teacher and validation use no
    /// dropout.
    package var adapterDropout: Double?
    /// A system turn before each question, both spoken and typed.
    package var system: String?

    package init(_ objective: Objective = Objective()) { self.objective = objective }

    /// Checks every number against the range of Float, in which steps compute: a constant that becomes 0 there would turn weights into NaN. Weights
    /// that a step nevertheless made NaN are never published.
    ///
    /// - Throws: ``TrainingError/options(_:)`` for the first number that is out of range or not a number.
    package func check() throws(TrainingError) {
        func hold<Value: Comparable>(_ name: String, _ value: Value?, in range: ClosedRange<Value>) throws(TrainingError) {
            guard let value, !range.contains(value) else { return }
            throw .options("\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
        }
        if let (option, expected) = objective.contradiction { throw .options("\(option.name): expected \(expected)") }
        try hold("learning rate", optimizer.learningRate, in: 0...1)
        try hold("beta1", optimizer.beta1, in: 0...(1.0).nextDown)
        try hold("beta2", optimizer.beta2, in: 0...(1.0).nextDown)
        try hold("epsilon", optimizer.epsilon, in: 1e-30...1)
        try hold("weight decay", optimizer.weightDecay, in: 0...1)
        try hold("gradient norm", maxGradientNorm, in: 1e-30...1e30)
        try hold("warm-up steps", schedule.warmupSteps, in: 0...1 << 40)
        try hold("steps of the schedule", schedule.totalSteps, in: 0...1 << 40)
        try hold("lora_dropout", adapterDropout, in: 0...(1.0).nextDown)
        try hold("rows of a pass", passRows, in: 1...1 << 24)
        try hold("K", objective.topK, in: 0...Int.max)
        try hold("alpha", objective.alpha, in: 0...1e6)
        try hold("beta", objective.beta, in: 0...1e6)
        try hold("temperature of the token rollout", objective.tokenTemperature, in: 0...100)
        try hold("temperature of the group", objective.sequenceTemperature, in: 0...100)
        try hold("temperature of the teacher", objective.teacherTemperature, in: 0...100)
        try hold("rollouts", objective.rollouts, in: 1...1 << 16)
        try hold("tokens of a rollout", objective.maxRolloutTokens, in: 1...1 << 24)
        try hold("coefficient of the token term", objective.tokenCoefficient, in: 0...1e6)
        try hold("coefficient of the sequence term", objective.sequenceCoefficient, in: 0...1e6)
        try hold("clip ratio", objective.clipRatio, in: 1e-30...1e6)
        try hold("K as a share", objective.topKShare, in: 0...1)
        try hold("bound of the importance weights", objective.importanceBound, in: 1e-30...1e6)
        try hold("coefficient of the KL to the reference", objective.referenceCoefficient, in: 0...1e6)
        try hold("coefficient of the entropy", objective.entropyCoefficient, in: 0...1e6)
        try hold("updates by one step's rollouts", objective.updatesPerRollout, in: 1...1 << 10)
        try hold("weight of the replay", objective.replayWeight, in: 0...1e6)
        try hold("share of replayed clips", objective.replayTranscripts, in: 0...1)
    }
}
