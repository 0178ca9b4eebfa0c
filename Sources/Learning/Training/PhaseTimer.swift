/// Where the time of a step goes.
package final class PhaseTimer {
    package enum Phase: String, CaseIterable { case rollouts, scoring, backward, optimizer, total }

    private var durations: [Phase: Duration] = [:]

    package init() {}

    package func measure<Result>(_ phase: Phase, _ body: () -> Result) -> Result {
        let start = ContinuousClock.now
        defer { add(phase, since: start) }
        return body()
    }

    package func add(_ phase: Phase, since start: ContinuousClock.Instant) {
        durations[phase, default: .zero] += start.duration(to: .now)
    }

    /// Seconds spent in a phase so far.
    package subscript(phase: Phase) -> Double {
        let (seconds, attoseconds) = durations[phase, default: .zero].components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
