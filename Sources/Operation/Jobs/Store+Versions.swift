package import Foundation
import GRDB
import Hashing

/// A weight version to record; its content is already in the ``ContentStore``.
package struct NewVersion: Equatable, Sendable {
    package var id: String
    package var name: String
    /// The base model that it belongs to.
    package var base: String
    package var parentID: String?
    /// `adapter` or `full`.
    package var kind: String
    package var hash: String
    package var bytes: Int
    /// The number of training steps behind it.
    package var step: Int?
    /// JSON.
    package var metrics: Data

    package init(
        id: String = Identifier.version.random(), name: String, base: String, parentID: String? = nil,
        kind: String = "adapter", content: ContentStore.Stored, step: Int? = nil, metrics: Data = Data("{}".utf8)
    ) {
        self.id = id
        self.name = name
        self.base = base
        self.parentID = parentID
        self.kind = kind
        hash = content.hash
        bytes = content.bytes
        self.step = step
        self.metrics = metrics
    }
}

/// A recorded weight version. It never changes.
package struct WeightVersionRecord: Equatable, Sendable {
    package let id: String
    package let name: String
    package let base: String
    package let parentID: String?
    package let kind: String
    package let hash: String
    package let bytes: Int
    package let step: Int?
    package let metrics: Data
    package let createdAt: Date
}

/// The version that a base model's name stands for, and since when; nil is the base itself.
package struct PromotionRecord: Equatable, Sendable {
    package let base: String
    package let versionID: String?
    package let previousVersionID: String?
    package let reason: String
    package let createdAt: Date
}

/// What a base's name stood for at one moment. Work that began then must not replace a later promotion.
package struct InForce: Equatable, Sendable, CustomStringConvertible {
    /// Nil for the base's own weights.
    package let versionID: String?

    package init(versionID: String?) { self.versionID = versionID }

    package var description: String { versionID ?? "the base" }
}

extension Store {
    /// Records a version whose content is stored.
    ///
    /// - Throws: ``StoreError/conflict(_:)`` if the name is taken or the content is missing.
    package func addVersion(_ version: NewVersion) throws -> WeightVersionRecord {
        try write("Recording the weight version \(version.name)") { db in try insertVersion(db, version) }
    }

    /// The version with that id or name.
    package func version(_ idOrName: String) throws -> WeightVersionRecord {
        try read { db in try version(db, idOrName) }
    }

    package func versions(after: String? = nil, limit: Int = 20, ascending: Bool = false) throws -> Page<
        WeightVersionRecord
    > {
        try page("versions", after: after, limit: limit, ascending: ascending, element: WeightVersionRecord.init)
    }

    package func reportIDs(version id: String) throws -> [String] {
        try read { db in
            try String.fetchAll(
                db, sql: "SELECT id FROM reports WHERE version_id = ? ORDER BY sequence", arguments: [id])
        }
    }

    /// What the base's name stands for now; nil if nothing was ever promoted.
    package func promotion(base: String) throws -> PromotionRecord? {
        try read { db in try current(db, base).map { try record(db, $0) } }
    }

    /// The bases of which a version was ever in force.
    package func promotedBases() throws -> [String] {
        try read { db in try String.fetchAll(db, sql: "SELECT DISTINCT base FROM promotions ORDER BY base") }
    }

    /// Makes the base's name stand for the version.
    ///
    /// - Parameter over: What must still be in force; nil accepts anything.
    /// - Throws: ``StoreError/conflict(_:)`` if something else is.
    package func promote(_ idOrName: String, reason: String, over: InForce? = nil) throws -> PromotionRecord {
        try write("Promoting \(idOrName)") { db in
            let version = try version(db, idOrName)
            return try point(db, base: version.base, to: version.id, reason: reason, over: over)
        }
    }

