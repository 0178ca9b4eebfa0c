import Foundation
import GRDB

/// What a data folder contains, determined before anything is written there.
///
/// The folder's ``Lineage`` identifies the database that its contents belong to, and the last acknowledged change.
package enum StoreFinding: Equatable, Sendable {
    /// Nothing yet.
    case fresh
    /// The database that the contents belong to.
    case current
    /// A database and contents without a lineage, from an earlier program or from elsewhere.
    case unmarked
    /// Contents or a lineage, but no database.
    case missing
    /// Contents or a lineage, and a database in which no row names any.
    case empty
    /// The database lacks acknowledged changes, like a restored backup.
    case older(database: Int, contents: Int)
    /// The database of another folder.
    case foreign

    /// Whether only the operator can tell which is wanted, the database or the contents.
    package var needsConsent: Bool {
        switch self {
        case .fresh, .current, .unmarked: false
        case .missing, .empty, .older, .foreign: true
        }
    }

    static let databaseFiles = ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"]

    /// - Throws: ``StoreError/corrupt(path:reason:)``, ``StoreError/superseded(path:migrations:)``, or why the folder cannot be read.
    init(_ folder: URL) throws {
        let contents = ContentStore(reading: folder)
        let lineage = Lineage.File.read(folder)
        let (database, log) = (folder.appending(path: Self.databaseFiles[0]), folder.appending(path: Self.databaseFiles[1]))
        let hasLog = (try? Data(contentsOf: log, options: .mappedIfSafe).isEmpty) == false
        guard FileManager.default.fileExists(atPath: database.path) else {
            self = try lineage != nil || hasLog || contents.isInhabited ? .missing : .fresh
            return
        }
        // If the database has no page yet, SQLite would delete the log on opening.
        if Self.isBlank(folder) {
            self = try lineage != nil || hasLog || contents.isInhabited ? .empty : .fresh
            return
        }
        let found = try Database(database.path, thoroughly: hasLog)
        if !found.isMigrated {
            self = try lineage != nil || contents.isInhabited ? .empty : .fresh
        } else if let lineage {
            self =
                switch found.lineage {
                case nil: .older(database: 0, contents: lineage.generation)
                case let own? where own.identity != lineage.identity: .foreign
                case let own? where own.generation < lineage.generation:
                    .older(database: own.generation, contents: lineage.generation)
                // Contents without a mark were named once.
                case _?:
                    try !found.namesContents && !Set(contents.all()).isSubset(of: contents.marked()) ? .empty : .current
                }
        } else {
            self = try !found.hasRows && contents.isInhabited ? .empty : .unmarked
        }
    }

    /// Whether the database is an empty file.
    static func isBlank(_ folder: URL) -> Bool {
        let path = folder.appending(path: databaseFiles[0]).path
        return (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) == 0
    }

    /// What a database says, read without changing a byte of it.
    private struct Database {
        var isMigrated = false
        var hasRows = false
        var namesContents = false
        var lineage: Lineage?

        /// - Parameter thoroughly: Also checks indices against tables. A log left by a crash may have pages of another database that had the same
        ///   name.
        init(_ path: String, thoroughly: Bool) throws {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            do {
                self = try DatabaseQueue(path: path, configuration: configuration).read { db in
                    let verdict = try String.fetchOne(db, sql: thoroughly ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)")
                    guard verdict == "ok" else {
                        throw StoreError.corrupt(path: path, reason: verdict?.replacing("\n", with: " ") ?? "no verdict")
                    }
                    return try Database(db, path)
                }
            } catch let error as DatabaseError {
                throw StoreError(error, attempted: "Opening the store \(path)", path: path)
            }
        }

        private init(_ db: GRDB.Database, _ path: String) throws {
            let migrations = try Schema.migrator.appliedIdentifiers(db)
            isMigrated = !migrations.isEmpty
            guard isMigrated else {
                let tables = try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 3")
                if !tables.isEmpty {
                    throw StoreError.corrupt(path: path, reason: "tables of another program: \(tables.joined(separator: ", "))")
                }
                return
            }
            if try Schema.migrator.hasBeenSuperseded(db) {
                throw StoreError.superseded(path: path, migrations: migrations.subtracting(Schema.migrator.migrations).sorted())
            }
            hasRows = try Schema.tables.contains { table in
                try db.tableExists(table) && Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM \(table))") == true
            }
            namesContents = try !Store.names(db).isEmpty
            lineage = try Lineage(db)
        }
    }
}
