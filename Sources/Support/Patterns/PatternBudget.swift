import Synchronization

/// The bound on the cost of all patterns of one file. Each may be cheap, but thousands of patterns with thousands of names are not.
///
/// A step is PCRE2's, about 10 ns, so that the whole budget is a few seconds of one core.
package final class PatternBudget: Sendable {
    private struct Left {
        var steps = 1 << 28
        var bytes = 16 << 20
        var patterns = 8192
    }

    private let left = Mutex(Left())

    package init() {}

    /// The steps of successive attempts to match a name.
    static let attempts = [256, 4096, 65_536]

    func charge(steps: Int, _ source: String) throws(PatternError) {
        let isLeft = left.withLock { left in
            left.steps -= steps
            return left.steps >= 0
        }
        guard isLeft else { throw PatternError(source, "the file's patterns take too many steps to match with all names") }
    }

    /// Charges a compiled pattern's memory.
    package func charge(_ pattern: Pattern) throws(PatternError) {
        let size = pattern.compiledSize
        let isLeft = left.withLock { left in
            left.bytes -= size
            left.patterns -= 1
            return left.bytes >= 0 && left.patterns >= 0
        }
        guard isLeft else { throw PatternError(pattern.source, "the file's patterns are too many or too large") }
    }
}
