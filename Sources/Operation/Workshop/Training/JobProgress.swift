import API
import Foundation
import Jobs
import Training

/// Turns a training run's steps into a job's events and checkpoints, and finally into its version.
struct JobProgress: Sendable {
    let work: FineTuning
    let context: JobContext
    let trainer: Trainer
    let suffix: String?
    let note: FineTuning.Note
    let reported: Int
    let every: Int
    /// The rules for which checkpoints keep their versions, and the measure of the best one.
    let keep: [KeepRule]
    let criterion: Criterion

    func report(_ progress: TrainingRun.Progress) async throws {
        if let report = progress.report { work.took(report) }
        if progress.step > reported { try tell(progress) }
        work.clock.note(context.job.id, step: progress.step)
        guard progress.step > 0 else { return }
        // The last step's version is the job's own.
        let isCompared = progress.validation != nil && keep.contains(.best)
        if progress.step % every == 0 || isCompared, !progress.isLast { try await checkpoint(progress) }
        // A job that ends early has taken all of its steps.
        try context.progress(done: progress.step, total: progress.isLast ? progress.step : progress.totalSteps)
    }

    private func tell(_ progress: TrainingRun.Progress) throws {
        struct Line: Encodable {
            let step: Int
            let total_steps: Int
            let train_loss: Double?
            let metrics: StepMetrics?
            let skipped: Int
            let validation: Validation?
        }
        let skipped = progress.report?.pairs.count { !$0.isApplied } ?? 0
        let data = try WireEncoder.encode(
            Line(
                step: progress.step, total_steps: progress.totalSteps, train_loss: progress.report?.metrics.loss,
                metrics: progress.report?.metrics, skipped: skipped, validation: progress.validation))
        if let problem = progress.problem {
            try context.event("Step \(progress.step)/\(progress.totalSteps) was not taken: \(problem)", level: .warn, kind: .metrics, data: data)
        } else {
            let loss = progress.report.map { [("training loss", $0.metrics.loss)] } ?? []
            let held = progress.validation?.values.map { ("validation " + $0.name, $0.value) } ?? []
            let numbers = (loss + held).map { name, value in String(format: "%@=%.4f", name, value) }.joined(separator: ", ")
            try context.event("Step \(progress.step)/\(progress.totalSteps): \(numbers)", kind: .metrics, data: data)
        }
    }

    private func checkpoint(_ progress: TrainingRun.Progress) async throws {
        let numbers = try numbers(step: progress.step, loss: progress.report?.metrics.loss, progress.validation)
        let id = Identifier.version.random()
        let (content, kind) = try await work.content(trainer, id: id)
        let version = NewVersion(
            id: id, name: "\(name)\(Self.mark)\(progress.step)", base: work.baseName, parentID: note.parent, kind: kind, content: content,
            step: progress.step, metrics: numbers)
        try context.save(checkpoint: try JSONEncoder().encode(note), step: progress.step, version: version, metrics: numbers)
        try removeOld()
    }

    /// Removes the versions of checkpoints that no rule keeps, unless one is in force or still needed.
    private func removeOld() throws {
        let found = try checkpoints()
        let steps = found.map(\.step)
        let best = keep.contains(.best) ? try criterion.best(ofRun: work.folder(context.job.id)) : nil
        let kept = Set(keep.flatMap { $0.kept(of: steps, best: best) })
        for (step, id, record) in found where !kept.contains(step) {
            if try work.versions.current() == record.id || work.store.openJob(using: record) != nil { continue }
            try work.versions.delete(record)
            try work.store.forgetCheckpoint(id)
        }
    }

    /// The job's checkpoints that still have their versions, oldest first.
    private func checkpoints() throws -> [(step: Int, id: String, version: WeightVersionRecord)] {
        var found: [(Int, String, WeightVersionRecord)] = []
        var after: String?
        while true {
            let page = try work.store.checkpoints(job: context.job.id, after: after, limit: 100)
            for checkpoint in page.elements {
                guard let record = try? work.store.version(checkpoint.versionID), Self.isCheckpoint(record) else { continue }
                found.append((checkpoint.step, checkpoint.id, record))
            }
            guard page.hasMore, let last = page.elements.last else { return found.reversed() }
            after = last.id
        }
    }

    /// What follows a job's name in the names of its checkpoints.
    private static let mark = ":ckpt-step-"

    /// Whether a version is a checkpoint of a job.
    static func isCheckpoint(_ record: WeightVersionRecord) -> Bool { record.name.hasPrefix("ft:") && record.name.contains(mark) }

    /// Records the job's version, once only.
    func finish(_ result: RunResult) async throws -> FineTuning.Note {
        let total = result.steps
        if let stopped = result.stopped { try context.event("The training ended at step \(total): \(stopped)") }
        for pair in result.leftOut.prefix(16) {
            try context.event("The pair \(pair.id) was left out of \(pair.times) steps: \(pair.reason)", level: .warn)
        }
        if result.leftOut.count > 16 { try context.event("\(result.leftOut.count - 16) more pairs were left out of steps", level: .warn) }
        let numbers = try numbers(step: total, loss: nil, result.validation)
        let id = Identifier.version.random()
        let (content, kind) = try await work.content(trainer, id: id)
        let version = NewVersion(
            id: id, name: name, base: work.baseName, parentID: note.parent, kind: kind, content: content, step: total, metrics: numbers)
        var note = note
        note.version = id
        note.trainedTokens = try work.trainedTokens(context.job.id)
        try context.save(checkpoint: try JSONEncoder().encode(note), step: total, version: version, metrics: numbers)
        try context.event("The version \(name) was made")
        return note
    }

    private var name: String { "ft:\(work.baseName):\(suffix ?? ""):\(context.job.id.suffix(8))" }

    private func numbers(step: Int, loss: Double?, _ validation: Validation?) throws -> Data {
        var metrics = FineTuningMetrics(step: step)
        (metrics.trainLoss, metrics.fullValidLoss, metrics.fullValidMeanTokenAccuracy) = (loss, validation?.loss, validation?.tokenAccuracy)
        metrics.fullValidKlMean = validation?.klMean
        metrics.fullValidTeacherAgreement = validation?.teacherAgreement
        metrics.fullValidAudioAccuracy = validation?.audioAccuracy
        metrics.fullValidTextAccuracy = validation?.textAccuracy
        metrics.fullValidPairs = validation?.pairs
        return try WireEncoder.encode(metrics)
    }
}
