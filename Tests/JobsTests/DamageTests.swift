import Foundation
import GRDB
import Jobs
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Bytes that are not what they were, and copies of a folder that are.
@Suite(.ownThread) struct DamageTests {
    let folder = Folder()

    private static func flip(_ file: URL) throws {
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: file)
    }

    private static func expectDamage(_ hash: String, _ body: () throws -> Void) throws {
        do {
            try body()
            Issue.record("damaged bytes were given out")
        } catch StoreError.contentDamaged(let what, let expected, let found) {
            #expect(expected == hash && found != hash && !what.isEmpty)
        }
    }

    @Test func damagedContentIsNamedAndMendedByTheSameBytes() throws {
        let store = try Store(folder: folder.url)
        let file = try store.contents.store(Data(repeating: 7, count: 3 << 20))
        let version = try store.newVersion("v")
        try Self.flip(store.contents.url(file.hash))
        try Self.flip(store.contents.url(version.hash).appending(path: "adapter_model.safetensors"))
        for hash in [file.hash, version.hash] { try Self.expectDamage(hash) { _ = try store.contents.verified(hash, as: "it") } }
        try Self.expectDamage(file.hash) { _ = try store.contents.data(file.hash) }
        #expect(try store.contents.store(Data(repeating: 7, count: 3 << 20)) == file)
        #expect(try store.newVersion("v").hash == version.hash)
        for hash in [file.hash, version.hash] { _ = try store.contents.verified(hash, as: "it") }
        // A file more is another content, and so is one under another name.
        let place = store.contents.url(version.hash)
        try Data().write(to: place.appending(path: "more"))
        try Self.expectDamage(version.hash) { _ = try store.contents.verified(version.hash, as: "it") }
        try FileManager.default.removeItem(at: place)
        #expect(throws: StoreError.contentMissing(what: "it", hash: version.hash)) {
            try store.contents.verified(version.hash, as: "it")
        }
    }

    @Test func aDamagedReportIsNotGivenOut() throws {
        let store = try Store(folder: folder.url)
        let report = try store.addReport(
            runID: nil, model: "m", versionID: "v", benchmark: "b", n: 1, summary: Data(), body: Data("report".utf8))
        #expect(try store.reportBody(id: report.id) == Data("report".utf8))
        try store.close()
        let queue = try DatabaseQueue(path: folder.url.appending(path: "store.sqlite").path)
        try queue.write { try $0.execute(sql: "UPDATE reports SET body = ?", arguments: [Data("rebort".utf8)]) }
        try queue.close()
        #expect(throws: StoreError.self) { try Store(folder: folder.url).reportBody(id: report.id) }
        #expect(try Store.check(folder.url).losses.count == 1)
    }

    @Test func checkSaysWhatIsLost() throws {
        let store = try Store(folder: folder.url)
        let version = try store.addVersion(store.newVersion("v"))
        let lost = try store.addVersion(store.newVersion("lost"))
        let file = try store.addFile(purpose: "p", filename: "f", content: store.contents.store(Data("file".utf8)))
        var check = try Store.check(folder.url)
        #expect(check.losses.isEmpty && check.whole == 3)
        var told = 0
        _ = try Store.check(folder.url) { done, total in
            #expect(done <= total)
            told = done
        }
        #expect(told == check.bytes)
        _ = try store.contents.store(Data("arriving".utf8))
        #expect(try Store.check(folder.url).losses.isEmpty)
        try Self.flip(store.contents.url(file.sha256))
        try FileManager.default.removeItem(at: store.contents.url(lost.hash))
        check = try Store.check(folder.url)
        #expect(check.whole == 1)
        #expect(check.losses.count == 2)
        #expect(check.losses.contains { $0.contains("the weight version lost") && $0.contains(lost.hash) })
        #expect(check.losses.contains { $0.contains("the file \(file.id)") && $0.contains("damaged") })
        #expect(store.contents.contains(version.hash))
    }

    /// Versions are added and deleted all the time; those that were acknowledged before the backup began, and that nobody
    /// deletes, are in it.
    @Test func aBackupTakenWhileWritesGoOnHasAllThatWasAcknowledged() throws {
        let (output, restored) = (Folder(), Folder())
        let store = try Store(folder: folder.url)
        final class Writer: Sendable {
            let acknowledged = Mutex<[String: String]>([:])
            let isOver = Atomic(false)
            let hasEnded = Atomic(false)
        }
        let writer = Writer()
        let jobs = folder.url.appending(path: "jobs/j/checkpoints")
        try FileManager.default.createDirectory(at: jobs, withIntermediateDirectories: true)
        try Data("state".utf8).write(to: jobs.appending(path: "step-1"))
        Thread.detachNewThread {
            defer { writer.hasEnded.store(true, ordering: .releasing) }
            var number = 0
            while !writer.isOver.load(ordering: .relaxed) {
                do {
                    let kept = try store.addVersion(store.newVersion("kept \(number)"))
                    writer.acknowledged.withLock { $0[kept.name] = kept.hash }
                    let passing = try store.addVersion(store.newVersion("passing \(number)"))
                    try store.deleteVersion(passing.id)
                } catch { Issue.record(error) }
                number += 1
            }
        }
        for round in 1...3 {
            while writer.acknowledged.withLock({ $0.count }) < 20 * round { usleep(1000) }
            let before = writer.acknowledged.withLock { $0 }
            let outcome = try StoreBackup.make(of: folder.url, in: output.url)
            #expect(outcome.losses.isEmpty)
            #expect(outcome.copied + outcome.kept >= before.count && (round == 1) == (outcome.kept == 0))
            #expect(try Store.check(output.url).losses.isEmpty)
            let place = restored.url.appending(path: "\(round)")
            #expect(try StoreBackup.restore(output.url, to: place, replacing: false).losses.isEmpty)
            let copy = try Store(folder: place)
            #expect(copy.finding == .current)
            #expect(try copy.settle() == Settlement())
            for (name, hash) in before {
                #expect(try copy.version(name).hash == hash)
                _ = try copy.contents.verified(hash, as: name)
            }
            #expect(try Data(contentsOf: place.appending(path: "jobs/j/checkpoints/step-1")) == Data("state".utf8))
        }
        writer.isOver.store(true, ordering: .relaxed)
        while !writer.hasEnded.load(ordering: .acquiring) { usleep(1000) }
        // Removals that the backups put off were made up for, or are at the next start.
        let settlement = try Store(folder: folder.url).settle()
        #expect(settlement.setAside.isEmpty && settlement.missing.isEmpty)
        #expect(try Store.check(folder.url).losses.isEmpty)
    }

    @Test func restoringInPlaceDestroysNothing() throws {
        let output = Folder()
        var store = try Store(folder: folder.url)
        let version = try store.addVersion(store.newVersion("v"))
        _ = try StoreBackup.make(of: folder.url, in: output.url)
        let later = try store.addVersion(store.newVersion("later"))
        try Self.flip(store.contents.url(version.hash).appending(path: "adapter_model.safetensors"))
        try store.close()
        #expect(throws: StoreBackup.Refusal.occupied(folder.url.path)) {
            try StoreBackup.restore(output.url, to: folder.url, replacing: false)
        }
        let outcome = try StoreBackup.restore(output.url, to: folder.url, replacing: true)
        #expect(outcome.losses.isEmpty && outcome.copied == 1)
        #expect(outcome.settlement?.setAside == [later.hash])
        store = try Store(folder: folder.url)
        #expect(try store.versions().elements == [version])
        _ = try store.contents.verified(version.hash, as: "v")
        try store.close()
        let aside = try FileManager.default.subpathsOfDirectory(atPath: folder.url.appending(path: "set-aside").path)
        for path in ["store.sqlite", "objects/\(later.hash.prefix(2))/\(later.hash)"] {
            #expect(aside.contains { $0.hasSuffix("/\(path)") })
        }
    }

    @Test func backupsNameWhatIsDamagedAndKeepTheRest() throws {
        let output = Folder()
        let store = try Store(folder: folder.url)
        let version = try store.addVersion(store.newVersion("v"))
        let damaged = try store.addVersion(store.newVersion("damaged"))
        try Self.flip(store.contents.url(damaged.hash).appending(path: "adapter_model.safetensors"))
        let outcome = try StoreBackup.make(of: folder.url, in: output.url)
        #expect(outcome.copied == 1 && outcome.losses.count == 1 && outcome.losses[0].contains("the weight version damaged"))
        #expect(try Store(reading: output.url).version("v") == version)
    }

    @Test func backupsGoOnlyWhereNothingElseIs() throws {
        let (output, other) = (Folder(), Folder())
        try Store(folder: folder.url).close()
        let inner = folder.url.appending(path: "inner")
        #expect(throws: StoreBackup.Refusal.self) { try StoreBackup.make(of: folder.url, in: inner) }
        try Store(folder: other.url).close()
        #expect(throws: StoreBackup.Refusal.foreign(other.url.path)) { try StoreBackup.make(of: folder.url, in: other.url) }
        try FileManager.default.createDirectory(at: output.url, withIntermediateDirectories: true)
        try Data().write(to: output.url.appending(path: "letter.txt"))
        #expect(throws: StoreBackup.Refusal.foreign(output.url.path)) { try StoreBackup.make(of: folder.url, in: output.url) }
        #expect(throws: StoreError.self) { try StoreBackup.make(of: output.url, in: Folder().url) }
    }
}
