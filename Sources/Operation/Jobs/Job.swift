package import Foundation

/// The state of a job.
///
///     queued ⇄ paused
///       ↓ ↑ (resume, restart)      running → succeeded | failed
///     running ──────────────────── queued, running, paused → cancelled
package enum JobState: String, CaseIterable, Sendable {
    case queued, running, paused, succeeded, failed, cancelled

    package var isFinal: Bool { self == .succeeded || self == .failed || self == .cancelled }

    /// The states that may come after this one.
    package var successors: Set<JobState> {
        switch self {
        case .queued: [.running, .paused, .cancelled]
        case .running: [.queued, .paused, .succeeded, .failed, .cancelled]
        case .paused: [.queued, .cancelled]
        case .succeeded, .failed, .cancelled: []
        }
    }
}

/// Work that outlives its request. Only the handler of its `kind` interprets `request`, `checkpoint` and `result`; the store and the runner do not.
package struct Job: Equatable, Sendable {
    package let id: String
    package let kind: String
    /// Jobs of one lane run one after another.
    package let lane: String
    package var state: JobState
    package let request: Data
    package var done: Int
    package var total: Int
    /// How often it was started. A handler of an earlier attempt can no longer change anything.
    package var attempt: Int
    /// What the handler saved to continue from.
    package var checkpoint: Data?
    package var result: Data?
    package var error: String?
    package var errorCode: String?
    package let createdAt: Date
    package var startedAt: Date?
    package var finishedAt: Date?
}

/// One line of a job's history, append only.
package struct JobEvent: Equatable, Sendable {
    package enum Level: String, CaseIterable, Sendable { case info, warn, error }

    package enum Kind: String, CaseIterable, Sendable {
        case message, metrics
        /// The state changed; `message` is its name.
        case state
        /// Current numbers, which are streamed and never stored.
        case progress
    }

    package let id: String
    package let jobID: String
    package let createdAt: Date
    package let level: Level
    package let kind: Kind
    package let message: String
    /// JSON.
    package let data: Data?
}

/// A version that a job made during its work.
package struct JobCheckpoint: Equatable, Sendable {
    package let id: String
    package let jobID: String
    package let step: Int
    package let versionID: String
    /// JSON.
    package let metrics: Data
    package let createdAt: Date
}

/// A failure that a handler reports with a code for programs.
package struct JobFailure: Error, Equatable, Sendable {
    package let code: String
    package let message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}
