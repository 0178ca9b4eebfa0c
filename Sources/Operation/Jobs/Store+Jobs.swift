package import Foundation
import GRDB
import Hashing

extension Store {
    /// Adds a queued job and its first event. If the key was used for the same request, finds that job instead.
    ///
    /// - Parameters:
    ///   - limit: The maximum number of waiting jobs in the lane.
    ///   - idempotencyKey: Belongs to one request of the kind for ever.
    /// - Throws: ``QueueFull``, ``StoreError/keyReused(_:)``
    package func addJob(
        id: String, kind: String, lane: String, request: Data, total: Int = 0, idempotencyKey: String? = nil,
        limit: Int = .max
    ) throws -> Job {
        let hash = SHA256.hex(request)
        return try write("Queueing a job") { db in
            if let idempotencyKey, let earlier = try job(db, kind: kind, key: idempotencyKey, hash: hash) { return earlier }
            let waiting = try Int.fetchOne(
                db, sql: "SELECT COUNT(*) FROM jobs WHERE lane = ? AND state = 'queued'", arguments: [lane])!
            guard waiting < limit else { throw QueueFull(lane: lane, waiting: waiting) }
            try db.execute(
                sql: """
                    INSERT INTO jobs (id, kind, lane, state, request, request_hash, idempotency_key, total, created_at)
                    VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?)
                    """, arguments: [id, kind, lane, request, hash, idempotencyKey, total, now().timeIntervalSince1970])
            try insertEvent(db, job: id, kind: .state, message: JobState.queued.rawValue)
            return try job(db, id)
        }
    }

    /// The job that was queued under that key; nil if the key is new.
    ///
    /// - Throws: ``StoreError/keyReused(_:)`` if the key was used with another request.
    package func job(kind: String, idempotencyKey key: String, request: Data) throws -> Job? {
        try read { db in try job(db, kind: kind, key: key, hash: SHA256.hex(request)) }
    }

    private func job(_ db: Database, kind: String, key: String, hash: String) throws -> Job? {
        guard
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM jobs WHERE kind = ? AND idempotency_key = ?", arguments: [kind, key])
        else { return nil }
        guard row["request_hash"] == hash else { throw StoreError.keyReused(key) }
        return try Job(row)
    }

    /// The job with that id and kind; errors call the kind `name`.
    package func job(id: String, of kind: String, called name: String) throws -> Job {
        do {
            let job = try job(id: id)
            if job.kind == kind { return job }
        } catch StoreError.notFound {}
        throw StoreError.notFound(kind: name, id: id)
    }

    package func job(id: String) throws -> Job { try read { db in try job(db, id) } }

    /// Jobs of one kind, newest first.
    package func jobs(kind: String, after: String? = nil, limit: Int = 20, ascending: Bool = false) throws -> Page<Job> {
        try page(
            "jobs", where: "kind = ?", arguments: [kind], after: after, limit: limit, ascending: ascending,
            element: Job.init)
    }

