import API
import Foundation
import HTTP
import Jobs
import Workshop

/// `/v1/gap/runs…`: measurements that are queued, running or ended.
enum GapRunsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        let root = "/v1/gap/runs"
        router.post(root, scope: .measure, bodyLimit: 64 << 10) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(GapRunRequest.self, from: Data(request.body))
                let workshop = try server.workshop
                let job = try await workshop.submit(
                    Measuring.kind, id: .gapRun, wanted, key: try CordStepsRoute.key(request)
                ) { try workshop.measuring.check(wanted) }
                return .json(try WireEncoder.encode(try GapRun(job)), status: 202)
            }
        }
        router.get(root, scope: .measure) { request in
            try await refusing {
                let query = try WireDecoder.decode(PageQuery.self, form: request.query.items)
                let page = try server.workshop.store.jobs(
                    kind: Measuring.kind, after: query.after, limit: query.limit, ascending: query.order == .ascending)
                return .json(try WireEncoder.encode(ListObject(try page.elements.map { try GapRun($0) }, hasMore: page.hasMore)))
            }
        }
        router.get(root + "/{id}", scope: .measure) { request in
            try await refusing { .json(try WireEncoder.encode(try GapRun(try job(request, server.workshop)))) }
        }
        router.post(root + "/{id}/cancel", scope: .measure, bodyLimit: 64 << 10) { request in
            try await refusing {
                let workshop = try server.workshop
                return .json(try WireEncoder.encode(try GapRun(try await workshop.runner.cancel(try job(request, workshop).id))))
            }
        }
        router.get(root + "/{id}/events", scope: .measure) { request in
            try await refusing {
                let workshop = try server.workshop
                let job = try job(request, workshop)
                let events = try await workshop.runner.events(job.id)
                return .events { stream in
                    for await event in events {
                        var run = try GapRun(try workshop.store.job(id: job.id))
                        if event.kind == .progress, let data = event.data, let told = try? JSONDecoder().decode(RunProgress.self, from: data) {
                            run.progress = told
                        }
                        try await stream.send(try WireEncoder.encode(run))
                    }
                    try await stream.done()
                }
            }
        }
    }

    private static func job(_ request: Request, _ workshop: Workshop) throws -> Job {
        try workshop.store.job(id: request.parameter("id"), of: Measuring.kind, called: "gap run")
    }
}

extension GapRun {
    init(_ job: Job) throws {
        let wanted = try JSONDecoder().decode(GapRunRequest.self, from: job.request)
        let outcome = try job.result.map { try JSONDecoder().decode(Measuring.Outcome.self, from: $0) }
        let note = try job.checkpoint.map { try JSONDecoder().decode(Measuring.Note.self, from: $0) }
        self.init(
            id: job.id, status: RunStatus(job.state), model: wanted.model, weightVersion: outcome?.version ?? note?.version,
            benchmark: wanted.benchmark, arms: wanted.arms, limit: wanted.limit, seed: wanted.seed,
            createdAt: Int(job.createdAt.timeIntervalSince1970), startedAt: job.startedAt.map { Int($0.timeIntervalSince1970) },
            finishedAt: job.finishedAt.map { Int($0.timeIntervalSince1970) }, progress: RunProgress(done: job.done, total: job.total),
            reportId: outcome?.report,
            error: job.error.map { ErrorBody(message: $0, type: "run_error", code: job.errorCode).error })
    }
}
