import Jobs
import Synchronization

/// Tells in a job's events how many of its rows were heard, where that takes long.
final class HeardRows: Sendable {
    private static let pause = Duration.seconds(15)
    private let context: JobContext
    private let rows: String
    private let told = Mutex(ContinuousClock.now)

    /// - Parameter rows: what they are called.
    init(_ context: JobContext, of rows: String) { (self.context, self.rows) = (context, rows) }

    func tell(_ done: Int, of total: Int) {
        let now = ContinuousClock.now
        let isDue = told.withLock { last in
            guard now - last >= Self.pause, done < total else { return false }
            last = now
            return true
        }
        // Nothing depends on it; a store that takes no more ends the job where it must be written to.
        if isDue { try? context.event("\(done) of \(total) \(rows) were heard") }
    }
}