    /// The jobs of one kind that have not ended, oldest first.
    package func openJobs(kind: String) throws -> [Job] {
        try read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM jobs WHERE kind = ? AND state IN ('queued', 'running', 'paused') ORDER BY sequence",
                arguments: [kind]
            ).map(Job.init)
        }
    }

    /// The ids of a lane's waiting jobs, oldest first.
    package func queue(lane: String) throws -> [String] {
        try read { db in
            try String.fetchAll(
                db, sql: "SELECT id FROM jobs WHERE lane = ? AND state = 'queued' ORDER BY sequence", arguments: [lane])
        }
    }

    package func jobCounts() throws -> [JobState: Int] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT state, COUNT(*) AS n FROM jobs GROUP BY state").reduce(into: [:]) {
                if let state = JobState(rawValue: $1["state"]) { $0[state] = $1["n"] }
            }
        }
    }

    /// Moves a job to another state and records the event, in one transaction.
    ///
    /// - Parameter attempt: The attempt that may do so, and only while it runs; nil allows any caller.
    /// - Throws: ``StoreError/conflict(_:)`` if the job's state does not allow it or the attempt no longer runs.
    package func move(
        job id: String, to state: JobState, attempt: Int? = nil, result: Data? = nil, failure: JobFailure? = nil,
        reason: String? = nil
    ) throws -> Job {
        try write("Moving the job \(id) to \(state.rawValue)") { db in
            let before = try job(db, id)
            let isAllowed = attempt.map { $0 == before.attempt && before.state == .running } ?? true
            guard before.state.successors.contains(state), isAllowed else {
                throw StoreError.conflict(
                    "The job \(id) is \(before.state.rawValue); it cannot become \(state.rawValue).")
            }
            let time = now().timeIntervalSince1970
            try db.execute(
                sql: """
                    UPDATE jobs SET state = ?, result = COALESCE(?, result), error = ?, error_code = ?,
                        attempt = attempt + ?, started_at = CASE WHEN ? THEN COALESCE(started_at, ?) ELSE started_at END,
                        finished_at = ?, done = CASE WHEN ? THEN total ELSE done END
                    WHERE id = ?
                    """,
                arguments: [
                    state.rawValue, result, failure?.message, failure?.code, state == .running ? 1 : 0,
                    state == .running,
                    time, state.isFinal ? time : nil, state == .succeeded, id,
                ])
            try insertEvent(
                db, job: id, level: state == .failed ? .error : reason == nil ? .info : .warn, kind: .state, message: state.rawValue,
                data: (failure?.message ?? reason).map { Data(try JSONEncoder().encode(["reason": $0])) })
            return try job(db, id)
        }
    }

    /// Returns jobs that were running when the process ended to the queue. They continue from their checkpoints.
    package func requeueInterrupted() throws -> [String] {
        let ids = try read { db in
            try String.fetchAll(db, sql: "SELECT id FROM jobs WHERE state = 'running' ORDER BY sequence")
        }
        for id in ids { _ = try move(job: id, to: .queued, reason: "the server was stopped while the job ran") }
        return ids
    }

    /// Records the attempt's progress, unless it is no longer the running one.
    package func progress(job id: String, attempt: Int, done: Int, total: Int) throws {
        try write("Recording the progress of \(id)") { db in
            try db.execute(
                sql: "UPDATE jobs SET done = ?, total = ? WHERE id = ? AND attempt = ? AND state = 'running'",
                arguments: [done, total, id, attempt])
        }
    }

    /// Saves the state from which the attempt continues, and the version that belongs to it, in one transaction.
    ///
    /// - Throws: ``StoreError/conflict(_:)`` if another attempt has begun or the job has ended.
    package func save(
        checkpoint: Data, job id: String, attempt: Int, step: Int? = nil, version: NewVersion? = nil,
        metrics: Data? = nil
    ) throws -> WeightVersionRecord? {
        try write("Saving a checkpoint of \(id)") { db in
            try db.execute(
                sql: "UPDATE jobs SET checkpoint = ? WHERE id = ? AND attempt = ? AND state IN ('running', 'paused')",
                arguments: [checkpoint, id, attempt])
            guard db.changesCount == 1 else {
                throw StoreError.conflict("The job \(id) has ended or was started again; its checkpoint is not saved.")
            }
            guard let version else { return nil }
            // A job that continues from an earlier point, as after a restored backup, makes the same checkpoint again.
            if let earlier = try Row.fetchOne(
                db,
                sql: "SELECT * FROM versions WHERE id = (SELECT version_id FROM job_checkpoints WHERE job_id = ? AND step = ?)",
                arguments: [id, step ?? version.step ?? 0])
            {
                return WeightVersionRecord(earlier)
            }
            let record = try insertVersion(db, version)
            try db.execute(
                sql: """
                    INSERT INTO job_checkpoints (id, job_id, step, version_id, metrics, created_at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Identifier.checkpoint.random(), id, step ?? version.step ?? 0, record.id,
                    metrics ?? Data("{}".utf8),
                    now().timeIntervalSince1970,
                ])
            return record
        }
    }

    package func checkpoints(
        job id: String, after: String? = nil, limit: Int = 10, ascending: Bool = false
    ) throws -> Page<JobCheckpoint> {
        _ = try job(id: id)
        return try page(
            "job_checkpoints", where: "job_id = ?", arguments: [id], after: after, limit: limit, ascending: ascending
        ) {
            JobCheckpoint(
                id: $0["id"], jobID: $0["job_id"], step: $0["step"], versionID: $0["version_id"],
                metrics: $0["metrics"],
                createdAt: Date(timeIntervalSince1970: $0["created_at"]))
        }
    }

    /// Deletes the record of a checkpoint whose version was removed.
    package func forgetCheckpoint(_ id: String) throws {
        try write("Forgetting the checkpoint \(id)") { db in try db.execute(sql: "DELETE FROM job_checkpoints WHERE id = ?", arguments: [id]) }
    }

    package func addEvent(
        job id: String, level: JobEvent.Level = .info, kind: JobEvent.Kind = .message, message: String,
        data: Data? = nil
    ) throws -> JobEvent {
        try write("Recording an event of \(id)") { db in
            try insertEvent(db, job: id, level: level, kind: kind, message: message, data: data)
        }
    }

    /// A job's events, newest first as OpenAI lists them.
    package func events(
        job id: String, after: String? = nil, limit: Int = 20, ascending: Bool = false
    ) throws -> Page<JobEvent> {
        _ = try job(id: id)
        return try page(
            "job_events", where: "job_id = ?", arguments: [id], after: after, limit: limit, ascending: ascending,
            element: JobEvent.init)
    }

    func job(_ db: Database, _ id: String) throws -> Job {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM jobs WHERE id = ?", arguments: [id]) else {
            throw StoreError.notFound(kind: "job", id: id)
        }
        return try Job(row)
    }

    @discardableResult
    private func insertEvent(
        _ db: Database, job id: String, level: JobEvent.Level = .info, kind: JobEvent.Kind, message: String,
        data: Data? = nil
    ) throws -> JobEvent {
        let event = JobEvent(
            id: Identifier.event.random(), jobID: id, createdAt: now(), level: level, kind: kind, message: message,
            data: data)
        try db.execute(
            sql: """
                INSERT INTO job_events (id, job_id, created_at, level, type, message, data) VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                event.id, id, event.createdAt.timeIntervalSince1970, level.rawValue, kind.rawValue, message, data,
            ])
        return event
    }
}

