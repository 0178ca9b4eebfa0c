import Synchronization

/// Whether the server is as its operator left it: the reasons why it is not, such as a version whose files are damaged.
///
/// A degraded server answers. `/health` says the one word, for whoever has no key; `/metrics` and the log have the reasons.
package final class Condition: Sendable {
    private let found = Mutex<[String]>([])
    private let degraded = Atomic(false)

    package init() {}

    /// Adds a reason; one that is listed already changes nothing.
    ///
    /// - Parameter reason: A short sentence for operators, without what varies from one time to the next.
    package func degrade(_ reason: String) {
        found.withLock { reasons in
            if !reasons.contains(reason) { reasons.append(reason) }
            degraded.store(true, ordering: .releasing)
        }
    }

    /// Takes a reason away that holds no more.
    package func recover(_ reason: String) {
        found.withLock { reasons in
            reasons.removeAll { $0 == reason }
            degraded.store(!reasons.isEmpty, ordering: .releasing)
        }
    }

    package var isDegraded: Bool { degraded.load(ordering: .acquiring) }

    /// In the order in which they were found.
    package var reasons: [String] { found.withLock { $0 } }
}
