package import Foundation
import GRDB
import Hashing

/// A CORD step that was taken, with the response that its client got.
package struct StepRecord: Equatable, Sendable {
    package let id: String
    package let ordinal: Int
    package let versionID: String
    /// JSON.
    package let metrics: Data
    /// JSON.
    package let response: Data
    package let createdAt: Date
}

extension Store {
    /// The response of the step that was taken under that key; nil if the key is new.
    ///
    /// - Throws: ``StoreError/keyReused(_:)`` if the key was used with another request.
    package func step(idempotencyKey key: String, request: Data) throws -> StepRecord? {
        try read { db in try step(db, key: key, hash: SHA256.hex(request)) }
    }

    /// Records a step, its version and, if `over` is given, the promotion of that version: all or nothing. If the key was used meanwhile for the
    /// same request, that step is returned and nothing is recorded.
    ///
    /// - Parameters:
    ///   - request: The body that the key stands for.
    ///   - over: What was in force when the step began; nil for a step whose version is not promoted.
    ///   - state: The state from which training continues after this step. Only the states of the last ``statesKept`` steps are kept.
    /// - Throws: ``StoreError/conflict(_:)`` if something other than `over` is now in force.
    package func addStep(
        id: String = Identifier.step.random(), ordinal: Int, version: NewVersion, metrics: Data, response: Data,
        request: Data, idempotencyKey: String? = nil, promotedOver over: InForce?, state: ContentStore.Stored? = nil
    ) throws -> StepRecord {
        let hash = SHA256.hex(request)
        return try write("Recording the step \(id)") { db in
            if let idempotencyKey, let earlier = try step(db, key: idempotencyKey, hash: hash) { return earlier }
            let recorded = try insertVersion(db, version)
            let step = StepRecord(
                id: id, ordinal: ordinal, versionID: recorded.id, metrics: metrics, response: response, createdAt: now()
            )
            try db.execute(
                sql: """
                    INSERT INTO steps (id, ordinal, version_id, metrics, response, created_at, idempotency_key, request_hash)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id, ordinal, recorded.id, metrics, response, step.createdAt.timeIntervalSince1970, idempotencyKey,
                    hash,
                ])
            if let state {
                try keepState(db, state.hash, of: recorded.id)
                let old = try String.fetchAll(
                    db,
                    sql: """
                        SELECT owner FROM states WHERE owner IN (SELECT version_id FROM steps)
                            ORDER BY sequence DESC LIMIT -1 OFFSET ?
                        """, arguments: [Self.statesKept])
                try dropStates(db, of: old)
            }
            if let over { _ = try point(db, base: version.base, to: recorded.id, reason: "step \(id)", over: over) }
            return step
        }
    }

    package func step(id: String) throws -> StepRecord {
        try one("steps", "step", id: id, element: StepRecord.init)
    }

    package func steps(after: String? = nil, limit: Int = 20, ascending: Bool = false) throws -> Page<StepRecord> {
        try page("steps", after: after, limit: limit, ascending: ascending, element: StepRecord.init)
    }

    private func step(_ db: Database, key: String, hash: String) throws -> StepRecord? {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM steps WHERE idempotency_key = ?", arguments: [key])
        else {
            return nil
        }
        guard row["request_hash"] == hash else { throw StoreError.keyReused(key) }
        return StepRecord(row)
    }
}

extension StepRecord {
    init(_ row: Row) {
        self.init(
            id: row["id"], ordinal: row["ordinal"], versionID: row["version_id"], metrics: row["metrics"],
            response: row["response"], createdAt: Date(timeIntervalSince1970: row["created_at"]))
    }
}
