import Synchronization
package import Training

/// Counts of the steps that were taken, online and by jobs, for `/metrics`.
package final class TrainingMetrics: Sendable {
    package struct Numbers {
        package var steps = 0
        package var refused = 0
        package var waiting = 0
        package var rolloutTokens = 0
        package var trainTokens = 0
        package var seconds = 0.0
        package var last: StepMetrics?
    }

    // Functions that lock are not inlined. When one asynchronous function takes two locks with a suspension between them, the optimiser (Swift
    // 6.3.1) assumes that both are on the same thread, and unlocking the second one traps.
    private let state = Mutex(Numbers())

    package var numbers: Numbers { state.withLock { $0 } }

    @inline(never) func took(_ report: StepReport) {
        state.withLock { numbers in
            numbers.steps += 1
            numbers.rolloutTokens += report.metrics.rolloutTokens
            numbers.trainTokens += report.metrics.trainTokens
            numbers.seconds += report.timings.total
            numbers.last = report.metrics
        }
    }

    /// Counts the steps of requests that wait for their turn.
    @inline(never) func waits(_ change: Int) { state.withLock { $0.waiting += change } }

    @inline(never) func refused() { state.withLock { $0.refused += 1 } }
}