/// The lane has as many waiting jobs as allowed.
package struct QueueFull: Error, Equatable, CustomStringConvertible, Sendable {
    package let lane: String
    package let waiting: Int

    package init(lane: String, waiting: Int) {
        self.lane = lane
        self.waiting = waiting
    }

    package var description: String {
        "\(waiting) jobs wait in the lane \"\(lane)\", as many as it may hold. Try again when one has ended."
    }
}

extension Job {
    init(_ row: Row) throws {
        guard let state = JobState(rawValue: row["state"]) else {
            throw StoreError.corrupt(path: "jobs", reason: "the unknown state \(row["state"] as String)")
        }
        func date(_ name: String) -> Date? { (row[name] as Double?).map(Date.init(timeIntervalSince1970:)) }
        self.init(
            id: row["id"], kind: row["kind"], lane: row["lane"], state: state, request: row["request"],
            done: row["done"],
            total: row["total"], attempt: row["attempt"], checkpoint: row["checkpoint"], result: row["result"],
            error: row["error"], errorCode: row["error_code"],
            createdAt: Date(timeIntervalSince1970: row["created_at"]),
            startedAt: date("started_at"), finishedAt: date("finished_at"))
    }
}

extension JobEvent {
    init(_ row: Row) throws {
        guard let level = Level(rawValue: row["level"]), let kind = Kind(rawValue: row["type"]) else {
            throw StoreError.corrupt(path: "job_events", reason: "an unknown level or type")
        }
        self.init(
            id: row["id"], jobID: row["job_id"], createdAt: Date(timeIntervalSince1970: row["created_at"]),
            level: level,
            kind: kind, message: row["message"], data: row["data"])
    }
}
