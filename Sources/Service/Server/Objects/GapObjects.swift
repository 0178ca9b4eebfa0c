package import API

/// Gap runs and their reports: `POST /v1/gap/runs`, `GET /v1/gap/reports`.

/// A measurement of one model on one question set, running or ended.
package struct GapRun: Codable, Equatable, Sendable {
    package var id: String
    package var object = "gap.run"
    package var status: RunStatus
    package var model: String
    package var weightVersion: String?
    package var benchmark: String
    package var arms: [GapArm]
    package var limit: Int?
    package var seed: Int
    package var createdAt: Int
    @Nullable package var startedAt: Int? = nil
    @Nullable package var finishedAt: Int? = nil
    package var progress: RunProgress
    /// Null until the run has succeeded.
    @Nullable package var reportId: String? = nil
    @Nullable package var error: ErrorBody.Detail? = nil
}

/// The state of a run.
package enum RunStatus: String, Codable, CaseIterable, Sendable {
    case queued, running, paused, succeeded, failed, cancelled
}

/// The number of questions answered, over all arms.
package struct RunProgress: Codable, Equatable, Sendable {
    package var done: Int
    package var total: Int
}

/// An available question set.
package struct Benchmark: Codable, Equatable, Sendable {
    package var id: String
    package var object = "benchmark"
    package var name: String
    package var createdAt: Int
    package var items: Int
    package var categories: [String: Int]
    package var voices: Int
    /// The hash of the manifest and every clip.
    package var hash: String
    package var builtIn: Bool
}
