package import Foundation
import Synchronization

/// Estimates when running jobs will have taken their steps, from the steps they have taken in this process.
package final class JobClock: Sendable {
    private let begun = Mutex<[String: (step: Int, at: Date)]>([:])

    /// Records a job's progress; the first call sets the start.
    func note(_ job: String, step: Int) { begun.withLock { $0[job] = $0[job] ?? (step, Date()) } }

    func forget(_ job: String) { begun.withLock { $0[job] = nil } }

    /// Nil if the job is not taking steps, or has not taken one yet.
    package func finish(of job: String, step: Int, total: Int) -> Date? {
        guard let (first, start) = begun.withLock({ $0[job] }), step > first, step < total else { return nil }
        let now = Date()
        return now + now.timeIntervalSince(start) / Double(step - first) * Double(total - step)
    }
}
