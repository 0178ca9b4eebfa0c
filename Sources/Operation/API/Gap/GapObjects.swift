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
    @Nullable package var startedAt: Int?
    @Nullable package var finishedAt: Int?
    package var progress: RunProgress
    /// Null until the run has succeeded.
    @Nullable package var reportId: String?
    @Nullable package var error: ErrorBody.Detail?

    package init(
        id: String, status: RunStatus, model: String, weightVersion: String? = nil, benchmark: String, arms: [GapArm], limit: Int? = nil, seed: Int,
        createdAt: Int, startedAt: Int? = nil, finishedAt: Int? = nil, progress: RunProgress, reportId: String? = nil,
        error: ErrorBody.Detail? = nil
    ) {
        (self.id, self.status, self.model, self.weightVersion, self.benchmark, self.arms) = (id, status, model, weightVersion, benchmark, arms)
        (self.limit, self.seed, self.createdAt, self.startedAt, self.finishedAt) = (limit, seed, createdAt, startedAt, finishedAt)
        (self.progress, self.reportId, self.error) = (progress, reportId, error)
    }
}

/// The state of a run.
package enum RunStatus: String, Codable, CaseIterable, Sendable {
    case queued, running, paused, succeeded, failed, cancelled
}

/// The number of questions answered, over all arms.
package struct RunProgress: Codable, Equatable, Sendable {
    package var done: Int
    package var total: Int

    package init(done: Int, total: Int) { (self.done, self.total) = (done, total) }
}

/// A report as the list shows it. The report itself has every item.
package struct GapReportSummary: Codable, Equatable, Sendable {
    package var id: String
    package var object = "gap.report"
    package var createdAt: Int
    package var runId: String?
    package var model: String
    package var weightVersion: String
    package var benchmark: String
    package var n: Int
    /// Accuracy by arm, 0 to 1.
    package var accuracy: [String: Double]
    /// Text minus audio accuracy, in points. This, its interval and p are null if no item was asked both typed and spoken.
    @Nullable package var gap: Double?
    /// The lower and upper ends of the paired confidence interval, in points.
    @Nullable package var gapInterval: [Double]?
    /// The p-value of the exact McNemar test.
    @Nullable package var p: Double?

    package init(
        id: String, createdAt: Int, runId: String? = nil, model: String, weightVersion: String, benchmark: String, n: Int,
        accuracy: [String: Double], gap: Double?, gapInterval: [Double]? = nil, p: Double? = nil
    ) {
        (self.id, self.createdAt, self.runId, self.model, self.weightVersion) = (id, createdAt, runId, model, weightVersion)
        (self.benchmark, self.n, self.accuracy, self.gap, self.gapInterval, self.p) = (benchmark, n, accuracy, gap, gapInterval, p)
    }
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

    package init(id: String, name: String, createdAt: Int, items: Int, categories: [String: Int], voices: Int, hash: String, builtIn: Bool) {
        (self.id, self.name, self.createdAt, self.items, self.categories, self.voices) = (id, name, createdAt, items, categories, voices)
        (self.hash, self.builtIn) = (hash, builtIn)
    }
}
