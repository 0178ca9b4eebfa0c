import GRDB

/// The states from which training continues: content beside a weight version's tensors, such as an optimiser's moments.
///
/// The tensors live as long as the version. A state may be dropped; training then starts from the tensors alone.
extension Store {
    /// The number of latest steps whose states are kept.
    package static let statesKept = 4

    /// The hash of the version's state.
    package func state(of owner: String) throws -> String? {
        try read { db in try String.fetchOne(db, sql: "SELECT hash FROM states WHERE owner = ?", arguments: [owner]) }
    }

    func keepState(_ db: Database, _ hash: String, of owner: String) throws {
        guard contents.contains(hash) else {
            throw StoreError.conflict("The content \(hash) that \(owner) goes on from is not stored.")
        }
        try db.execute(sql: "INSERT INTO states (owner, hash) VALUES (?, ?)", arguments: [owner, hash])
        settle(db, hash)
    }

    /// Drops the states, and their contents if nothing else refers to them.
    func dropStates(_ db: Database, of owners: [String]) throws {
        for owner in owners {
            guard let hash = try String.fetchOne(db, sql: "SELECT hash FROM states WHERE owner = ?", arguments: [owner])
            else { continue }
            try db.execute(sql: "DELETE FROM states WHERE owner = ?", arguments: [owner])
            try removeUnusedContent(db, hash)
        }
    }
}
