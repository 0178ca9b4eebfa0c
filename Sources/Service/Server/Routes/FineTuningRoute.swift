import API
import Foundation
import HTTP
import Jobs
import Workshop

/// `/v1/fine_tuning/jobs…`: OpenAI's calls, with the method `cord`.
enum FineTuningRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        let root = "/v1/fine_tuning/jobs"
        router.post(root, scope: .train, bodyLimit: 1 << 20) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(FineTuningRequest.self, from: Data(request.body))
                let workshop = try server.workshop
                let job = try await workshop.submit(
                    FineTuning.kind, id: .fineTuningJob, wanted, key: try CordStepsRoute.key(request)
                ) { try workshop.fineTuning.check(wanted) }
                return try answer(job, workshop)
            }
        }
        router.get(root, scope: .train) { request in
            try await refusing {
                let query = try WireDecoder.decode(PageQuery.self, form: request.query.items)
                let workshop = try server.workshop
                let page = try workshop.store.jobs(
                    kind: FineTuning.kind, after: query.after, limit: query.limit, ascending: query.order == .ascending)
                let jobs = try page.elements.map { try FineTuningJob($0, workshop) }
                return .json(try WireEncoder.encode(ListObject(jobs, hasMore: page.hasMore)))
            }
        }
        router.get(root + "/{id}", scope: .train) { request in
            try await refusing {
                let workshop = try server.workshop
                return try answer(try job(request, workshop), workshop)
            }
        }
        router.post(root + "/{id}/cancel", scope: .train, bodyLimit: 64 << 10) { request in
            try await refusing {
                let workshop = try server.workshop
                let job = try await workshop.runner.cancel(try job(request, workshop).id)
                workshop.fineTuning.forget(job.id)
                return try answer(job, workshop)
            }
        }
        router.post(root + "/{id}/pause", scope: .train, bodyLimit: 64 << 10) { request in
            try await refusing {
                let workshop = try server.workshop
                return try answer(try await workshop.runner.pause(try job(request, workshop).id), workshop)
            }
        }
        router.post(root + "/{id}/resume", scope: .train, bodyLimit: 64 << 10) { request in
            try await refusing {
                let workshop = try server.workshop
                return try answer(try await workshop.runner.resume(try job(request, workshop).id), workshop)
            }
        }
        router.get(root + "/{id}/events", scope: .train) { request in
            try await refusing {
                let workshop = try server.workshop
                let job = try job(request, workshop)
                if request.headers["accept"]?.contains("text/event-stream") == true { return try await stream(job, workshop) }
                let query = try WireDecoder.decode(PageQuery.self, form: request.query.items)
                let page = try workshop.store.events(
                    job: job.id, after: query.after, limit: query.limit, ascending: query.order == .ascending)
                return .json(try WireEncoder.encode(ListObject(page.elements.map { FineTuningEvent($0) }, hasMore: page.hasMore)))
            }
        }
        router.get(root + "/{id}/checkpoints", scope: .train) { request in
            try await refusing {
                let workshop = try server.workshop
                let job = try job(request, workshop)
                let query = try WireDecoder.decode(PageQuery.self, form: request.query.items)
                let page = try workshop.store.checkpoints(
                    job: job.id, after: query.after, limit: query.limit, ascending: query.order == .ascending)
                let checkpoints = page.elements.map { FineTuningCheckpoint($0, workshop.store) }
                return .json(try WireEncoder.encode(ListObject(checkpoints, hasMore: page.hasMore)))
            }
        }
    }

    private static func job(_ request: Request, _ workshop: Workshop) throws -> Job {
        try workshop.store.job(id: request.parameter("id"), of: FineTuning.kind, called: "fine-tuning job")
    }

    private static func answer(_ job: Job, _ workshop: Workshop) throws -> Response {
        .json(try WireEncoder.encode(try FineTuningJob(job, workshop)))
    }

    /// The job's history from its beginning, then new events, then the end mark.
    private static func stream(_ job: Job, _ workshop: Workshop) async throws -> Response {
        let events = try await workshop.runner.events(job.id)
        return .events { stream in
            for await event in events { try await stream.send(try WireEncoder.encode(FineTuningEvent(event))) }
            try await stream.done()
        }
    }
}

extension FineTuningJob {
    init(_ job: Job, _ workshop: Workshop) throws {
        let wanted = try JSONDecoder().decode(FineTuningRequest.self, from: job.request)
        let note = try (job.result ?? job.checkpoint).map { try JSONDecoder().decode(FineTuning.Note.self, from: $0) }
        let version = note?.version.flatMap { try? workshop.store.version($0) }
        let finish = job.state == .running ? workshop.fineTuning.clock.finish(of: job.id, step: job.done, total: job.total) : nil
        self.init(
            id: job.id, createdAt: Int(job.createdAt.timeIntervalSince1970),
            error: job.error.map { FineTuningError(code: job.errorCode ?? "error", message: $0) },
            fineTunedModel: job.state == .succeeded ? version?.name : nil,
            finishedAt: job.finishedAt.map { Int($0.timeIntervalSince1970) }, hyperparameters: wanted.method.hyperparameters,
            model: wanted.model, resultFiles: job.state == .succeeded ? note?.resultFiles ?? [] : [], seed: wanted.seed ?? 0,
            status: Self.status(job), trainedTokens: note?.trainedTokens, trainingFile: wanted.trainingFile, validationFile: wanted.validationFile,
            estimatedFinish: finish.map { Int($0.timeIntervalSince1970.rounded(.up)) }, metadata: wanted.metadata, method: wanted.method,
            cord: FineTuningExtension(
                paused: job.state == .paused, step: job.done, totalSteps: job.total, weightVersion: version?.id,
                baseReport: note?.baseReport, candidateReport: note?.candidateReport, promoted: note?.promoted,
                reason: note?.reason))
    }

    /// A running job without a step count is still reading its files.
    private static func status(_ job: Job) -> FineTuningStatus {
        switch job.state {
        case .queued, .paused: .queued
        case .running: job.total == 0 ? .validatingFiles : .running
        case .succeeded: .succeeded
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }
}

extension FineTuningEvent {
    /// "has succeeded", but "is running".
    private static let verb = [JobState.succeeded.rawValue: "has", JobState.failed.rawValue: "has"]

    init(_ event: JobEvent) {
        let data = event.data.flatMap { try? JSONDecoder().decode(WireValue.self, from: $0) }
        let reason = if case .string(let reason) = data?["reason"] { ": \(reason)" } else { "" }
        self.init(
            id: event.id, createdAt: Int(event.createdAt.timeIntervalSince1970), level: event.level.rawValue,
            message: event.kind == .state ? "The job \(Self.verb[event.message] ?? "is") \(event.message)\(reason)" : event.message,
            type: event.kind == .metrics ? "metrics" : "message", data: data)
    }
}

extension FineTuningCheckpoint {
    init(_ checkpoint: JobCheckpoint, _ store: Store) {
        let metrics = try? WireDecoder.response(FineTuningMetrics.self, from: checkpoint.metrics)
        self.init(
            id: checkpoint.id, createdAt: Int(checkpoint.createdAt.timeIntervalSince1970),
            fineTunedModelCheckpoint: (try? store.version(checkpoint.versionID).name) ?? checkpoint.versionID,
            fineTuningJobId: checkpoint.jobID, stepNumber: checkpoint.step,
            metrics: metrics ?? FineTuningMetrics(step: checkpoint.step))
    }
}
