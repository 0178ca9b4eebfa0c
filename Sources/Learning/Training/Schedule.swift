import Glibc

/// The learning rate over the steps of a training, as a share of its peak.
///
/// It rises linearly over `warmupSteps`. Then it stays constant, falls linearly to zero at `totalSteps`, or follows half a cosine to zero.
package struct Schedule: Sendable, Equatable, Codable {
    package enum Shape: String, Sendable, Codable, CaseIterable { case constant, linear, cosine }

    package var shape: Shape
    package var warmupSteps: Int
    /// The step at which decaying schedules reach zero; the constant one ignores it.
    package var totalSteps: Int

    package init(_ shape: Shape = .constant, warmupSteps: Int = 0, totalSteps: Int = 0) {
        self.shape = shape
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
    }

    /// The factor of a step, counted from 0. The first warm-up step is above zero, so that no step is without effect.
    package func factor(step: Int) -> Double {
        if step < warmupSteps { return Double(step + 1) / Double(warmupSteps + 1) }
        let progress = min(1, Double(step - warmupSteps) / Double(max(1, totalSteps - warmupSteps)))
        return switch shape {
        case .constant: 1
        case .linear: 1 - progress
        case .cosine: 0.5 * (1 + cos(.pi * progress))
        }
    }
}
