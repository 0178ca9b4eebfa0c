package import Foundation
import GRDB

/// A person's verdict on an item of a question set.
package struct MarkRecord: Equatable, Sendable {
    /// The set's id; a built-in set's is its name.
    package let benchmark: String
    package let item: String
    package let verdict: String
    package let answer: String?
    package let note: String?
    package let createdAt: Date
}

extension Store {
    /// Stores a mark, which replaces an earlier one of the item.
    package func mark(benchmark: String, item: String, verdict: String, answer: String?, note: String?) throws -> MarkRecord {
        let record = MarkRecord(benchmark: benchmark, item: item, verdict: verdict, answer: answer, note: note, createdAt: now())
        try write("Marking the item \(item)") { db in
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO marks (benchmark, item, verdict, answer, note, created_at) VALUES (?, ?, ?, ?, ?, ?)
                    """, arguments: [benchmark, item, verdict, answer, note, record.createdAt.timeIntervalSince1970])
        }
        return record
    }

    /// - Throws: ``StoreError/notFound(kind:id:)`` if the item has no mark.
    package func removeMark(benchmark: String, item: String) throws {
        try write("Removing the mark of \(item)") { db in
            try db.execute(sql: "DELETE FROM marks WHERE benchmark = ? AND item = ?", arguments: [benchmark, item])
            guard db.changesCount == 1 else { throw StoreError.notFound(kind: "mark of the item", id: item) }
        }
    }

    /// The marks on a set's items, latest first.
    package func marks(benchmark: String) throws -> [MarkRecord] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM marks WHERE benchmark = ? ORDER BY sequence DESC", arguments: [benchmark]).map { row in
                MarkRecord(
                    benchmark: row["benchmark"], item: row["item"], verdict: row["verdict"], answer: row["answer"], note: row["note"],
                    createdAt: Date(timeIntervalSince1970: row["created_at"]))
            }
        }
    }
}
