import Foundation
import Glibc
import Synchronization

/// A bar on standard error with rate and time left; silent where that is no terminal.
final class ProgressBar: Sendable {
    private struct State {
        var first: (done: Int, at: ContinuousClock.Instant)?
        var last: (done: Int, at: ContinuousClock.Instant)?
        var drawn: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let unit: String
    private let isTerminal = isatty(STDERR_FILENO) == 1

    /// - Parameter unit: what is counted, as in `clips`.
    init(_ unit: String) { self.unit = unit }

    func say(_ text: String) { Terminal.say(text) }

    func show(_ done: Int, of total: Int) {
        guard total > 0 else { return }
        let now = ContinuousClock.now
        let line: String? = state.withLock { state in
            let first = state.first ?? (done, now)
            state.first = first
            state.last = (done, now)
            guard isTerminal else { return nil }
            if let drawn = state.drawn, drawn.duration(to: now) < .milliseconds(100), done < total { return nil }
            state.drawn = now
            let seconds = first.at.duration(to: now) / .seconds(1)
            let rate = seconds > 0 ? Double(done - first.done) / seconds : 0
            let cells = 30 * done / total
            let bar = String(repeating: "█", count: cells) + String(repeating: "░", count: 30 - cells)
            let left = rate > 0 ? ", \(Int((Double(total - done) / rate).rounded(.up))) s left" : ""
            let speed = rate < 1 ? String(format: "%.2f", rate) : "\(Int(rate.rounded()))"
            return "\r\(bar) \(done) of \(total), \(speed) \(unit)/s\(left)\u{1B}[K"
        }
        if let line { Terminal.draw(line) }
    }

    func end() {
        guard isTerminal, state.withLock({ $0.drawn != nil }) else { return }
        Terminal.draw("\r\u{1B}[K")
    }

    /// Ends the bar with what was done in what time.
    func finish() {
        end()
        guard let (first, last) = state.withLock({ state in state.first.flatMap { first in state.last.map { (first, $0) } } }) else { return }
        let (count, seconds) = (last.done - first.done, first.at.duration(to: last.at) / .seconds(1))
        if count > 0, seconds > 0 { say(String(format: "%d %@ in %.2f s, %.1f/s", count, unit, seconds, Double(count) / seconds)) }
    }
}
