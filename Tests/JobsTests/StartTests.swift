import Foundation
import GRDB
import Jobs
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// What a start does to what it finds: nothing that was acknowledged is destroyed, whatever became of the database.
@Suite(.ownThread) struct StartTests {
    let folder = Folder()

    private func place(_ name: String) -> URL { folder.url.appending(path: name) }

    /// Every file beside the database, with its bytes.
    private func contents() throws -> [String: Data] {
        let root = place("objects")
        let names = try FileManager.default.subpathsOfDirectory(atPath: root.path)
        return names.reduce(into: [:]) { $0[$1] = try? Data(contentsOf: root.appending(path: $1)) }
    }

    /// A store with a version and a file, closed; its database alone is the whole of it.
    private func filled() throws -> (version: WeightVersionRecord, file: FileRecord) {
        let store = try Store(folder: folder.url)
        let version = try store.addVersion(store.newVersion("v"))
        let file = try store.addFile(purpose: "p", filename: "f", content: store.contents.store(Data("file".utf8)))
        #expect(try store.settle() == Settlement())
        try store.close()
        return (version, file)
    }

    private func refusal() throws -> StoreFinding? {
        do { _ = try Store(folder: folder.url) } catch StoreError.unexpectedDatabase(let finding, let named) {
            #expect(named == folder.url.path)
            return finding
        }
        return nil
    }

