package import Objectives
package import Tensors

/// How a trainer learns, apart from what is trained (``AdapterPlan``).
package struct TrainingOptions: Sendable, Equatable, Codable {
    package var objective = Objective()
    package var optimizer = AdamW()
    package var schedule = Schedule()
    /// Gradients are scaled down to this global norm; nil leaves them.
    package var maxGradientNorm: Double?
    /// Names every random stream of the training: adapter initialisation, rollouts, order of pairs.
    package var seed: UInt64 = 0
    /// Rows of one packed pass; a step with more runs several and adds their gradients. A single pair may have more.
    package var passRows = 4096
    /// A system turn before each question, spoken and typed alike.
    package var system: String?

    package init(_ objective: Objective = Objective()) { self.objective = objective }
}
