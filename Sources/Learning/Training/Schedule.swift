import Glibc

/// The learning rate over the steps of a training, as a share of its peak.
///
/// After `warmupSteps` of linear rise: constant, a line to zero at `totalSteps`, or half a cosine to zero.
package struct Schedule: Sendable, Equatable, Codable {
    package enum Shape: String, Sendable, Codable, CaseIterable { case constant, linear, cosine }

    package var shape: Shape
    package var warmupSteps: Int
    /// Where the decaying shapes reach zero; ignored by the constant one.
    package var totalSteps: Int

    package init(_ shape: Shape = .constant, warmupSteps: Int = 0, totalSteps: Int = 0) {
        self.shape = shape
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
    }

    /// The factor of step `step`, which counts from 0. The first warm-up step is above zero, so that no step is idle.
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
