import Foundation
import Glibc
import Synchronization

/// A bar on standard error with rate and time left; silent where that is no terminal.
final class ProgressBar: Sendable {
    private struct State {
        var first: (done: Int, at: ContinuousClock.Instant)?
        var drawn: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let unit: String
    private let isTerminal = isatty(STDERR_FILENO) == 1

    /// - Parameter unit: what is counted, as in `clips`.
    init(_ unit: String) { self.unit = unit }

    func say(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

    func show(_ done: Int, of total: Int) {
        guard isTerminal, total > 0 else { return }
        let now = ContinuousClock.now
        let line: String? = state.withLock { state in
            let first = state.first ?? (done, now)
            state.first = first
            if let drawn = state.drawn, drawn.duration(to: now) < .milliseconds(100), done < total { return nil }
            state.drawn = now
            let seconds = first.at.duration(to: now) / .seconds(1)
            let rate = seconds > 0 ? Double(done - first.done) / seconds : 0
            let cells = 30 * done / total
            let bar = String(repeating: "█", count: cells) + String(repeating: "░", count: 30 - cells)
            let left = rate > 0 ? ", \(Int((Double(total - done) / rate).rounded(.up))) s left" : ""
            return "\r\(bar) \(done) of \(total), \(Int(rate.rounded())) \(unit)/s\(left)\u{1B}[K"
        }
        if let line { FileHandle.standardError.write(Data(line.utf8)) }
    }

    func end() {
        guard isTerminal, state.withLock({ $0.drawn != nil }) else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    }
}
