import API
import CGNU
import Evaluation
import Foundation
import Generation
import Jobs
import Judging
import Models
import Objectives
import Training
import Workers

/// Fine-tuning jobs: the pairs of an uploaded file → `TrainingRun` → a version that is served under its name → the gate.
///
///     queued → files read → steps, checkpoints … → version recorded → (gap before and after → promoted or not) → succeeded
///
/// An interrupted job reads its files again and continues from the trainer's last checkpoint with the same bits. What it has already recorded (its
/// parent, its version, its reports) is in the job's note and is not made twice.
package struct FineTuning: Sendable {
    package static let kind = "fine_tuning"
    /// How the job's log refers to prompts from `cord.replay_file`.
    private static let replay = "replayed"

    /// What a job has decided and done, saved with it.
    package struct Note: Codable {
        /// The version that it began with; nil for the base.
        package var parent: String?
        /// The version that teaches instead of the parent, if the job names one; nil for the base.
        package var teacher: String?
        /// The version that it made.
        package var version: String?
        package var baseReport: String?
        package var candidateReport: String?
        package var promoted: Bool?
        package var reason: String?
        package var trainedTokens: Int?
        /// The ids of its result files.
        package var resultFiles: [String]?
    }

    let store: Store
    let runtime: Runtime
    let versions: StoredVersions
    let judges: Judges
    let clips: Clips
    let metrics: TrainingMetrics
    let gate: PromotionDecision
    package let clock = JobClock()
    private let disk = WorkQueue(name: "pairs", width: 1)

    /// The folder of a job's metrics, events and checkpoints.
    func folder(_ id: String) -> URL { store.folder.appending(path: "jobs/\(id)", directoryHint: .isDirectory) }

    /// Removes the files from which an ended job could continue.
    package func forget(_ id: String) { try? FileManager.default.removeItem(at: folder(id).appending(path: "checkpoints")) }

    /// The unfinished job that reads the file.
    package func job(using file: String) throws -> String? {
        try store.openJobs(kind: Self.kind).first { job in
            let wanted = try JSONDecoder().decode(FineTuningRequest.self, from: job.request)
            return [wanted.trainingFile, wanted.validationFile, wanted.cord.replayFile].contains(file)
        }?.id
    }

    /// The ids or names of the versions that a job begins with or has made.
    static func versions(of job: Job) throws -> [String?] {
        guard let saved = job.checkpoint else {
            let wanted = try JSONDecoder().decode(FineTuningRequest.self, from: job.request)
            return [wanted.model, wanted.cord.teacher]
        }
        let note = try JSONDecoder().decode(Note.self, from: saved)
        return [note.parent, note.teacher, note.version]
    }

    /// The job handler for ``kind``.
    func run(_ context: JobContext) async throws -> Data {
        // The C library keeps what a job's threads have freed in arenas that later threads do not use: some 400 MB a job.
        defer { cord_return_freed_memory() }
        do { return try await work(context) } catch is CancellationError {
            // A job that was only paused needs the checkpoint that it saved on its way out.
            if try store.job(id: context.job.id).state == .cancelled { forget(context.job.id) }
            throw CancellationError()
        }
    }

    private func work(_ context: JobContext) async throws -> Data {
        let wanted = try JSONDecoder().decode(FineTuningRequest.self, from: context.job.request)
        var note = try context.job.checkpoint.map { try JSONDecoder().decode(Note.self, from: $0) }
        if note == nil {
            note = Note(parent: try versions.record(wanted.model)?.id, teacher: try teacher(wanted)?.id)
            try context.save(checkpoint: try JSONEncoder().encode(note))
        }
        var current = note ?? Note()
        if current.version == nil {
            defer { clock.forget(context.job.id) }
            try await train(wanted, context, &current)
        }
        if current.resultFiles == nil {
            current.resultFiles = try await disk.run { [self] in try keepResults(of: context.job.id) }
            try context.save(checkpoint: try JSONEncoder().encode(current))
        }
        if let condition = wanted.cord.promote, current.promoted == nil {
            try await gate.decide(condition, context, &current)
        }
        forget(context.job.id)
        return try JSONEncoder().encode(current)
    }

    private func train(_ wanted: FineTuningRequest, _ context: JobContext, _ note: inout Note) async throws {
        let id = context.job.id
        let folder = folder(id)
        var recipe = try recipe(wanted)
        let (store, clips, objective, model) = (store, clips, recipe.options.objective, runtime.model)
        let digest = try await disk.run { try ModelFingerprint.model(model) }
        let cache = store.folder.appending(path: "cache", directoryHint: .isDirectory)
        let checks = PairChecks(in: cache, model: digest)
        let read: (String, String, RowUse) async throws -> CheckedPairs = { [disk] file, name, use in
            let record = try store.file(id: file, evenExpired: true)
            let rows = try await disk.run { cancellation in
                try TrainingFile(record, for: use, clips: clips, unpackingInto: folder.appending(path: name), cancellation: cancellation)
            }
            let heard = HeardRows(context, of: name == Self.replay ? "prompts" : "\(name) pairs")
            let checked = try await rows.checked(by: model, maxSkipped: wanted.cord.maxSkipped ?? 0, checks: checks) { heard.tell($0, of: $1) }
            try context.event("\(checked.pairs.count) \(name) \(name == Self.replay ? "prompts" : "pairs")")
            if let note = rows.note { try context.event(note, level: .warn) }
            for line in checked.skipped { try context.event("\(record.filename), line \(line.line), is left out: \(line.reason)", level: .warn) }
            return checked
        }
        defer { for name in ["training", "validation", Self.replay] { try? FileManager.default.removeItem(at: folder.appending(path: name)) } }
        let training = try await read(wanted.trainingFile, "training", .pairs(objective))
        let validation: CheckedPairs? =
            if let file = wanted.validationFile { try await read(file, "validation", .pairs(objective)) } else { nil }
        let replay: CheckedPairs? = if let file = wanted.cord.replayFile { try await read(file, Self.replay, .replay) } else { nil }

        recipe.options.system = training.system
        let hyper = wanted.method.hyperparameters
        var settings = TrainingRun.Settings()
        settings.batchSize = hyper.batchSize ?? min(8, training.pairs.count)
        settings.epochs = hyper.nEpochs ?? 1
        settings.steps = hyper.steps
        settings.writesEvents = wanted.cord.tensorboard
        settings.writesTokens = wanted.cord.tokenLog ?? false
        settings.validationPairs = wanted.cord.validationPairs
        settings.replayShare = hyper.replayShare
        let batches = (training.pairs.count + settings.batchSize - 1) / settings.batchSize
        let total = settings.steps ?? settings.epochs * batches
        settings.checkpointEvery = hyper.checkpointEvery ?? max(1, min(50, total / 10))
        settings.validateEvery = hyper.evalEvery ?? settings.checkpointEvery
        settings.stopping = hyper.earlyStopping.map { EarlyStopping($0, for: objective) }
        recipe.options.schedule = Schedule(
            Schedule.Shape(hyper.schedule ?? .constant), warmupSteps: hyper.warmupSteps ?? 0, totalSteps: total)
        let run = try TrainingRun(
            pairs: training.pairs, content: training.content, validation: validation?.pairs ?? [], replay: replay, settings: settings,
            directory: folder, acceptsOtherMachine: true)
        let reward = try named(hyper.objective?.reward)
        let parent = try note.parent.map { try versions.version(try store.version($0)) }
        let other = try note.teacher.map { try versions.version(try store.version($0)) }
        let teacher: Trainer.FrozenTeacher = wanted.cord.teacher == nil ? .parent : other.map { .version($0) } ?? .base
        do {
            try recipe.check(hyper.optimizer ?? OptimizerOptions(), against: parent, in: model.model)
        } catch let error as TrainingError {
            throw JobFailure(code: "untrainable", message: "\(error)")
        }
        let trainer = try Trainer(
            engine: runtime.engine, plan: recipe.plan, options: recipe.options, parent: parent, teacher: teacher,
            judge: try judges.judge(hyper.objective?.judge), reward: try reward?.remembering(in: TrainingRun.rewards(of: folder)),
            answers: TeacherAnswers(
                in: cache, model: "\(digest) \(model.dtype) \(model.arithmetic)",
                teacher: (wanted.cord.teacher == nil ? parent : other).map(ModelFingerprint.version), maxTokens: objective.maxRolloutTokens,
                kept: 16))

        // The bits then differ from those of an uninterrupted run. An operator who moves a job to another machine wants it to end all the same.
        if let begun = RunRecord(directory: folder)?.machine, !begun.agrees(with: .current) {
            try context.event(
                "The job began with \(begun) and goes on with \(RunMachine.current): its weights will differ in their last bits", level: .warn)
        }
        let reported = try lastReported(id)
        let progress = JobProgress(
            work: self, context: context, trainer: trainer, suffix: wanted.suffix, note: note, reported: reported, every: settings.checkpointEvery,
            keep: try Self.rules(wanted), criterion: Self.criterion(wanted, for: objective))
        try context.progress(done: 0, total: total)
        let subject = RunRecord.Subject(
            software: "cord \(Build.version)", model: versions.baseName, modelDigest: digest,
            parentDigest: parent.map(ModelFingerprint.version),
            teacherDigest: wanted.cord.teacher == nil ? nil : other.map(ModelFingerprint.version) ?? "base", reward: reward?.name)
        do {
            let result = try await run.run(trainer, subject: subject, skipped: training.skipped) { try await progress.report($0) }
            note = try await progress.finish(result)
        } catch TrainingError.nothingLearnt(let reason) {
            throw JobFailure(code: "nothing_learnt", message: "No step of the job moved the weights: \(reason)")
        } catch TrainingError.options(let reason) {
            throw JobFailure(code: "untrainable", message: "The job cannot go on: \(reason).")
        } catch TrainingError.checkpoint(_, let reason) {
            throw JobFailure(code: "not_resumed", message: "The job cannot go on from its last checkpoint: \(reason).")
        }
    }

    /// The reward that the job names. If the operator has removed it, the job waits for it.
    private func named(_ reward: String?) throws -> Reward? {
        do { return try judges.reward(reward) } catch let error as WorkshopError {
            throw RewardError.notStarted(reward: reward ?? "", reason: error.description)
        }
    }

    /// The step of the last reported metrics, or negative if there were none. After an interruption, earlier steps are not reported again.
    private func lastReported(_ id: String) throws -> Int {
        struct Step: Decodable { let step: Int }
        var after: String?
        while true {
            let page = try store.events(job: id, after: after, limit: 100)
            for event in page.elements where event.kind == .metrics {
                if let data = event.data, let step = try? JSONDecoder().decode(Step.self, from: data) { return step.step }
            }
            guard page.hasMore, let last = page.elements.last else { return -1 }
            after = last.id
        }
    }

    /// The number of tokens with a gradient, over all steps of the job.
    func trainedTokens(_ id: String) throws -> Int {
        struct Line: Decodable {
            struct Metrics: Decodable { let train_tokens: Int }
            let metrics: Metrics?
        }
        let log = try Data(contentsOf: folder(id).appending(path: "metrics.jsonl"))
        return log.split(separator: UInt8(ascii: "\n")).reduce(0) { total, line in
            total + ((try? JSONDecoder().decode(Line.self, from: line))?.metrics?.train_tokens ?? 0)
        }
    }

    /// Stores the trainer's weights as the content of the version with that id.
    ///
    /// - Throws: ``JobFailure`` if they are not finite.
    func content(_ trainer: Trainer, id: String) async throws -> (content: ContentStore.Stored, kind: String) {
        let snapshot = await trainer.snapshot(id: id)
        guard VersionFiles.isSound(snapshot) else {
            throw JobFailure(
                code: "not_finite", message: "The training left weights that are not finite. Lower the learning rate or look at the optimizer.")
        }
        let (store, model) = (store, runtime.model)
        let content = try await disk.run { try VersionFiles.store(snapshot, of: model, in: store.contents) }
        return (content, VersionFiles.kind(snapshot).rawValue)
    }

    var baseName: String { versions.baseName }

    func took(_ report: StepReport) { metrics.took(report) }
}
