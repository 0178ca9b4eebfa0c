import Synchronization
import Training

/// Tells how long a run will still take, by the steps that it has taken.
final class StepClock: Sendable {
    private let begun = Mutex<(step: Int, at: ContinuousClock.Instant)?>(nil)
    private let start = ContinuousClock.now

    /// Nil before the first step and after the last.
    func left(_ progress: TrainingRun.Progress) -> String? {
        let now = ContinuousClock.now
        if progress.step == 0 {
            begun.withLock { $0 = (0, now) }
            return nil
        }
        let (step, instant) = begun.withLock { begun in
            begun = begun ?? (progress.step - 1, start)
            return begun!
        }
        let left = progress.totalSteps - progress.step
        guard left > 0, progress.step > step else { return nil }
        return Self.words(instant.duration(to: now) / .seconds(1) / Double(progress.step - step) * Double(left)) + " left"
    }

    static func words(_ seconds: Double) -> String {
        switch seconds {
        case ..<90: "about \(Int(seconds.rounded(.up))) s"
        case ..<5400: "about \(Int((seconds / 60).rounded())) min"
        default: "about \((seconds / 360).rounded() / 10) h"
        }
    }
}
