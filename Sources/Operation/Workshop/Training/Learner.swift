package import API
import Encodings
package import Foundation
import Generation
import Jobs
import Tokenization
import Training
import Workers

/// Takes CORD steps on submitted pairs, one after another, and serves the version that each one makes.
///
///     mutex → parent version → trainer (live, from its stored state, or new) → step
///          → tensors and state on the disk → one transaction: step, version, promotion → served → answered
///
/// A crash between any two writes leaves the previous version in force, and the next step continues from it. Whatever is not in the transaction is
/// removed at the next start.
package actor Learner {
    /// A trainer whose state equals a stored version.
    private struct Live {
        let trainer: Trainer
        let recipe: TrainingRecipe
        let judge: JudgeOptions?
        let reward: String?
        let head: String
        let origin: String?
    }

    /// A note beside a version's optimiser state.
    private struct StateNote: Codable {
        /// The version that the training began with, which is the frozen teacher; nil for the base.
        let origin: String?
        let plan: AdapterPlan
    }

    private let store: Store
    let versions: StoredVersions
    let runtime: Runtime
    private let judges: Judges
    let clips: Clips
    let folders: OperatorFolders
    private let metrics: TrainingMetrics
    private let mutex: FairMutex
    private let disk = WorkQueue(name: "publishing", width: 2)
    private var live: Live?

    init(
        store: Store, versions: StoredVersions, runtime: Runtime, judges: Judges, clips: Clips, folders: OperatorFolders,
        metrics: TrainingMetrics, queue: Int
    ) {
        self.store = store
        self.versions = versions
        self.runtime = runtime
        self.judges = judges
        self.clips = clips
        self.folders = folders
        self.metrics = metrics
        mutex = FairMutex(limit: queue)
    }

    /// Takes the step, or returns the one taken earlier under `key` for the same body.
    ///
    /// - Returns: The JSON of a `CordStep`, and whether it is an earlier one.
    /// - Throws: A refusal, in which case nothing has changed.
    package func step(_ wanted: CordStepRequest, body: Data, key: String?) async throws -> (response: Data, isReplay: Bool) {
        if let key, let earlier = try store.step(idempotencyKey: key, request: body) { return (earlier.response, true) }
        return try await inTurn { queued in
            // The same request may have arrived twice at once.
            if let key, let earlier = try store.step(idempotencyKey: key, request: body) { return (earlier.response, true) }
            return (try await take(wanted, body: body, key: key, queued: queued), false)
        }
    }

    /// Waits for its turn, then calls `body` with the seconds it waited.
    func inTurn<Result>(_ body: (_ queued: Double) async throws -> Result) async throws -> Result {
        let arrival = ContinuousClock.now
        do {
            metrics.waits(1)
            defer { metrics.waits(-1) }
            try await mutex.enter()
        } catch let full as LineFull {
            throw WorkshopError(.queueFull, "\(full.waiting) steps wait already, as many as may; try again when one has ended.")
        }
        do {
            let result = try await body(arrival.secondsUntilNow)
            await mutex.leave()
            return result
        } catch {
            await mutex.leave()
            throw error
        }
    }

    private func take(_ wanted: CordStepRequest, body: Data, key: String?, queued: Double) async throws -> Data {
        let start = ContinuousClock.now
        let parent = try versions.record(wanted.model)
        let recipe = try TrainingRecipe(wanted.objective, wanted.optimizer, seed: wanted.seed, system: wanted.system)
        let (trainer, origin) = try await trainer(at: parent, recipe, wanted)
        let (pairs, unusable) = try sort(wanted.pairs)
        guard !pairs.isEmpty else {
            throw TrainingError.noUsablePair(unusable.map { "\($0.index): \($0.reason ?? "")" })
        }
        let replayed = try replayed(wanted)
        let report: StepReport
        do {
            report = try await trainer.step(pairs.map(\.pair), replaying: replayed)
        } catch {
            metrics.refused()
            throw error
        }
        // From here on the trainer is ahead of the store. It counts as live again once the step is recorded.
        live = nil
        let publishing = ContinuousClock.now
        let id = Identifier.version.random()
        let snapshot = await trainer.snapshot(id: id)
        if let dropped = report.dropped ?? (VersionFiles.isSound(snapshot) ? nil : "it left weights that are not finite") {
            metrics.refused()
            throw WorkshopError(
                .notFinite, "The step was not taken: \(dropped). Lower the learning rate or look at the pairs and the optimizer.")
        }
        let kind = VersionFiles.kind(snapshot).rawValue
        // Both spend most of their time waiting for the disk.
        async let publishedContent = disk.run { [store, runtime] in
            try VersionFiles.store(snapshot, of: runtime.model, in: store.contents)
        }
        async let keptState = keep(trainer, origin: origin)
        let (content, state) = try await (publishedContent, keptState)
        let ordinal = (parent?.step ?? 0) + 1
        var step = CordStep(
            id: Identifier.step.random(), createdAt: Int(Date().timeIntervalSince1970), step: ordinal,
            model: versions.baseName, weightVersion: id, parentVersion: parent?.id, metrics: CordMetrics(report.metrics),
            pairs: outcomes(report, of: wanted, pairs.map(\.index), unusable, include: Set(wanted.include)),
            timings: CordTimings(
                queue: queued, rollouts: report.timings.rollouts, scoring: report.timings.scoring,
                backward: report.timings.backward, optimizer: report.timings.optimizer,
                publish: publishing.secondsUntilNow, total: queued + start.secondsUntilNow))
        step.replays = replays(report, of: wanted, include: Set(wanted.include))
        let numbers = try WireEncoder.encode(step.metrics)
        let response = try WireEncoder.encode(step)
        let version = NewVersion(
            id: id, name: "\(versions.baseName):step\(ordinal)-\(id.suffix(6))", base: versions.baseName, parentID: parent?.id,
            kind: kind, content: content, step: ordinal, metrics: numbers)
        // A rollback or promotion during the step was deliberate and stands. The client is told and can send the step again.
        let over = wanted.model == nil || wanted.model == versions.baseName ? InForce(versionID: parent?.id) : nil
        try versions.change { store in
            _ = try store.addStep(
                id: step.id, ordinal: ordinal, version: version, metrics: numbers, response: response, request: body,
                idempotencyKey: key, promotedOver: over, state: state)
        }
        live = Live(trainer: trainer, recipe: recipe, judge: wanted.objective.judge, reward: wanted.objective.reward, head: id, origin: origin)
        metrics.took(report)
        return response
    }

    /// A trainer at `parent`: the live one, one that continues from the version's stored state, or a new one.
    ///
    /// Options that differ from the previous step change neither the teacher nor the moments. Another plan starts anew.
    func trainer(
        at parent: WeightVersionRecord?, _ recipe: TrainingRecipe, _ request: CordStepRequest
    ) async throws -> (Trainer, origin: String?) {
        try request.optimizer.refuseUnused()
        let wanted = request.objective.judge
        let named = request.objective.reward
        if let live, live.head == parent?.id, live.recipe == recipe, live.judge == wanted, live.reward == named { return (live.trainer, live.origin) }
        let (judge, reward) = (try judges.judge(wanted), try judges.reward(named))
        func begun(at record: WeightVersionRecord?) throws -> Trainer {
            try Trainer(
                engine: runtime.engine, plan: recipe.plan, options: recipe.options,
                parent: try record.map { try versions.version($0) }, judge: judge, reward: reward)
        }
        if let parent, let hash = try store.state(of: parent.id) {
            let folder = try store.contents.verified(hash, as: "the training state of \(parent.name)")
            let note = try JSONDecoder().decode(StateNote.self, from: Data(contentsOf: folder.appending(path: "state.json")))
            // If the origin was deleted, the training starts anew at the parent.
            let origin = note.origin.flatMap { try? store.version($0) }
            if note.plan == recipe.plan, note.origin == origin?.id {
                let trainer = try begun(at: origin)
                try await trainer.restore(from: folder.appending(path: "trainer.safetensors"), changingOptions: true)
                return (trainer, note.origin)
            }
        }
        if recipe.plan.isFull, let parent, parent.kind == VersionFiles.Kind.adapter.rawValue {
            throw WorkshopError(
                .untrainable,
                "The version \(parent.name) is an adapter; whole parameters can be trained over the base or a version of them.",
                at: "optimizer.full")
        }
        try recipe.check(request.optimizer, against: try parent.map { try versions.version($0) }, in: runtime.model.model)
        return (try begun(at: parent), parent?.id)
    }

    /// Stores the trainer's state.
    private func keep(_ trainer: Trainer, origin: String?) async throws -> ContentStore.Stored {
        let note = try JSONEncoder().encode(StateNote(origin: origin, plan: trainer.plan))
        let place = store.folder.appending(path: "temporary/\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: place) }
        try await trainer.save(to: place)
        return try await disk.run { [store] in
            try store.contents.storeFolder { folder in
                try FileManager.default.moveItem(at: place, to: folder.appending(path: "trainer.safetensors"))
                try note.write(to: folder.appending(path: "state.json"))
            }
        }
    }

    /// Separates the pairs whose clips can be found from the others, and gives the outcomes of those.
    ///
    /// - Throws: `StoreError` for a clip whose stored bytes are damaged.
    func sort(_ pairs: [CordPair]) throws -> (usable: [(index: Int, pair: TrainingPair)], unusable: [CordPairOutcome]) {
        var usable: [(Int, TrainingPair)] = []
        var unusable: [CordPairOutcome] = []
        for (index, pair) in pairs.enumerated() {
            do {
                let rollouts = pair.rollouts?.map { TrainingPair.Rollout($0) }
                let sound = try clips.sound(ClipReference(pair.audio))
                usable.append(
                    (
                        index,
                        TrainingPair(
                            id: pair.id ?? "\(index)", sound: sound, text: pair.text, answer: pair.answer, rollouts: rollouts)
                    ))
            } catch let error as StoreError where error.isOfContent {
                throw error
            } catch {
                unusable.append(CordPairOutcome(id: pair.id, index: index, status: .skipped, reason: folders.hidden(in: "\(error)")))
            }
        }
        return (usable, unusable)
    }

    /// - Parameter measured: Whether tokens show the measures of their loss.
    func outcomes(
        _ report: StepReport, of wanted: CordStepRequest, _ indices: [Int], _ unusable: [CordPairOutcome], include: Set<CordStepRequest.Detail>,
        measured: Bool = false
    ) -> [CordPairOutcome] {
        let tokenizer = runtime.model.tokenizer
        let trained = zip(indices, report.pairs).map { index, outcome -> CordPairOutcome in
            var told = CordPairOutcome(outcome, id: wanted.pairs[index].id, index: index, include: include, measured: measured) {
                tokenizer.decode([Int($0)])
            }
            told.reason = told.reason.map(folders.hidden)
            return told
        }
        return (trained + unusable).sorted { $0.index < $1.index }
    }
}
