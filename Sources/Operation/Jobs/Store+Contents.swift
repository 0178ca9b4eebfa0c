package import Foundation
import GRDB
import Synchronization

/// What opening a store did with its contents.
package struct Settlement: Equatable, Sendable {
    /// Contents that no transaction ever named, left by a crash or a failed request, and now removed.
    package var removed: [String] = []
    /// Contents that the database does not name, and where they are now. They may belong to acknowledged changes.
    package var setAside: [String] = []
    package var folder: URL?
    /// Contents that the database names, restored from those set aside earlier.
    package var putBack: [String] = []
    /// Contents that the database names and that do not exist.
    package var missing: [String] = []
    /// Why unnamed contents stay where they are.
    package var problem: String?

    package init() {}

    /// Messages for the operator, with what to do.
    package var warnings: [String] {
        var lines: [String] = []
        if let folder, !setAside.isEmpty {
            lines.append(
                """
                \(setAside.count) contents that the database does not name were set aside in \(folder.path): \(Self.list(setAside)). If they \
                are wanted, stop the server and put the database that names them back; the next start puts them back, too. Otherwise \
                delete the folder.
                """)
        }
        if let problem { lines.append("contents that the database does not name stay where they are: \(problem)") }
        if !putBack.isEmpty {
            lines.append(
                "\(putBack.count) contents that were set aside are named again, and were put back: \(Self.list(putBack))")
        }
        return lines
    }

    package var errors: [String] {
        missing.isEmpty
            ? []
            : [
                "\(missing.count) contents are missing: \(Self.list(missing)). `cord data check` verifies all of them; restore them from a backup"
            ]
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }
}

extension Store {
    /// Each content named by a row, with descriptions of its uses.
    func names() throws -> [String: [String]] { try read { try Self.names($0) } }

    static func names(_ db: Database) throws -> [String: [String]] {
        var queries = [
            "SELECT hash, 'the weight version ' || name FROM versions", "SELECT sha256, 'the file ' || id FROM files",
            "SELECT content, 'the benchmark ' || name FROM benchmarks WHERE content IS NOT NULL",
        ]
        // For an earlier program's database, before it is migrated.
        if try db.tableExists("states") {
            queries.append(
                """
                SELECT states.hash, 'the training state of ' || COALESCE(versions.name, owner)
                    FROM states LEFT JOIN versions ON versions.id = owner
                """)
        }
        return try Row.fetchAll(db, sql: queries.joined(separator: " UNION ALL ")).reduce(into: [:]) { names, row in
            names[row[0], default: []].append(row[1])
        }
    }

    /// Reconciles the contents with the database at the start, when nobody may be storing anything.
    ///
    ///     named, absent        restored from what was set aside, or reported as missing
    ///     unnamed, marked      an unacknowledged transaction: removed, if this is the database that it was meant for
    ///     unnamed              set aside
    package func settle() throws -> Settlement {
        let names = try names()
        var result = Settlement()
        for (hash, owners) in names.sorted(by: { $0.key < $1.key }) where !contents.contains(hash) {
            if (try? SetAside.restore(ContentStore.path(hash), in: folder)) == true {
                result.putBack.append(hash)
            } else {
                result.missing.append("\(hash) of \(owners.joined(separator: " and "))")
            }
        }
        let isTheirs = finding == .current || finding == .fresh
        // Another database's marks say nothing about this one.
        if !isTheirs { for hash in try contents.marked() { contents.unmark(hash) } }
        let marked = Set(try contents.marked())
        let unnamed = try contents.all().filter { names[$0] == nil }
        guard !unnamed.isEmpty else {
            for hash in marked { contents.unmark(hash) }
            return result
        }
        var aside = SetAside(in: folder, at: now())
        do {
            let isFree = try ContentHold.removing(from: folder) {
                for hash in unnamed {
                    if marked.contains(hash) {
                        try contents.discard(hash)
                        result.removed.append(hash)
                    } else {
                        try aside.take(ContentStore.path(hash))
                        result.setAside.append(hash)
                    }
                }
                for hash in marked { contents.unmark(hash) }
            }
            if !isFree { result.problem = "a backup or a check is reading them" }
        } catch let error as StoreError { result.problem = error.description }
        if !result.setAside.isEmpty { result.folder = aside.folder }
        return result
    }

    /// Removes the mark of a content that the transaction names, once it is committed.
    func settle(_ db: Database, _ hash: String) {
        db.afterNextTransaction { [contents] _ in contents.unmark(hash) }
    }

    /// Removes the content if nothing names it any more. Must run inside a transaction, so that no upload of the same bytes comes between.
    func removeUnusedContent(_ db: Database, _ hash: String) throws {
        for hash in postponed.withLock({ $0.union([hash]) }) {
            let isUsed = try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM versions WHERE hash = :hash UNION SELECT 1 FROM files WHERE sha256 = :hash
                        UNION SELECT 1 FROM benchmarks WHERE content = :hash UNION SELECT 1 FROM states WHERE hash = :hash)
                    """, arguments: ["hash": hash])!
            if isUsed { continue }
            contents.mark(hash)
            db.afterNextTransaction { _ in
                let isRemoved = (try? self.contents.remove(hash)) ?? false
                self.postponed.withLock { postponed in
                    if isRemoved { postponed.remove(hash) } else { postponed.insert(hash) }
                }
            }
        }
    }
}
