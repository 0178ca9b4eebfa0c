import CordBench
import API
import Evaluation
import Foundation
import Generation
import Jobs
import Models

/// Whether a job's version is put in force, decided by the gap before and after it on one question set.
///
///     gap_reduced    as ``GapComparison/reducesGap(maximumTextDrop:)`` says
///     always         yes
struct PromotionDecision: Sendable {
    let store: Store
    let runtime: Runtime
    let versions: StoredVersions
    let measuring: Measuring

    /// - Throws: ``WorkshopError`` for an unknown benchmark.
    func check(_ gate: PromotionGate) throws {
        guard gate.condition == .gapReduced else { return }
        try measuring.benchmarks.check(Self.benchmark(gate))
        try measuring.benchmarks.check(retained: gate.retain ?? [])
    }

    func decide(_ gate: PromotionGate, _ context: JobContext, _ note: inout FineTuning.Note) async throws {
        guard let id = note.version else { preconditionFailure("the job \(context.job.id) is judged before its version was made") }
        let before = InForce(versionID: try store.promotion(base: versions.baseName)?.versionID)
        switch gate.condition {
        case .always:
            note.reason = "promoted without a condition"
            note.promoted = true
        case .gapReduced:
            let base = try await report(gate, context, version: note.parent, known: note.baseReport)
            note.baseReport = base.id
            try context.save(checkpoint: try JSONEncoder().encode(note))
            let candidate = try await report(gate, context, version: id, known: note.candidateReport)
            note.candidateReport = candidate.id
            let change = try GapComparison(base: base, candidate: candidate)
            note.promoted = change.reducesGap(
                maximumTextDrop: gate.maxTextDrop, maximumRetentionDrop: gate.maxRetentionDrop ?? gate.maxTextDrop)
            note.reason = String(
                format: "the gap went from %.1f to %.1f points (p = %.3g, n = %d), text by %+.1f", change.gapBefore, change.gapAfterOwn,
                change.gapClosed.signFlipP, change.n, change.text.points)
            for kept in change.retention ?? [] {
                note.reason? += String(format: ", %@ by %+.1f", kept.benchmark, kept.change.points)
            }
        }
        if note.promoted == true, before.versionID != id {
            do {
                try versions.change { _ = try $0.promote(id, reason: "job \(context.job.id)", over: before) }
            } catch StoreError.conflict(let reason) {
                note.promoted = false
                note.reason? += ". \(reason) To put it in force all the same, promote it"
            }
        }
        try context.save(checkpoint: try JSONEncoder().encode(note))
        try context.event("\(note.promoted == true ? "Promoted" : "Not promoted"): \(note.reason ?? "")")
    }

    /// The report that the note already names, or a new one. An interrupted measurement continues.
    private func report(_ gate: PromotionGate, _ context: JobContext, version id: String?, known: String?) async throws -> GapReport {
        if let known { return try GapReport(json: try store.reportBody(id: known)) }
        let entry = try runtime.versions.entry(id ?? runtime.versions.pinnedBaseName)
        var wanted = GapRunRequest(model: versions.baseName, benchmark: Self.benchmark(gate), limit: gate.limit)
        wanted.divergence = 0
        wanted.retain = gate.retain
        let answers = store.folder.appending(path: "jobs/\(context.job.id)/gap-\(entry.versionID).jsonl")
        try context.event("Measuring the gap of \(entry.versionID) on \(wanted.benchmark)")
        let record = try await measuring.measure(wanted, entry, answers: answers, run: "\(context.job.id)/\(entry.versionID)", job: context.job.id)
        try? FileManager.default.removeItem(at: answers)
        return try GapReport(json: try store.reportBody(id: record.id))
    }

    private static func benchmark(_ gate: PromotionGate) -> String { gate.benchmark ?? CordBench.standard.rawValue }
}
