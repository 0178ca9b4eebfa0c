package import Foundation
import GRDB
import Hashing

/// An uploaded file; the ``ContentStore`` has its bytes under `sha256`.
package struct FileRecord: Equatable, Sendable {
    package let id: String
    package let purpose: String
    package let filename: String
    package let bytes: Int
    package let sha256: String
    /// `uploaded`, `processed` or `error`.
    package let status: String
    package let statusDetails: String?
    package let createdAt: Date
    /// When it expires; nil for a file that stays.
    package let expiresAt: Date?
}

/// A registered question set; `description` is JSON that its reader interprets.
package struct BenchmarkRecord: Equatable, Sendable {
    package let id: String
    package let name: String
    package let hash: String
    /// The content that it was made from; nil for a built-in one.
    package let content: String?
    package let description: Data
    package let createdAt: Date
}

/// A finished gap report. `summary` and `body` are JSON; the columns serve lists and comparisons.
package struct ReportRecord: Equatable, Sendable {
    package let id: String
    package let runID: String?
    package let model: String
    package let versionID: String
    package let benchmark: String
    package let n: Int
    package let summary: Data
    package let createdAt: Date
}

extension Store {
    /// Records an upload whose bytes are stored.
    ///
    /// - Parameter lifetime: The seconds until it expires; nil for a file that stays.
    package func addFile(
        id: String = Identifier.file.random(), purpose: String, filename: String, content: ContentStore.Stored,
        status: String = "processed", statusDetails: String? = nil, lifetime: Int? = nil
    ) throws -> FileRecord {
        try write("Recording the file \(filename)") { db in
            guard contents.contains(content.hash) else {
                throw StoreError.conflict(
                    "The bytes of \(filename) were removed while they were recorded. Upload it again.")
            }
            let created = now()
            let file = FileRecord(
                id: id, purpose: purpose, filename: filename, bytes: content.bytes, sha256: content.hash,
                status: status,
                statusDetails: statusDetails, createdAt: created, expiresAt: lifetime.map { created + Double($0) })
            try db.execute(
                sql: """
                    INSERT INTO files (id, purpose, filename, bytes, sha256, status, status_details, created_at, expires_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id, purpose, filename, content.bytes, content.hash, status, statusDetails,
                    created.timeIntervalSince1970, file.expiresAt?.timeIntervalSince1970,
                ])
            settle(db, content.hash)
            return file
        }
    }

    /// - Parameter evenExpired: Whether to find a file that has expired, for a job that was given it before.
    /// - Throws: ``StoreError/notFound(kind:id:)``.
    package func file(id: String, evenExpired: Bool = false) throws -> FileRecord {
        let file = try one("files", "file", id: id, element: FileRecord.init)
        if !evenExpired, let end = file.expiresAt, end <= now() { throw StoreError.notFound(kind: "file", id: id) }
        return file
    }

    package func files(
        purpose: String? = nil, after: String? = nil, limit: Int = 20, ascending: Bool = false
    ) throws -> Page<FileRecord> {
        let isThere = "(expires_at IS NULL OR expires_at > ?)"
        return try page(
            "files", where: purpose == nil ? isThere : isThere + " AND purpose = ?",
            arguments: [now().timeIntervalSince1970] + (purpose.map { [$0] } ?? []), after: after, limit: limit, ascending: ascending,
            element: FileRecord.init)
    }

    /// The ids of expired files.
    package func expiredFiles() throws -> [String] {
        try read { db in
            try String.fetchAll(db, sql: "SELECT id FROM files WHERE expires_at <= ?", arguments: [now().timeIntervalSince1970])
        }
    }

    /// Deletes the file, and its bytes if nothing else has the same ones.
    package func deleteFile(id: String) throws {
        let file = try file(id: id, evenExpired: true)
        try write("Deleting the file \(id)") { db in
            try db.execute(sql: "DELETE FROM files WHERE id = ?", arguments: [id])
            guard db.changesCount == 1 else { throw StoreError.notFound(kind: "file", id: id) }
            try removeUnusedContent(db, file.sha256)
        }
    }

    /// Registers a question set. - Throws: ``StoreError/conflict(_:)`` if another set has the name.
    package func addBenchmark(
        id: String = Identifier.benchmark.random(), name: String, hash: String, content: String?, description: Data
    ) throws -> BenchmarkRecord {
        try write("Registering the benchmark \(name)") { db in
            if let row = try Row.fetchOne(db, sql: "SELECT * FROM benchmarks WHERE name = ?", arguments: [name]) {
                let known = BenchmarkRecord(row)
                guard known.hash == hash else {
                    throw StoreError.conflict("There is another benchmark named \(name). Choose another name.")
                }
                return known
            }
            if let content, !contents.contains(content) {
                throw StoreError.conflict("The content \(content) of the benchmark \(name) is not stored.")
            }
            try db.execute(
                sql:
                    "INSERT INTO benchmarks (id, name, hash, content, description, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [id, name, hash, content, description, now().timeIntervalSince1970])
            if let content { settle(db, content) }
            return BenchmarkRecord(
                try Row.fetchOne(db, sql: "SELECT * FROM benchmarks WHERE id = ?", arguments: [id])!)
        }
    }

    /// The benchmark with that id or that name.
    package func benchmark(_ idOrName: String) throws -> BenchmarkRecord {
        try read { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT * FROM benchmarks WHERE id = ? OR name = ?", arguments: [idOrName, idOrName])
            else { throw StoreError.notFound(kind: "benchmark", id: idOrName) }
            return BenchmarkRecord(row)
        }
    }

    package func benchmarks(after: String? = nil, limit: Int = 20, ascending: Bool = false) throws -> Page<BenchmarkRecord> {
        try page("benchmarks", after: after, limit: limit, ascending: ascending, element: BenchmarkRecord.init)
    }

    /// Whether a benchmark was made from that content.
    package func hasBenchmark(of content: String) throws -> Bool {
        try read { db in
            try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM benchmarks WHERE content = ?)", arguments: [content])!
        }
    }

    /// Records a report. If its run has one already, because it ended twice around a crash, that one is returned.
    package func addReport(
        id: String = Identifier.gapReport.random(), runID: String?, model: String, versionID: String, benchmark: String,
        n: Int, summary: Data, body: Data
    ) throws -> ReportRecord {
        try write("Recording the report \(id)") { db in
            if let runID,
                let row = try Row.fetchOne(db, sql: "SELECT * FROM reports WHERE run_id = ?", arguments: [runID])
            {
                return ReportRecord(row)
            }
            try db.execute(
                sql: """
                    INSERT INTO reports (id, run_id, model, version_id, benchmark, n, summary, body, body_hash, created_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id, runID, model, versionID, benchmark, n, summary, body, SHA256.hex(body), now().timeIntervalSince1970,
                ])
            return ReportRecord(try Row.fetchOne(db, sql: "SELECT * FROM reports WHERE id = ?", arguments: [id])!)
        }
    }

