package import Foundation
import Synchronization

/// When the jobs that run will have taken their steps, by those that they have taken since this process has them.
package final class JobClock: Sendable {
    private let begun = Mutex<[String: (step: Int, at: Date)]>([:])

    /// Notes how far a job is; the first time counts.
    func note(_ job: String, step: Int) { begun.withLock { $0[job] = $0[job] ?? (step, Date()) } }

    func forget(_ job: String) { begun.withLock { $0[job] = nil } }

    /// Nil where the job takes no steps now, or has taken none yet.
    package func finish(of job: String, step: Int, total: Int) -> Date? {
        guard let (first, start) = begun.withLock({ $0[job] }), step > first, step < total else { return nil }
        let now = Date()
        return now + now.timeIntervalSince(start) / Double(step - first) * Double(total - step)
    }
}