    /// Restores what was in force before the present promotion. Repeated calls go back to the base itself. Versions deleted meanwhile are skipped.
    ///
    /// - Throws: ``StoreError/conflict(_:)`` if the base itself is in force.
    package func rollBack(base: String) throws -> PromotionRecord {
        try write("Rolling \(base) back") { db in
            guard let row = try current(db, base), let leaving: String = row["version_id"] else {
                throw StoreError.conflict(
                    "The model \(base) answers with its own weights; there is nothing to roll back.")
            }
            var target = try previous(db, row)
            while let candidate = target, let id: String = candidate["version_id"] {
                if id != leaving, try exists(db, version: id) { break }
                target = try previous(db, candidate)
            }
            let id: String? = target?["version_id"]
            try db.execute(
                sql: "INSERT INTO promotions (base, version_id, previous, reason, created_at) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    base, id, target?["previous"] as Int64?, "rollback from \(leaving)", now().timeIntervalSince1970,
                ])
            return PromotionRecord(
                base: base, versionID: id, previousVersionID: leaving, reason: "rollback from \(leaving)",
                createdAt: now())
        }
    }

    /// Deletes the version, and its files if nothing else has the same content.
    ///
    /// - Throws: ``StoreError/conflict(_:)`` for a version in force.
    package func deleteVersion(_ idOrName: String) throws {
        try write("Deleting the weight version \(idOrName)") { db in
            let version = try version(db, idOrName)
            if let base = try String.fetchOne(
                db,
                sql: """
                    SELECT base FROM promotions AS p WHERE version_id = ?
                        AND sequence = (SELECT MAX(sequence) FROM promotions WHERE base = p.base)
                    """, arguments: [version.id])
            {
                throw StoreError.conflict(
                    "The weight version \(idOrName) is what \(base) answers with. Roll back or promote another first.")
            }
            try db.execute(sql: "DELETE FROM versions WHERE id = ?", arguments: [version.id])
            try removeUnusedContent(db, version.hash)
            try dropStates(db, of: [version.id])
        }
    }

    func insertVersion(_ db: Database, _ version: NewVersion) throws -> WeightVersionRecord {
        guard contents.contains(version.hash) else {
            throw StoreError.conflict(
                "The content \(version.hash) of the weight version \(version.name) is not stored.")
        }
        guard
            try !Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM versions WHERE name = ?)", arguments: [version.name])!
        else { throw StoreError.conflict("There is a weight version named \(version.name) already.") }
        try db.execute(
            sql: """
                INSERT INTO versions (id, name, base, parent_id, kind, hash, bytes, step, metrics, created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                version.id, version.name, version.base, version.parentID, version.kind, version.hash, version.bytes,
                version.step, version.metrics, now().timeIntervalSince1970,
            ])
        settle(db, version.hash)
        return try self.version(db, version.id)
    }

    func point(_ db: Database, base: String, to id: String?, reason: String, over: InForce? = nil) throws -> PromotionRecord {
        let before = try current(db, base)
        let found = InForce(versionID: before.flatMap { row in row["version_id"] as String? })
        if let over, over != found {
            throw StoreError.conflict("Meanwhile \(found) was put in force for \(base) in place of \(over); nothing was recorded.")
        }
        try db.execute(
            sql: "INSERT INTO promotions (base, version_id, previous, reason, created_at) VALUES (?, ?, ?, ?, ?)",
            arguments: [base, id, before?["sequence"] as Int64?, reason, now().timeIntervalSince1970])
        return PromotionRecord(
            base: base, versionID: id, previousVersionID: before?["version_id"], reason: reason, createdAt: now())
    }

    private func version(_ db: Database, _ idOrName: String) throws -> WeightVersionRecord {
        guard
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM versions WHERE id = ? OR name = ?", arguments: [idOrName, idOrName])
        else { throw StoreError.notFound(kind: "weight version", id: idOrName) }
        return WeightVersionRecord(row)
    }

    private func exists(_ db: Database, version id: String) throws -> Bool {
        try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM versions WHERE id = ?)", arguments: [id])!
    }

    private func current(_ db: Database, _ base: String) throws -> Row? {
        try Row.fetchOne(
            db, sql: "SELECT * FROM promotions WHERE base = ? ORDER BY sequence DESC LIMIT 1", arguments: [base])
    }

    private func previous(_ db: Database, _ row: Row) throws -> Row? {
        guard let sequence: Int64 = row["previous"] else { return nil }
        return try Row.fetchOne(db, sql: "SELECT * FROM promotions WHERE sequence = ?", arguments: [sequence])
    }

    private func record(_ db: Database, _ row: Row) throws -> PromotionRecord {
        PromotionRecord(
            base: row["base"], versionID: row["version_id"], previousVersionID: try previous(db, row)?["version_id"],
            reason: row["reason"], createdAt: Date(timeIntervalSince1970: row["created_at"]))
    }
}

extension WeightVersionRecord {
    init(_ row: Row) {
        self.init(
            id: row["id"], name: row["name"], base: row["base"], parentID: row["parent_id"], kind: row["kind"],
            hash: row["hash"], bytes: row["bytes"], step: row["step"], metrics: row["metrics"],
            createdAt: Date(timeIntervalSince1970: row["created_at"]))
    }
}