    package func report(id: String) throws -> ReportRecord {
        try one("reports", "report", id: id, element: ReportRecord.init)
    }

    /// The whole report as JSON, with every item.
    ///
    /// - Throws: ``StoreError/contentDamaged(what:expected:found:)``
    package func reportBody(id: String) throws -> Data {
        try one("reports", "report", id: id) { row in
            let (body, expected): (Data, String?) = (row["body"], row["body_hash"])
            let found = SHA256.hex(body)
            if let expected, expected != found { throw StoreError.contentDamaged(what: "the report \(id)", expected: expected, found: found) }
            return body
        }
    }

    package func reports(after: String? = nil, limit: Int = 20, ascending: Bool = false) throws -> Page<ReportRecord> {
        // Without the bodies, which hold every item.
        try page(
            "reports", columns: "id, run_id, model, version_id, benchmark, n, summary, created_at", after: after, limit: limit,
            ascending: ascending, element: ReportRecord.init)
    }
}

extension FileRecord {
    init(_ row: Row) {
        self.init(
            id: row["id"], purpose: row["purpose"], filename: row["filename"], bytes: row["bytes"],
            sha256: row["sha256"],
            status: row["status"], statusDetails: row["status_details"],
            createdAt: Date(timeIntervalSince1970: row["created_at"]),
            expiresAt: (row["expires_at"] as Double?).map(Date.init(timeIntervalSince1970:)))
    }
}

extension BenchmarkRecord {
    init(_ row: Row) {
        self.init(
            id: row["id"], name: row["name"], hash: row["hash"], content: row["content"],
            description: row["description"],
            createdAt: Date(timeIntervalSince1970: row["created_at"]))
    }
}

extension ReportRecord {
    init(_ row: Row) {
        self.init(
            id: row["id"], runID: row["run_id"], model: row["model"], versionID: row["version_id"],
            benchmark: row["benchmark"], n: row["n"], summary: row["summary"],
            createdAt: Date(timeIntervalSince1970: row["created_at"]))
    }
}
