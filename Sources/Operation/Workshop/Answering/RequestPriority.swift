/// Who comes first, and how long a request may take.
package enum RequestPriority: Sendable {
    /// A client waits.
    case normal
    /// Others come first, as before measurements; it has that much time.
    case low(within: Duration)

    var isLow: Bool { if case .low = self { true } else { false } }

    func time(_ limits: AnswerLimits) -> Duration { if case .low(let time) = self { time } else { limits.time } }
}
