package import Foundation
import GRDB
import Synchronization

/// The server's persistent state, in one SQLite database and one folder of content-addressed files.
///
///     folder/store.sqlite     jobs, events, reports, versions, promotions, steps, files, benchmarks
///     folder/objects/         their bytes (``ContentStore``)
///     folder/lineage          that both belong together (``Lineage``)
///
/// All SQL is in the store: every change is a named method and one transaction. When a method returns, its change is on disk (write-ahead log,
/// synchronous = FULL) and survives `kill -9` and power loss. A method that throws has changed nothing. Methods block on the disk, for a few
/// milliseconds at most.
package final class Store: Sendable {
    package let folder: URL
    package let contents: ContentStore
    let pool: DatabasePool
    let now: @Sendable () -> Date
    /// What the folder contained before.
    package let finding: StoreFinding
    /// Contents whose removal was postponed because somebody is reading.
    let postponed = Mutex<Set<String>>([])
    private let lineage: Lineage.File?

    /// Opens the store in `folder`, creating or migrating it.
    ///
    /// - Parameters:
    ///   - accepting: Whether the operator accepts the database although contents beside it belong to another. A missing or empty one is created
    ///     anew. Nothing is destroyed: ``settle()`` sets aside what the database does not name.
    ///   - maxBytes: The maximum size of the database; nil for no limit.
    ///   - now: The clock that stamps what is stored.
    /// - Throws: ``StoreError``. A refusal has touched nothing.
    package init(
        folder: URL, accepting: Bool = false, maxBytes: Int? = nil, now: @escaping @Sendable () -> Date = { Date() }
    ) throws {
        self.folder = folder
        self.now = now
        finding = try StoreFinding(folder)
        if finding.needsConsent, !accepting { throw StoreError.unexpectedDatabase(finding, folder: folder.path) }
        contents = try ContentStore(folder: folder)
        if finding == .missing || finding == .empty && StoreFinding.isBlank(folder) {
            // A log without its database would be lost too.
            var aside = SetAside(in: folder, at: now())
            for name in StoreFinding.databaseFiles { try aside.take(name) }
        }
        let path = folder.appending(path: StoreFinding.databaseFiles[0]).path
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration(maxBytes: maxBytes))
            // GRDB sets NORMAL when it opens a pool, after `prepareDatabase`; a commit would then not wait for the disk.
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try Schema.migrator.migrate(pool)
            if finding.needsConsent { try pool.write { db in try Lineage.begin(db) } }
            let current = try pool.read { db in try Lineage(db) }
            lineage = try current.map { try Lineage.File(folder, $0) }
        } catch let error as DatabaseError {
            throw StoreError(error, attempted: "Opening the store \(path)", path: path)
        }
        try contents.synchronizeFolder()
    }

    /// Opens the store of a folder for reading only, even beside a running server or in a backup.
    ///
    /// - Throws: ``StoreError``
    package init(reading folder: URL) throws {
        self.folder = folder
        now = { Date() }
        finding = try StoreFinding(folder)
        if finding == .fresh || finding == .missing { throw StoreError.noStore(folder: folder.path) }
        contents = ContentStore(reading: folder)
        lineage = nil
        let path = folder.appending(path: StoreFinding.databaseFiles[0]).path
        var configuration = Self.configuration(maxBytes: nil)
        configuration.readonly = true
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
        } catch let error as DatabaseError {
            throw StoreError(error, attempted: "Opening the store \(path)", path: path)
        }
    }

    private static func configuration(maxBytes: Int?) -> Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(5)
        // Reads take microseconds. Each reader costs two descriptors and a page cache, and stays open once it was needed.
        configuration.maximumReaderCount = 2
        configuration.prepareDatabase { db in
            if let maxBytes { try db.execute(sql: "PRAGMA max_page_count = \(max(1, maxBytes / 4096))") }
        }
        return configuration
    }

    /// Merges the log into the database and closes it: `store.sqlite` is complete then. The store must not be used afterwards.
    package func close() throws {
        do {
            // The pool closes its readers last, and readers leave the log in place.
            _ = try pool.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
            try pool.close()
        } catch let error as DatabaseError {
            throw StoreError(error, attempted: "Closing the store", path: pool.path)
        }
    }

    /// The writing connection's synchronous mode; 2 is FULL.
    package func synchronousMode() throws -> Int {
        try pool.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") } ?? 0
    }

    func write<Value>(_ attempted: String, _ change: (Database) throws -> Value) throws -> Value {
        do {
            return try pool.write { db in
                let value = try change(db)
                if let lineage, let current = try Lineage.advance(db) { db.afterNextTransaction { _ in lineage.follow(current) } }
                return value
            }
        } catch let error as DatabaseError {
            throw StoreError(error, attempted: attempted, path: pool.path)
        }
    }

    func read<Value>(_ query: (Database) throws -> Value) throws -> Value {
        do {
            return try pool.read(query)
        } catch let error as DatabaseError {
            throw StoreError(error, attempted: "Reading the store", path: pool.path)
        }
    }

    /// The number of rows in each table, for metrics.
    package func counts() throws -> [String: Int] {
        try read { db in
            try Dictionary(
                uniqueKeysWithValues: Schema.tables.map { table in
                    (table, try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \(table)") ?? 0)
                })
        }
    }
}

/// A page of a list, newest first.
package struct Page<Element: Sendable>: Sendable {
    package var elements: [Element]
    package var hasMore: Bool

    package init(elements: [Element], hasMore: Bool) {
        self.elements = elements
        self.hasMore = hasMore
    }
}

extension Store {
    /// The rows of `table` after the one with id `after`, in the order of creation or its reverse.
    func page<Element>(
        _ table: String, columns: String = "*", where condition: String = "1", arguments: StatementArguments = [], after: String?, limit: Int,
        ascending: Bool = false, element: (Row) throws -> Element
    ) throws -> Page<Element> {
        try read { db in
            var condition = condition
            var arguments = arguments
            if let after {
                guard
                    let sequence = try Int64.fetchOne(
                        db, sql: "SELECT sequence FROM \(table) WHERE id = ?", arguments: [after])
                else { throw StoreError.notFound(kind: "element of the list \(table)", id: after) }
                condition += ascending ? " AND sequence > ?" : " AND sequence < ?"
                arguments += [sequence]
            }
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT \(columns) FROM \(table) WHERE \(condition) ORDER BY sequence \(ascending ? "ASC" : "DESC") LIMIT ?
                    """, arguments: arguments + [limit + 1])
            return Page(elements: try rows.prefix(limit).map(element), hasMore: rows.count > limit)
        }
    }

    /// The row of `table` with that id.
    func one<Element>(_ table: String, _ kind: String, id: String, element: (Row) throws -> Element) throws -> Element {
        try read { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT * FROM \(table) WHERE id = ?", arguments: [id]) else {
                throw StoreError.notFound(kind: kind, id: id)
            }
            return try element(row)
        }
    }
}
