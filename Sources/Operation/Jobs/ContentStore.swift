import Files
package import Foundation
import Hashing

#if canImport(Glibc)
    import Glibc
#endif

/// Files and folders named by the SHA-256 of their contents.
///
///     temporary/RANDOM → written, fsync → pending/abcdef… → rename → objects/ab/abcdef… → fsync of the folder
///
/// Everything under `objects/` is complete and on disk. A crash leaves at most something in `temporary/`, which no caller has been told of and
/// which the next start empties. Storing the same bytes twice keeps one copy.
///
/// An empty file in `pending/` marks a transaction about the content of that name. Committing a transaction that names the content removes the
/// mark. If it still exists at the next start, the database alone decides.
package struct ContentStore: Sendable {
    package struct Stored: Equatable, Sendable {
        /// 64 hexadecimal digits.
        package let hash: String
        package let bytes: Int
    }

    let folder: URL
    let objects: URL
    let pending: URL
    private let temporary: URL

    /// - Throws: ``StoreError`` if the folders cannot be created.
    package init(folder: URL) throws {
        self.init(reading: folder)
        let files = FileManager.default
        do {
            if files.fileExists(atPath: temporary.path) { try files.removeItem(at: temporary) }
            for place in [objects, pending, temporary] { try files.createDirectory(at: place, withIntermediateDirectories: true) }
        } catch { throw Self.failure(error, "Preparing the data folder \(folder.path)") }
    }

    /// Opens the contents of a folder that must not be changed.
    init(reading folder: URL) {
        self.folder = folder
        objects = folder.appending(path: "objects")
        pending = folder.appending(path: "pending")
        temporary = folder.appending(path: "temporary")
    }

    /// The location of the content with that hash: a file, or a folder if it was stored as one. Its bytes may be damaged.
    package func url(_ hash: String) -> URL { folder.appending(path: Self.path(hash)) }

    /// The path of a content within a data folder, or within what was set aside from one.
    static func path(_ hash: String) -> String { "objects/\(hash.prefix(2))/\(hash)" }

    package func contains(_ hash: String) -> Bool { FileManager.default.fileExists(atPath: url(hash).path) }

    /// The location of the content, after all of its bytes were read and their hash was checked.
    ///
    /// - Parameter what: What the content is to its user, for the error.
    /// - Throws: ``StoreError/contentMissing(what:hash:)``, ``StoreError/contentDamaged(what:expected:found:)``
    package func verified(_ hash: String, as what: String, progress: (Int) -> Void = { _ in }) throws(StoreError) -> URL {
        let place = url(hash)
        guard contains(hash) else { throw .contentMissing(what: what, hash: hash) }
        let found: String
        do {
            found = try Self.digest(of: place, progress: progress)
        } catch { throw .contentDamaged(what: what, expected: hash, found: "bytes that cannot be read (\(Self.reason(error)))") }
        guard found == hash else { throw .contentDamaged(what: what, expected: hash, found: found) }
        return place
    }

    /// - Throws: as ``verified(_:as:progress:)``
    package func data(_ hash: String, as what: String = "stored content") throws -> Data {
        try Data(contentsOf: verified(hash, as: what), options: .mappedIfSafe)
    }

    /// - Parameter check: Called for every megabyte; if it throws, nothing is stored.
    package func store(_ data: Data, checking check: () throws -> Void = {}) throws -> Stored {
        try storeFile { writer in
            for start in stride(from: data.startIndex, to: data.endIndex, by: 1 << 20) {
                try check()
                try writer(data[start..<min(start + 1 << 20, data.endIndex)])
            }
        }
    }

    /// Stores the pieces that `body` passes to its argument, such as an upload that is never whole in memory.
    ///
    /// - Parameter expected: The hash that it must have, when copying.
    package func storeFile(expecting expected: String? = nil, _ body: ((Data) throws -> Void) throws -> Void) throws -> Stored {
        let place = temporary.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: place) }
        var hash = SHA256()
        var bytes = 0
        let file = try SyncedFile(creating: place)
        try body { piece in
            try file.write(piece)
            hash.update(piece)
            bytes += piece.count
        }
        try file.synchronize()
        let stored = Stored(hash: hash.finish(), bytes: bytes)
        try publish(place, stored, expected)
        return stored
    }

    /// Stores the folder of plain files that `write` fills. The hash covers names and contents.
    package func storeFolder(expecting expected: String? = nil, _ write: (URL) throws -> Void) throws -> Stored {
        let place = temporary.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: place) }
        let attempted = "Storing a folder"
        do {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
        } catch { throw Self.failure(error, attempted) }
        do { try write(place) } catch { throw StoreError(disk: error, attempted: attempted) ?? error }
        var bytes = 0
        for name in try Self.names(in: place) {
            let file = try SyncedFile(opening: place.appending(path: name))
            try file.synchronize()
            bytes += try file.size()
        }
        let hash = try Self.digest(of: place)
        try SyncedFile(opening: place).synchronize()
        let stored = Stored(hash: hash, bytes: bytes)
        try publish(place, stored, expected)
        return stored
    }

    /// Synchronises the folder's own entries to disk.
    func synchronizeFolder() throws { try SyncedFile(opening: folder).synchronize() }

    static func failure(_ error: any Error, _ attempted: String) -> StoreError {
        StoreError(disk: error, attempted: attempted) ?? .diskFailed(attempted: attempted, reason: FileError.reason(error))
    }

    private static func reason(_ error: any Error) -> String { (error as? StoreError)?.description ?? FileError.reason(error) }

    /// The names of plain files in a folder, in the order in which the digest sums them.
    private static func names(in folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    /// SHA-256 of a file, or of the lines "DIGEST NAME" of a folder's files.
    static func digest(of place: URL, progress: (Int) -> Void = { _ in }) throws -> String {
        var isDirectory: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isDirectory), isDirectory.boolValue else {
            return try fileDigest(of: place, progress)
        }
        var hash = SHA256()
        for name in try names(in: place) { hash.update("\(try fileDigest(of: place.appending(path: name), progress)) \(name)\n") }
        return hash.finish()
    }

    private static func fileDigest(of file: URL, _ progress: (Int) -> Void) throws -> String {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        var hash = SHA256()
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            hash.update(piece)
            progress(piece.count)
        }
        return hash.finish()
    }

    private func publish(_ place: URL, _ stored: Stored, _ expected: String?) throws {
        let hash = stored.hash
        if let expected, expected != hash {
            throw StoreError.contentDamaged(what: "the copied content", expected: expected, found: hash)
        }
        let target = url(hash)
        mark(hash)
        if contains(hash) {
            // A complete copy replaces a damaged one.
            if (try? Self.digest(of: target)) == hash { return }
            _ = unsafe rename(target.path, temporary.appending(path: UUID().uuidString).path)
        }
        let group = target.deletingLastPathComponent()
        if !FileManager.default.fileExists(atPath: group.path) {
            // Another thread may create it at the same time; the rename tells whether it exists.
            try? FileManager.default.createDirectory(at: group, withIntermediateDirectories: false)
            try SyncedFile(opening: objects).synchronize()
        }
        if unsafe rename(place.path, target.path) != 0, !contains(hash) {
            throw SyncedFile.failure("Storing the content \(hash)")
        }
        try SyncedFile(opening: group).synchronize()
    }
}
