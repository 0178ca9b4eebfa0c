import Files
package import Foundation
import GRDB
import Hashing

/// The result of reading a whole data folder or backup.
package struct StoreCheck: Sendable {
    /// The number of named contents that are intact.
    package var whole = 0
    package var bytes = 0
    /// What is damaged, missing or inconsistent, one sentence each.
    package var losses: [String] = []
    /// Observations that do not mean a loss.
    package var notes: [String] = []
}

extension Store {
    /// Checks the database for consistency, and every content against its hash. Changes nothing, and works beside a running server: contents are
    /// held while it reads.
    ///
    /// - Parameter progress: The number of bytes read so far, and of all bytes.
    /// - Throws: ``StoreError`` if the database cannot be read at all, or the folder holds no store.
    package static func check(_ folder: URL, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws -> StoreCheck {
        if let error = FileError(folder: folder) { throw error }
        return try ContentHold.reading(folder) {
            var check = StoreCheck()
            let contents = ContentStore(reading: folder)
            let names: [String: [String]]
            let finding = try StoreFinding(folder)
            switch finding {
            case .fresh:
                throw StoreError.noStore(folder: folder.path)
            case .missing, .empty: names = [:]
            default:
                let store = try Store(reading: folder)
                names = try store.names()
                try store.checkDatabase(&check)
            }
            if finding.needsConsent {
                check.losses.append(StoreError.unexpectedDatabase(finding, folder: folder.path).description)
            }
            let all = try contents.all()
            let total = all.reduce(0) { $0 + contents.bytes($1) }
            for hash in Set(names.keys).subtracting(all).sorted() {
                check.losses.append(StoreError.contentMissing(what: Self.list(names[hash]), hash: hash).description)
            }
            var unnamed: [String] = []
            for hash in all {
                do {
                    var read = 0
                    _ = try contents.verified(hash, as: Self.list(names[hash])) { count in
                        read += count
                        progress(check.bytes + read, total)
                    }
                    if names[hash] == nil { unnamed.append(hash) } else { check.whole += 1 }
                } catch { check.losses.append("\(error)") }
                check.bytes += contents.bytes(hash)
                progress(check.bytes, total)
            }
            try checkRest(folder, contents, unnamed, &check)
            return check
        }
    }

    private static func checkRest(_ folder: URL, _ contents: ContentStore, _ unnamed: [String], _ check: inout StoreCheck) throws {
        let marked = Set(try contents.marked())
        let arriving = unnamed.count { marked.contains($0) }
        if arriving > 0 {
            check.notes.append("\(arriving) contents belong to transactions that have not ended, or that a crash cut off")
        }
        if unnamed.count > arriving {
            check.notes.append(
                "the database does not name \(unnamed.count - arriving) contents; the next start sets them aside: "
                    + unnamed.filter { !marked.contains($0) }.prefix(8).joined(separator: ", "))
        }
        let aside = folder.appending(path: SetAside.name)
        for date in ((try? FileManager.default.contentsOfDirectory(atPath: aside.path)) ?? []).sorted() {
            check.notes.append("\(aside.appending(path: date).path) holds what was set aside; delete it once it is not wanted")
        }
    }

    /// Checks pages, indices, references, the digests of reports, and that the version in force exists.
    private func checkDatabase(_ check: inout StoreCheck) throws {
        try read { db in
            let verdicts = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
            check.losses += verdicts.map { "store.sqlite: \($0)" }
            for row in try Row.fetchAll(db, sql: "PRAGMA foreign_key_check") {
                check.losses.append(
                    "store.sqlite: row \(row["rowid"] ?? 0) of \(row["table"] ?? "") refers to nothing in \(row["parent"] ?? "")")
            }
            for row in try Row.fetchAll(
                db,
                sql: """
                    SELECT base, version_id FROM promotions AS p WHERE version_id IS NOT NULL
                        AND sequence = (SELECT MAX(sequence) FROM promotions WHERE base = p.base)
                        AND NOT EXISTS (SELECT 1 FROM versions WHERE id = p.version_id)
                    """)
            {
                check.losses.append(
                    "\(row["version_id"] ?? ""), which is in force for \(row["base"] ?? ""), is no version that is kept; roll back"
                )
            }
            if try db.columns(in: "reports").contains(where: { $0.name == "body_hash" }) {
                let reports = try Row.fetchCursor(db, sql: "SELECT id, body, body_hash FROM reports WHERE body_hash IS NOT NULL")
                while let row = try reports.next() {
                    let (body, expected): (Data, String) = (row["body"], row["body_hash"])
                    let found = SHA256.hex(body)
                    if found != expected {
                        let what = "the report \(row["id"] as String)"
                        check.losses.append(StoreError.contentDamaged(what: what, expected: expected, found: found).description)
                    }
                }
            }
            let counts = try ["versions", "steps", "files", "reports", "benchmarks", "jobs"].map { table in
                "\(try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \(table)") ?? 0) \(table)"
            }
            check.notes.append("store.sqlite: \(counts.joined(separator: ", "))")
        }
    }

    static func list(_ owners: [String]?) -> String { owners?.joined(separator: " and ") ?? "nothing that the database names" }
}

extension ContentStore {
    /// The size on disk; 0 if unknown.
    func bytes(_ hash: String) -> Int {
        let place = url(hash)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
        let files = names.isEmpty ? [place] : names.map { place.appending(path: $0) }
        return files.reduce(0) { $0 + ((try? FileManager.default.attributesOfItem(atPath: $1.path)[.size] as? Int) ?? 0) }
    }
}
