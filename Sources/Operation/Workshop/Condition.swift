import Synchronization

/// Whether the server works as its operator set it up, and the reasons if it does not, such as a version with damaged files.
///
/// A degraded server still answers. `/health` says only the word, since it needs no key; `/metrics` and the log give the reasons.
package final class Condition: Sendable {
    private let found = Mutex<[String]>([])
    private let degraded = Atomic(false)

    package init() {}

    /// Adds a reason, unless it is already listed.
    ///
    /// - Parameter reason: A short sentence for operators. It must not contain anything that varies between occurrences.
    package func degrade(_ reason: String) {
        found.withLock { reasons in
            if !reasons.contains(reason) { reasons.append(reason) }
            degraded.store(true, ordering: .releasing)
        }
    }

    /// Removes a reason that no longer holds.
    package func recover(_ reason: String) {
        found.withLock { reasons in
            reasons.removeAll { $0 == reason }
            degraded.store(!reasons.isEmpty, ordering: .releasing)
        }
    }

    package var isDegraded: Bool { degraded.load(ordering: .acquiring) }

    /// The reasons, in the order in which they were added.
    package var reasons: [String] { found.withLock { $0 } }
}
