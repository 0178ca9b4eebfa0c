package import API
package import Evaluation
import Foundation
package import Generation
import Jobs
import Judging
import Models
import Workers

/// Gap runs: they put a stored question set to one weight version and store the report.
///
///     queued → version pinned → questions … (answers kept in jobs/ID/answers.jsonl) → report stored → succeeded
///
/// An interrupted run asks the missing questions of the same version.
package struct Measuring: Sendable {
    package static let kind = "gap_run"

    /// What one attempt leaves to the next, beside the answers.
    package struct Note: Codable {
        /// The version's id, or "base".
        package var version: String
    }

    /// The result of a run that succeeded.
    package struct Outcome: Codable {
        package var report: String
        package var version: String
    }

    let store: Store
    let runtime: Runtime
    let benchmarks: Benchmarks
    let judges: Judges
    /// The refusal that a request with the same fault would get.
    let refusal: @Sendable (any Error) -> JobFailure?
    private let disk = WorkQueue(name: "measuring", width: 2)

    /// Refuses what can be refused before the run is queued.
    package func check(_ wanted: GapRunRequest) throws {
        _ = try runtime.versions.entry(wanted.model)
        try benchmarks.check(wanted.benchmark)
        try benchmarks.check(retained: wanted.retain ?? [])
        _ = try judge(wanted.judge)
        guard wanted.decoding.seed == nil else {
            throw WorkshopError(
                .invalidValue, "decoding.seed: expected nothing; the run's own `seed` draws the order and what is sampled.",
                at: "decoding.seed")
        }
    }

    /// Removes the files from which an ended run could continue.
    package func forget(_ id: String) { try? FileManager.default.removeItem(at: folder(id)) }

    /// The id or name of the version that a run measures.
    static func versions(of job: Job) throws -> [String?] {
        guard let saved = job.checkpoint else { return [try JSONDecoder().decode(GapRunRequest.self, from: job.request).model] }
        return [try JSONDecoder().decode(Note.self, from: saved).version]
    }

    private func folder(_ id: String) -> URL { store.folder.appending(path: "jobs/\(id)", directoryHint: .isDirectory) }

    /// The job handler for ``kind``.
    func run(_ context: JobContext) async throws -> Data {
        let wanted = try JSONDecoder().decode(GapRunRequest.self, from: context.job.request)
        let entry: VersionRegistry.Entry
        if let saved = context.job.checkpoint {
            entry = try pinned(try JSONDecoder().decode(Note.self, from: saved).version, wanted.model)
        } else {
            entry = try runtime.versions.entry(wanted.model)
            try context.save(checkpoint: try JSONEncoder().encode(Note(version: entry.versionID)))
        }
        do {
            let report = try await measure(
                wanted, entry, answers: folder(context.job.id).appending(path: "answers.jsonl"), run: context.job.id,
                progress: { try context.progress(done: $0, total: $1) })
            forget(context.job.id)
            return try JSONEncoder().encode(Outcome(report: report.id, version: entry.versionID))
        } catch is CancellationError {
            if try store.job(id: context.job.id).state == .cancelled { forget(context.job.id) }
            throw CancellationError()
        } catch {
            if let failure = StoreError(storage: error, attempted: "Measuring") { throw failure }
            throw failure(error)
        }
    }

    /// Measures one version now and stores the report.
    ///
    /// - Parameters:
    ///   - answers: The file of the answers so far, from which the run continues.
    ///   - run: The run's id. Each run has one report.
    ///   - job: The run that the report's summary names, if it is not `run`.
    func measure(
        _ wanted: GapRunRequest, _ entry: VersionRegistry.Entry, answers: URL, run id: String, job: String? = nil,
        progress: @Sendable (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) async throws -> ReportRecord {
        let (benchmarks, store) = (benchmarks, store)
        let set = try await disk.run { try benchmarks.set(wanted.benchmark, check: $0.check) }
        let others = try await disk.run { work in try (wanted.retain ?? []).map { try benchmarks.set($0, check: work.check) } }
        let respondent = runtime.respondent(entry, wanted.decoding.over(.greedy, runtime.model))
        let arms = wanted.arms.map { Arm($0) }
        let settings = RunSettings(
            arms: arms, limit: wanted.limit, seed: UInt64(wanted.seed),
            extraction: wanted.extraction.map { ExtractionMode($0) } ?? .strict,
            divergence: Set(arms).isSuperset(of: [.text, .audio]) ? wanted.divergence : 0)
        // A run takes only a part of the queue, since others ask too.
        let places = min(128, max(1, runtime.engine.limits.queue / 2))
        let run = EvaluationRun(
            set, settings: settings, respondent: respondent, judge: try judge(wanted.judge), concurrency: places, retaining: others)
        let facts = try await run.reproducibility(software: Build.version)
        try FileManager.default.createDirectory(at: answers.deletingLastPathComponent(), withIntermediateDirectories: true)
        let file = try ProgressFile(answers, run: facts)
        let report = try await run.report(
            id: Identifier.gapReport.random(), software: Build.version, continuing: file.known, record: { try file.append($0) },
            progress: progress)
        return try await disk.run {
            let summary = GapReportSummary(report, runID: job ?? id)
            return try store.addReport(
                id: report.id, runID: id, model: wanted.model, versionID: entry.versionID, benchmark: set.name, n: report.n,
                summary: try WireEncoder.encode(summary), body: try report.json())
        }
    }

    /// The version that the run began with, even if its model's name now stands for another.
    private func pinned(_ version: String, _ model: String) throws -> VersionRegistry.Entry {
        if version == VersionRegistry.Entry.baseVersionID { return try runtime.versions.entry(runtime.versions.pinnedBaseName) }
        let named = try? runtime.versions.entry(model)
        if let named, named.versionID == version { return named }
        do { return try runtime.versions.entry(version) } catch {
            throw JobFailure(
                code: "version_gone",
                message:
                    "The run began with the weight version \(version) of \"\(model)\", which this server has no more. Start a new run."
            )
        }
    }

    private func judge(_ wanted: JudgeOptions?) throws -> FreeFormJudge? {
        guard let wanted, let judge = try judges.model(wanted) else { return nil }
        return FreeFormJudge(
            judge, name: [wanted.kind.rawValue, wanted.model, wanted.endpoint].compactMap { $0 }.joined(separator: " "))
    }

    private func failure(_ error: any Error) -> JobFailure {
        switch error {
        case let failure as JobFailure: failure
        case is QuestionSetError: JobFailure(code: "invalid_benchmark", message: "\(error)")
        case is MissingJudge: JobFailure(code: "missing_judge", message: "\(error)")
        default: refusal(error) ?? JobFailure(code: "internal_error", message: "\(error)")
        }
    }
}

extension GapReportSummary {
    init(_ report: GapReport, runID: String?) {
        self.init(
            id: report.id, createdAt: report.created, runId: runID, model: report.reproducibility.model,
            weightVersion: report.reproducibility.weightVersion, benchmark: report.reproducibility.benchmark, n: report.n,
            accuracy: Dictionary(uniqueKeysWithValues: report.arms.map { ($0.key.rawValue, $0.value.accuracy) }),
            gap: report.gap.isMeasured ? report.gap.points : nil,
            gapInterval: report.gap.interval.map { [$0.lower, $0.upper] },
            p: report.gap.isMeasured ? report.gap.mcnemarP : nil)
    }
}

extension Runtime {
    /// Asks a version of this model, with the operator's limit on the length of clips.
    package func respondent(_ entry: VersionRegistry.Entry, _ decoding: SamplingOptions) -> EngineRespondent {
        EngineRespondent(
            engine, version: entry.version, versionName: entry.versionID, decoding: decoding, maximumSeconds: limits.clipSeconds)
    }
}
