import Foundation
import GRDB

#if canImport(Glibc)
    import Glibc
#endif

/// Identifies the database that a data folder's contents belong to, and counts its changes.
///
///     store.sqlite   lineage: identity, generation        in the transaction of every change
///     lineage        identity, generation                 the file follows each commit, and never precedes it
///
/// A database that is behind its file lacks acknowledged changes. A power loss may leave the file behind; it catches up at the next start.
/// at the next start.
struct Lineage: Equatable, Sendable {
    var identity: String
    var generation: Int

    static func newIdentity() -> String { Identifier(prefix: "store_").random() }

    init(identity: String, generation: Int) {
        self.identity = identity
        self.generation = generation
    }

    /// The lineage of a database; nil for one of an earlier program.
    init?(_ db: Database) throws {
        guard try db.tableExists("lineage"), let row = try Row.fetchOne(db, sql: "SELECT identity, generation FROM lineage")
        else { return nil }
        self.init(identity: row["identity"], generation: row["generation"])
    }

    /// Counts a change, within its transaction.
    static func advance(_ db: Database) throws -> Lineage? {
        try db.cachedStatement(sql: "UPDATE lineage SET generation = generation + 1").execute()
        return try Lineage(db)
    }

    /// Gives the database a new identity: changes acknowledged by the database that it was copied from are not missing from it.
    static func begin(_ db: Database) throws {
        guard try db.tableExists("lineage") else { return }
        try db.execute(sql: "UPDATE lineage SET identity = ?", arguments: [newIdentity()])
    }

    /// The lineage file beside the contents.
    final class File: Sendable {
        static let name = "lineage"
        private let descriptor: Int32

        /// Sets the folder's lineage to that of its database.
        init(_ folder: URL, _ lineage: Lineage) throws(StoreError) {
            let path = folder.appending(path: Self.name).path
            descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            let attempted = "Writing \(path)"
            guard descriptor >= 0 else { throw StoreError(code: errno, attempted: attempted) }
            guard write(lineage), fsync(descriptor) == 0 else { throw StoreError(code: errno, attempted: attempted) }
        }

        deinit { close(descriptor) }

        /// Updates the file after a commit. A failure leaves the file behind, which loses nothing.
        func follow(_ lineage: Lineage) { _ = write(lineage) }

        static func read(_ folder: URL) -> Lineage? {
            guard let data = try? Data(contentsOf: folder.appending(path: name)) else { return nil }
            let words = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace)
            guard words.count == 2, let generation = Int(words[1]) else { return nil }
            return Lineage(identity: String(words[0]), generation: generation)
        }

        /// Written in place and always with the same length, so that it needs no space on the disk.
        private func write(_ lineage: Lineage) -> Bool {
            let digits = String(lineage.generation)
            let line = Array("\(lineage.identity) \(String(repeating: "0", count: max(0, 20 - digits.count)))\(digits)\n".utf8)
            return unsafe pwrite(descriptor, line, line.count, 0) == line.count
        }
    }
}
