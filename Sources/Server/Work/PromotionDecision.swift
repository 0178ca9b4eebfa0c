import API
import Foundation
import HTTP
import Jobs

/// Whether a job's version is put in force.
struct PromotionDecision: Sendable {
    let store: Store
    let runtime: Runtime
    let versions: StoredVersions

    /// - Throws: 422 for a condition that cannot be judged here.
    func check(_ gate: PromotionGate) throws {
        guard gate.condition == .always else {
            throw HTTPError(
                422, "cord.promote.if: this server has no benchmark to judge \"\(gate.condition.rawValue)\" by.",
                parameter: "cord.promote.if", code: "no_benchmark")
        }
    }

    func decide(_ gate: PromotionGate, _ context: JobContext, _ note: inout FineTuning.Note) async throws {
        guard let id = note.version else { preconditionFailure("the job \(context.job.id) is judged before its version was made") }
        note.reason = "promoted without a condition"
        note.promoted = true
        if try versions.current() != id {
            let reason = "job \(context.job.id)"
            try versions.change { _ = try $0.promote(id, reason: reason) }
        }
        try context.save(checkpoint: try JSONEncoder().encode(note))
    }
}
