import Files
package import Foundation
import GRDB

#if canImport(Glibc)
    import Glibc
#endif

/// Copies of a data folder. A backup has the same names as the folder and none of its locks:
///
///     folder/store.sqlite ─ one read transaction ─▶ backup/store.sqlite       appears last, when everything that it names is there
///     folder/objects/ab/… ─ held, hashed ─────────▶ backup/objects/ab/…       existing contents are not copied again
///     folder/jobs/…                                 the files from which jobs continue
///
/// Restoring takes the same steps back. The previous contents of the folder are set aside.
package enum StoreBackup {
    package struct Outcome: Sendable {
        package var copied = 0
        package var kept = 0
        package var bytes = 0
        /// What could not be copied, one sentence each.
        package var losses: [String] = []
        /// What a restored folder contained that its database does not name.
        package var settlement: Settlement?
    }

    package enum Refusal: Error, Equatable, CustomStringConvertible, Sendable {
        case inside(output: String, folder: String)
        case foreign(String)
        case file(String)
        case occupied(String)

        package var description: String {
            switch self {
            case .inside(let output, let folder): "\(output) lies within the data folder \(folder). Name a place outside of it."
            case .foreign(let output):
                "\(output) holds something else than a backup. Name an empty folder, or one that an earlier backup is in."
            case .file(let output): "\(output) is a file. Name a folder for the backup."
            case .occupied(let folder):
                "The data folder \(folder) holds a store already. With --replace it is set aside within the folder, and nothing of it is lost."
            }
        }
    }

    /// Copies the store in its present state, even while a server writes. Everything acknowledged before this call is in the backup.
    ///
    /// - Parameter output: A separate folder. An earlier backup there is replaced at the end, and its contents are not copied again.
    /// - Throws: ``Refusal``, ``StoreError``
    package static func make(
        of folder: URL, in output: URL, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> Outcome {
        try check(output, outside: folder)
        if let error = FileError(folder: folder) { throw error }
        return try ContentHold.reading(folder) {
            let source = try Store(reading: folder)
            try prepare(output)
            let place = output.appending(path: "store.sqlite.partial")
            let (names, _) = try copyDatabase(source, to: place)
            let contents = try ContentStore(folder: output)
            let outcome = try copy(names, from: source.contents, to: contents, progress)
            try copyJobs(from: folder, to: output)
            try publish(place, in: output)
            for leftover in ["temporary", "pending"] { try? FileManager.default.removeItem(at: output.appending(path: leftover)) }
            return outcome
        }
    }

    /// Restores a backup. The caller holds the folder's lock.
    ///
    /// - Parameter replacing: Whether to set aside what the folder holds.
    /// - Throws: ``Refusal``, ``StoreError``; the folder is unchanged then.
    package static func restore(
        _ backup: URL, to folder: URL, replacing: Bool, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> Outcome {
        if let error = FileError(folder: backup) { throw error }
        if path(backup) == path(folder) { throw Refusal.inside(output: folder.path, folder: backup.path) }
        let source = try Store(reading: backup)
        let finding = try? StoreFinding(folder)
        if finding != .fresh, !replacing { throw Refusal.occupied(folder.path) }
        try prepare(folder)
        let place = folder.appending(path: "store.sqlite.partial")
        let (names, lineage) = try copyDatabase(source, to: place, anew: true)
        let contents = try ContentStore(folder: folder)
        var outcome = try copy(names, from: source.contents, to: contents, progress)
        var aside = SetAside(in: folder, at: Date())
        for name in StoreFinding.databaseFiles + [Lineage.File.name, "jobs"] { try aside.take(name) }
        try copyJobs(from: backup, to: folder)
        try publish(place, in: folder)
        for hash in try contents.marked() { contents.unmark(hash) }
        if let lineage { _ = try Lineage.File(folder, lineage) }
        let restored = try Store(folder: folder, accepting: true)
        outcome.settlement = try restored.settle()
        try restored.close()
        return outcome
    }

    private static func check(_ output: URL, outside folder: URL) throws {
        if (path(output) + "/").hasPrefix(path(folder) + "/") { throw Refusal.inside(output: output.path, folder: folder.path) }
        var isFolder: ObjCBool = false
        if unsafe FileManager.default.fileExists(atPath: output.path, isDirectory: &isFolder), !isFolder.boolValue {
            throw Refusal.file(output.path)
        }
        let there = (try? FileManager.default.contentsOfDirectory(atPath: output.path)) ?? []
        let isBackup = there.contains("store.sqlite") || there.contains("store.sqlite.partial")
        if !there.isEmpty, !isBackup || there.contains(Lineage.File.name) { throw Refusal.foreign(output.path) }
    }

    private static func path(_ folder: URL) -> String { folder.standardizedFileURL.resolvingSymlinksInPath().path }

    private static func prepare(_ folder: URL) throws {
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw ContentStore.failure(error, "Making the folder \(folder.path)") }
    }

    /// A snapshot of the database as one file, and the contents that it names.
    private static func copyDatabase(_ source: Store, to place: URL, anew: Bool = false) throws -> (
        names: [String: [String]], Lineage?
    ) {
        for suffix in ["", "-wal", "-shm", "-journal"] { try? FileManager.default.removeItem(atPath: place.path + suffix) }
        let attempted = "Copying the store to \(place.path)"
        do {
            let copy = try DatabaseQueue(path: place.path)
            try source.pool.backup(to: copy)
            let found = try copy.writeWithoutTransaction { db in
                // Without a write-ahead log beside it, which could be forgotten.
                try db.execute(sql: "PRAGMA journal_mode = DELETE")
                if anew { try Lineage.begin(db) }
                return (try Store.names(db), try Lineage(db))
            }
            try copy.close()
            try SyncedFile(opening: place).synchronize()
            return found
        } catch let error as DatabaseError {
            throw StoreError(error, attempted: attempted, path: place.path)
        }
    }

    private static func publish(_ place: URL, in folder: URL) throws {
        guard unsafe rename(place.path, folder.appending(path: "store.sqlite").path) == 0 else {
            throw SyncedFile.failure("Putting store.sqlite in its place")
        }
        try SyncedFile(opening: folder).synchronize()
    }

    /// Copies missing contents. A damaged or missing source is reported as a loss and does not end the copy.
    private static func copy(
        _ names: [String: [String]], from source: ContentStore, to target: ContentStore, _ progress: (Int, Int) -> Void
    ) throws -> Outcome {
        var outcome = Outcome()
        let sizes = names.keys.sorted().map { ($0, source.bytes($0)) }
        let total = sizes.reduce(0) { $0 + $1.1 }
        var done = 0
        for (hash, bytes) in sizes {
            if target.contains(hash), (try? ContentStore.digest(of: target.url(hash))) == hash {
                outcome.kept += 1
            } else {
                do {
                    _ = try source.verified(hash, as: Store.list(names[hash]))
                    try copy(source.url(hash), expecting: hash, to: target)
                    outcome.copied += 1
                    outcome.bytes += bytes
                } catch let error as StoreError where error.isOfContent { outcome.losses.append(error.description) }
            }
            done += bytes
            progress(done, total)
        }
        return outcome
    }

    /// Folders come before files, so a training's log is copied after its checkpoints and is never behind them. Files that vanish meanwhile belong
    /// to a job that has ended.
    private static func copyJobs(from source: URL, to target: URL) throws {
        let files = FileManager.default
        let (from, partial, to) = (
            source.appending(path: "jobs"), target.appending(path: "jobs.partial"), target.appending(path: "jobs")
        )
        try? files.removeItem(at: partial)
        do {
            if files.fileExists(atPath: from.path) { try copyTree(from, to: partial) }
            if files.fileExists(atPath: to.path) { try files.removeItem(at: to) }
            if files.fileExists(atPath: partial.path) { try files.moveItem(at: partial, to: to) }
        } catch { throw ContentStore.failure(error, "Copying \(from.path)") }
    }

    private static func copyTree(_ source: URL, to target: URL) throws {
        let files = FileManager.default
        try files.createDirectory(at: target, withIntermediateDirectories: true)
        let there = ((try? files.contentsOfDirectory(at: source, includingPropertiesForKeys: [.isDirectoryKey])) ?? []).map {
            place in
            (place, isFolder: (try? place.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true)
        }
        for (place, isFolder) in there where isFolder { try copyTree(place, to: target.appending(path: place.lastPathComponent)) }
        for (place, isFolder) in there where !isFolder {
            do { try files.copyItem(at: place, to: target.appending(path: place.lastPathComponent)) } catch
                where !files.fileExists(atPath: place.path)
            {}
        }
    }

    private static func copy(_ place: URL, expecting hash: String, to target: ContentStore) throws {
        var isDirectory: ObjCBool = false
        _ = unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isDirectory)
        if isDirectory.boolValue {
            _ = try target.storeFolder(expecting: hash) { folder in
                for name in try FileManager.default.contentsOfDirectory(atPath: place.path) {
                    try FileManager.default.copyItem(at: place.appending(path: name), to: folder.appending(path: name))
                }
            }
        } else {
            let file = try FileHandle(forReadingFrom: place)
            defer { try? file.close() }
            _ = try target.storeFile(expecting: hash) { write in
                while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { try write(piece) }
            }
        }
    }
}
