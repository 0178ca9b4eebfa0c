package import Foundation
import GRDB

/// Everything that the server remembers, in one SQLite database and one folder of content-addressed files.
///
///     folder/store.sqlite     jobs, events, reports, versions, promotions, steps, files, benchmarks
///     folder/objects/         their bytes (``ContentStore``)
///
/// The store is the only place with SQL: every change is a named method and one transaction. A method that returns has
/// put its change on the disk (write-ahead log, synchronous = FULL), so that it survives `kill -9` and power loss; a
/// method that throws has changed nothing. Methods block for the disk, a few milliseconds at most.
package final class Store: Sendable {
    package let folder: URL
    package let contents: ContentStore
    let pool: DatabasePool
    let now: @Sendable () -> Date

    /// Opens the store in `folder`, creating or migrating it.
    ///
    /// - Parameter now: the clock that stamps what is stored.
    /// - Throws: ``StoreError``
    package convenience init(folder: URL, now: @escaping @Sendable () -> Date = { Date() }) throws {
        try self.init(folder: folder, maxBytes: nil, now: now)
    }

    /// - Parameter maxBytes: the size that the database may grow to; unbounded where nil.
    package init(folder: URL, maxBytes: Int?, now: @escaping @Sendable () -> Date = { Date() }) throws {
        self.folder = folder
        self.now = now
        contents = try ContentStore(folder: folder)
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(5)
        // Reads take microseconds. A reader costs two descriptors and a page cache, and stays open once so many read at once.
        configuration.maximumReaderCount = 2
        configuration.prepareDatabase { db in
            if let maxBytes { try db.execute(sql: "PRAGMA max_page_count = \(max(1, maxBytes / 4096))") }
        }
        let path = folder.appending(path: "store.sqlite").path
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            // GRDB chooses NORMAL when it opens a pool, after `prepareDatabase`: then a commit would not wait for the disk.
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try Schema.migrator.migrate(pool)
            let verdict = try pool.read { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") }
            guard verdict == "ok" else { throw StoreError.corrupt(path: path, reason: verdict ?? "no verdict") }
        } catch let error as DatabaseError {
            throw StoreError(error, attempted: "Opening the store \(path)", path: path)
        }
        try contents.synchronizeFolder()
    }

    /// How the writing connection waits for the disk: 2 is FULL.
    package func synchronousMode() throws -> Int {
        try pool.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") } ?? 0
    }

    func write<Value>(_ attempted: String, _ change: (Database) throws -> Value) throws -> Value {
        do {
            return try pool.write(change)
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

    /// Removes content that no row refers to: what a crash left between writing a file and recording it. For the start.
    package func collectGarbage() throws {
        let used = try read { db in
            try String.fetchSet(
                db,
                sql: """
                    SELECT sha256 FROM files WHERE sha256 IS NOT NULL UNION SELECT hash FROM versions
                    UNION SELECT content FROM benchmarks WHERE content IS NOT NULL UNION SELECT hash FROM states
                    """)
        }
        try contents.removeAll(except: used)
    }

    /// How many rows each table has, for metrics.
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
