import GRDB

/// What training goes on from: content that a weight version holds beside its tensors, such as an optimiser's moments.
///
/// The tensors stay as long as the version; a state may be dropped, and training then starts from the tensors alone.
extension Store {
    /// How many steps can be gone on from exactly: the last ones.
    package static let statesKept = 4

    /// The hash of the content that the version holds.
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

    /// Drops the states, and the content that nothing else refers to.
    func dropStates(_ db: Database, of owners: [String]) throws {
        for owner in owners {
            guard let hash = try String.fetchOne(db, sql: "SELECT hash FROM states WHERE owner = ?", arguments: [owner])
            else { continue }
            try db.execute(sql: "DELETE FROM states WHERE owner = ?", arguments: [owner])
            try removeUnusedContent(db, hash)
        }
    }
}
