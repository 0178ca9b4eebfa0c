/// The number of attempts of a failing request, and the delays between them: initialDelay · 2ⁿ, at most maximumDelay, or the delay that
/// the server requests within that bound.
package struct RetryPolicy: Sendable, Equatable {
    package let attempts: Int
    package let initialDelay: Double
    package let maximumDelay: Double

    /// - Parameters: `attempts` at least 1, delays in seconds.
    package init(attempts: Int = 3, initialDelay: Double = 0.5, maximumDelay: Double = 8) {
        precondition(attempts >= 1, "a request needs at least one attempt, not \(attempts)")
        self.attempts = attempts
        self.initialDelay = initialDelay
        self.maximumDelay = maximumDelay
    }

    /// Seconds to wait after failed attempt `attempt` (1, 2, …), or nil if it was the last or another would not help.
    package func delay(after attempt: Int, _ error: EndpointError) -> Double? {
        guard error.mayPass, let planned = delay(after: attempt) else { return nil }
        guard case .status(_, _, _, let retryAfter?) = error else { return planned }
        return max(planned, min(retryAfter, maximumDelay))
    }

    /// Seconds to wait after failed attempt `attempt` of something that may pass; nil after the last.
    package func delay(after attempt: Int) -> Double? {
        attempt < attempts ? min(maximumDelay, initialDelay * Double(1 << min(attempt - 1, 20))) : nil
    }
}

/// Why a remote endpoint gave no usable answer. No case holds the key that was sent.
package enum EndpointError: Error, Sendable, Equatable, CustomStringConvertible {
    case unreachable(url: String, reason: String)
    case timedOut(url: String, seconds: Double)
    case status(url: String, code: Int, excerpt: String, retryAfter: Double?)
    case tooLarge(url: String, limit: Int)
    case unexpected(url: String, expected: String, found: String)

    /// Whether the same request may succeed later.
    var mayPass: Bool {
        switch self {
        case .unreachable, .timedOut: true
        case .status(_, let code, _, _): code == 408 || code == 429 || code >= 500
        case .tooLarge, .unexpected: false
        }
    }

    package var description: String {
        switch self {
        case .unreachable(let url, let reason):
            "cannot reach \(url): \(reason); check the address and that its server is running"
        case .timedOut(let url, let seconds):
            "\(url) did not answer within \(seconds) s; raise the timeout or try later"
        case .status(let url, let code, let excerpt, _): "\(url) answered with status \(code): \(excerpt)"
        case .tooLarge(let url, let limit): "the answer of \(url) is larger than \(limit) bytes and was not read on"
        case .unexpected(let url, let expected, let found): "\(url) should have sent \(expected), but sent \(found)"
        }
    }
}