    private func query(_ sql: String) throws {
        let queue = try DatabaseQueue(path: place("store.sqlite").path)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    /// Somebody in another process who copies the contents.
    private func reader() throws -> FileHandle {
        let path = place("hold").path
        if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        let reader = try #require(FileHandle(forReadingAtPath: path))
        #expect(flock(reader.fileDescriptor, LOCK_SH) == 0)
        return reader
    }

    enum Fate: String, CaseIterable { case missing, emptied, rowless, older, foreign, beforeLineages }

    @Test(arguments: Fate.allCases) func anotherDatabaseBesideContentsIsRefusedAndSetsAsideWhereAccepted(fate: Fate) throws {
        _ = try filled()
        let older = try Data(contentsOf: place("store.sqlite"))
        var store = try Store(folder: folder.url)
        let late = try store.addFile(purpose: "p", filename: "late", content: store.contents.store(Data("late".utf8)))
        try store.close()
        let (right, all) = (try Data(contentsOf: place("store.sqlite")), try contents())
        let expected: StoreFinding
        switch fate {
        case .missing:
            try FileManager.default.removeItem(at: place("store.sqlite"))
            expected = .missing
        case .emptied:
            try Data().write(to: place("store.sqlite"))
            expected = .empty
        case .rowless:
            try query("DELETE FROM versions; DELETE FROM files")
            expected = .empty
        case .older:
            try older.write(to: place("store.sqlite"))
            expected = .older(database: 2, contents: 3)
        case .foreign:
            let other = Folder()
            try Store(folder: other.url).close()
            try Data(contentsOf: other.url.appending(path: "store.sqlite")).write(to: place("store.sqlite"))
            expected = .foreign
        case .beforeLineages:
            try query(
                "DROP TABLE lineage; DELETE FROM grdb_migrations WHERE identifier = '3'; ALTER TABLE reports DROP COLUMN body_hash"
            )
            expected = .older(database: 0, contents: 3)
        }
        let found = try? Data(contentsOf: place("store.sqlite"))
        #expect(try refusal() == expected)
        #expect(try contents() == all)
        #expect((try? Data(contentsOf: place("store.sqlite"))) == found)

        store = try Store(folder: folder.url, accepting: true)
        let settlement = try store.settle()
        let names = Set(try store.files().elements.map(\.sha256) + store.versions().elements.map(\.hash))
        #expect(Set(settlement.setAside).isDisjoint(with: names) && settlement.removed.isEmpty && settlement.missing.isEmpty)
        #expect(settlement.setAside.count + names.count == 3)
        if let aside = settlement.folder {
            #expect(settlement.warnings.joined().contains(aside.path))
            for hash in settlement.setAside {
                let path = "objects/\(hash.prefix(2))/\(hash)"
                #expect(FileManager.default.fileExists(atPath: aside.appending(path: path).path), "\(path)")
            }
        }
        try store.close()
        // It is the folder's own now, and the one before is not.
        store = try Store(folder: folder.url)
        #expect(store.finding == .current)
        #expect(try store.settle() == Settlement())
        try store.close()
        guard fate != .beforeLineages else { return }
        try right.write(to: place("store.sqlite"))
        #expect(try refusal() == .foreign)
        store = try Store(folder: folder.url, accepting: true)
        #expect(try store.settle().putBack.count == settlement.setAside.count)
        #expect(try store.contents.data(late.sha256) == Data("late".utf8))
        #expect(try contents() == all)
    }

    /// A log without its database holds what was acknowledged.
    @Test func aLogWithoutItsDatabaseIsNotThrownAway() throws {
        var store: Store? = try Store(folder: folder.url)
        try store?.addJob("a")
        for name in ["store.sqlite", "lineage"] { try FileManager.default.removeItem(at: place(name)) }
        let log = try Data(contentsOf: place("store.sqlite-wal"))
        #expect(!log.isEmpty)
        #expect(try refusal() == .missing)
        try Data().write(to: place("store.sqlite"))
        #expect(try refusal() == .empty)
        #expect(try Data(contentsOf: place("store.sqlite-wal")) == log)
        _ = try Store(folder: folder.url, accepting: true)
        let aside = try FileManager.default.subpathsOfDirectory(atPath: place("set-aside").path)
        let kept = try #require(aside.first { $0.hasSuffix("store.sqlite-wal") })
        #expect(try Data(contentsOf: place("set-aside").appending(path: kept)) == log)
        store = nil
    }

    @Test func contentsOfAnEarlierProgramsFolderStay() throws {
        let (version, file) = try filled()
        try query(
            "DROP TABLE lineage; DELETE FROM grdb_migrations WHERE identifier = '3'; ALTER TABLE reports DROP COLUMN body_hash")
        try FileManager.default.removeItem(at: place("lineage"))
        let store = try Store(folder: folder.url)
        #expect(store.finding == .unmarked)
        #expect(try store.settle() == Settlement())
        #expect(store.contents.contains(version.hash) && store.contents.contains(file.sha256))
    }

    @Test func leftoversOfUnfinishedRequestsAreRemovedAndNothingElse() throws {
        let (_, file) = try filled()
        var store = try Store(folder: folder.url)
        let orphan = try store.contents.store(Data("orphan".utf8))
        // Somebody reads the contents: the removal is put off, and then the process ends.
        let copying = try reader()
        try store.deleteFile(id: file.id)
        #expect(store.contents.contains(file.sha256))
        try store.close()
        store = try Store(folder: folder.url)
        #expect(try store.settle().problem != nil)
        #expect(store.contents.contains(file.sha256))
        try copying.close()
        let settlement = try store.settle()
        #expect(Set(settlement.removed) == [orphan.hash, file.sha256])
        #expect(settlement.setAside.isEmpty && settlement.problem == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place("pending").path).isEmpty)
    }

    @Test func aRemovalThatWasPutOffFollowsWithTheNext() throws {
        let (_, file) = try filled()
        let store = try Store(folder: folder.url)
        let other = try store.addFile(purpose: "p", filename: "o", content: store.contents.store(Data("other".utf8)))
        try store.deleteFile(id: other.id)
        #expect(!store.contents.contains(other.sha256))
        let copying = try reader()
        try store.deleteFile(id: file.id)
        #expect(store.contents.contains(file.sha256))
        try copying.close()
        let last = try store.addFile(purpose: "p", filename: "l", content: store.contents.store(Data("last".utf8)))
        try store.deleteFile(id: last.id)
        #expect(!store.contents.contains(file.sha256) && !store.contents.contains(last.sha256))
    }

    @Test func whatCannotBeSetAsideStaysWhereItIs() throws {
        _ = try filled()
        try FileManager.default.removeItem(at: place("store.sqlite"))
        let all = try contents()
        let store = try Store(folder: folder.url, accepting: true)
        try? FileManager.default.removeItem(at: place("set-aside"))
        try Data().write(to: place("set-aside"))
        let settlement = try store.settle()
        #expect(settlement.problem != nil && settlement.setAside.isEmpty && settlement.removed.isEmpty)
        #expect(try contents() == all)
    }

    @Test func aLaterProgramsTablesAreRefused() throws {
        _ = try filled()
        try query("INSERT INTO grdb_migrations VALUES ('of a later program')")
        let before = try Data(contentsOf: place("store.sqlite"))
        let path = place("store.sqlite").path
        #expect(throws: StoreError.superseded(path: path, migrations: ["of a later program"])) { try Store(folder: folder.url) }
        #expect(throws: StoreError.superseded(path: path, migrations: ["of a later program"])) {
            try Store(folder: folder.url, accepting: true)
        }
        #expect(try Data(contentsOf: place("store.sqlite")) == before)
    }

    @Test func tablesOfAnotherProgramAndDamagedPagesAreRefused() throws {
        _ = try filled()
        let all = try contents()
        var bytes = try Data(contentsOf: place("store.sqlite"))
        bytes.replaceSubrange(4096 * 3..<4096 * 5, with: Data(repeating: 0x5A, count: 8192))
        try bytes.write(to: place("store.sqlite"))
        #expect(throws: StoreError.self) { try Store(folder: folder.url, accepting: true) }
        #expect(try Data(contentsOf: place("store.sqlite")) == bytes)
        try FileManager.default.removeItem(at: place("store.sqlite"))
        try query("CREATE TABLE notes (text TEXT)")
        #expect(throws: StoreError.self) { try Store(folder: folder.url, accepting: true) }
        #expect(try contents() == all)
    }

    @Test func aJobThatGoesOnFromFurtherBackFindsWhatItMade() throws {
        let store = try Store(folder: folder.url)
        try store.addJob("j")
        let job = try store.move(job: "j", to: .running)
        let made = try (0..<2).map { _ in
            try store.save(checkpoint: Data(), job: "j", attempt: job.attempt, step: 3, version: store.newVersion("ckpt"))?.id
        }
        #expect(made[0] != nil && made[0] == made[1])
        #expect(try store.checkpoints(job: "j").elements.count == 1)
    }
}
