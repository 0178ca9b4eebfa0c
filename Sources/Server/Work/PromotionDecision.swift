import API
import Evaluation
import Foundation
import Generation
import HTTP
import Jobs
import Models

/// Whether a job's version is put in force: by the gap before and after it on one question set.
///
///     gap_reduced    own gap smaller (sign-flip test over source questions, p < 0.05) and text not down by more than allowed
///     always         yes
struct PromotionDecision: Sendable {
    let store: Store
    let runtime: Runtime
    let versions: StoredVersions

    private static let significance = 0.05

    /// - Throws: 404 for an unknown benchmark.
    func check(_ gate: PromotionGate) throws {
        if gate.condition == .gapReduced { _ = try questionSet(gate.benchmark) }
    }

    func decide(_ gate: PromotionGate, _ context: JobContext, _ note: inout FineTuning.Note) async throws {
        guard let id = note.version else { preconditionFailure("the job \(context.job.id) is judged before its version was made") }
        switch gate.condition {
        case .always:
            note.reason = "promoted without a condition"
            note.promoted = true
        case .gapReduced:
            let set = try questionSet(gate.benchmark)
            let base = try await report(set, gate, context, version: note.parent, known: note.baseReport)
            note.baseReport = base.id
            try context.save(checkpoint: try JSONEncoder().encode(note))
            let candidate = try await report(set, gate, context, version: id, known: note.candidateReport)
            note.candidateReport = candidate.id
            let change = try GapComparison(base: base, candidate: candidate)
            let (smaller, p, text) = (change.gapChange.points, change.gapChange.signFlipP, change.text.points)
            note.promoted = smaller > 0 && p < Self.significance && text >= -gate.maxTextDrop
            note.reason = String(
                format: "the gap went from %.1f to %.1f points (p = %.3g, n = %d), text by %+.1f", change.gapBefore, change.gapAfterOwn, p,
                change.n, text)
        }
        if note.promoted == true, try versions.current() != id {
            let reason = "job \(context.job.id)"
            try versions.change { _ = try $0.promote(id, reason: reason) }
        }
        try context.save(checkpoint: try JSONEncoder().encode(note))
        try context.event("\(note.promoted == true ? "Promoted" : "Not promoted"): \(note.reason ?? "")")
    }

    private func questionSet(_ name: String?) throws -> QuestionSet {
        let name = name ?? BuiltInBenchmark.standard.rawValue
        if let known = BuiltInBenchmark(rawValue: name) { return try known.questionSet() }
        let record = try store.benchmark(name)
        guard let content = record.content else { throw StoreError.notFound(kind: "benchmark", id: name) }
        return try BenchmarkCatalog.questionSet(at: store.contents.url(content), name: record.name)
    }

    /// The report that stands in the note already, or a new one.
    private func report(
        _ set: QuestionSet, _ gate: PromotionGate, _ context: JobContext, version id: String?, known: String?
    ) async throws -> GapReport {
        if let known { return try GapReport(json: try store.reportBody(id: known)) }
        let version = try id.map { try versions.version(try store.version($0)) }
        let respondent = EngineRespondent(runtime.engine, version: version, versionName: id)
        let run = EvaluationRun(set, settings: RunSettings(limit: gate.limit), respondent: respondent)
        try context.event("Measuring the gap of \(id ?? "base") on \(set.name), \(run.total) questions")
        let report = try await run.report(id: Identifier.gapReport.random(), software: Build.version)
        let record = try store.addReport(
            id: report.id, runID: "\(context.job.id)/\(id ?? "base")", model: versions.baseName, versionID: id ?? "base", benchmark: set.name,
            n: report.n, summary: try WireEncoder.encode(GapReportSummary(report, runID: context.job.id)), body: try report.json())
        return try GapReport(json: try store.reportBody(id: record.id))
    }
}

extension GapReportSummary {
    init(_ report: GapReport, runID: String?) {
        self.init(
            id: report.id, createdAt: report.created, runId: runID, model: report.reproducibility.model,
            weightVersion: report.reproducibility.weightVersion, benchmark: report.reproducibility.benchmark, n: report.n,
            accuracy: Dictionary(uniqueKeysWithValues: report.arms.map { ($0.key.rawValue, $0.value.accuracy) }),
            gap: report.gap.points, gapInterval: [report.gap.interval.lower, report.gap.interval.upper], p: report.gap.mcnemarP)
    }
}
