package import Foundation
import Hashing

#if canImport(Glibc)
    import Glibc
#endif

/// Files and folders named by the SHA-256 of what is in them.
///
///     temporary/RANDOM → written, fsync → rename → objects/ab/abcdef… → fsync of the folder
///
/// What stands under `objects/` is whole and on the disk; a crash leaves at most something in `temporary/`, which the
/// next start empties. Storing the same bytes twice keeps one copy.
package struct ContentStore: Sendable {
    package struct Stored: Equatable, Sendable {
        /// 64 hexadecimal digits.
        package let hash: String
        package let bytes: Int
    }

    private let objects: URL
    private let temporary: URL

    /// - Throws: ``StoreError`` where the folders cannot be made.
    package init(folder: URL) throws {
        objects = folder.appending(path: "objects")
        temporary = folder.appending(path: "temporary")
        let files = FileManager.default
        do {
            if files.fileExists(atPath: temporary.path) { try files.removeItem(at: temporary) }
            try files.createDirectory(at: objects, withIntermediateDirectories: true)
            try files.createDirectory(at: temporary, withIntermediateDirectories: true)
        } catch { throw Self.failure(error, "Preparing the data folder \(folder.path)") }
    }

    /// Where the content with that hash stands: a file, or a folder if it was stored as one.
    package func url(_ hash: String) -> URL { objects.appending(path: String(hash.prefix(2))).appending(path: hash) }

    package func contains(_ hash: String) -> Bool { FileManager.default.fileExists(atPath: url(hash).path) }

    /// - Throws: ``StoreError/notFound(kind:id:)``
    package func data(_ hash: String) throws -> Data {
        guard let data = try? Data(contentsOf: url(hash), options: .mappedIfSafe) else {
            throw StoreError.notFound(kind: "stored content", id: hash)
        }
        return data
    }

    package func store(_ data: Data) throws -> Stored {
        try storeFile { writer in try writer(data) }
    }

    /// Stores what `body` hands piece by piece to its argument, as an upload that is never whole in memory.
    package func storeFile(_ body: ((Data) throws -> Void) throws -> Void) throws -> Stored {
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
        try publish(place, as: stored.hash)
        return stored
    }

    /// Stores the folder of plain files that `write` fills. Its hash covers names and contents.
    package func storeFolder(_ write: (URL) throws -> Void) throws -> Stored {
        let place = temporary.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: place) }
        let attempted = "Storing a folder"
        do {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
        } catch { throw Self.failure(error, attempted) }
        do { try write(place) } catch { throw StoreError(disk: error, attempted: attempted) ?? error }
        var hash = SHA256()
        var bytes = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: place.path).sorted() {
            let path = place.appending(path: name)
            let file = try SyncedFile(opening: path)
            try file.synchronize()
            let digest = try SHA256.hex(contentsOf: path)
            hash.update(Data("\(digest) \(name)\n".utf8))
            bytes += try file.size()
        }
        try SyncedFile(opening: place).synchronize()
        let stored = Stored(hash: hash.finish(), bytes: bytes)
        try publish(place, as: stored.hash)
        return stored
    }

    /// Forgets the content. The caller knows that nothing refers to it.
    package func remove(_ hash: String) throws {
        guard contains(hash) else { return }
        do {
            try FileManager.default.removeItem(at: url(hash))
        } catch { throw Self.failure(error, "Removing the stored content \(hash)") }
    }

    func removeAll(except used: Set<String>) throws {
        let files = FileManager.default
        for group in (try? files.contentsOfDirectory(atPath: objects.path)) ?? [] {
            for hash in (try? files.contentsOfDirectory(atPath: objects.appending(path: group).path)) ?? []
            where !used.contains(hash) {
                try remove(hash)
            }
        }
    }

    /// Puts the names of the folders themselves on the disk.
    func synchronizeFolder() throws {
        try SyncedFile(opening: objects.deletingLastPathComponent()).synchronize()
    }

    private static func failure(_ error: any Error, _ attempted: String) -> StoreError {
        StoreError(disk: error, attempted: attempted) ?? .diskFailed(attempted: attempted, reason: error.localizedDescription)
    }

    private func publish(_ place: URL, as hash: String) throws {
        let target = url(hash)
        if contains(hash) { return }
        let group = target.deletingLastPathComponent()
        if !FileManager.default.fileExists(atPath: group.path) {
            // Another thread may make it at the same time; the rename tells whether it is there.
            try? FileManager.default.createDirectory(at: group, withIntermediateDirectories: false)
            try SyncedFile(opening: objects).synchronize()
        }
        if unsafe rename(place.path, target.path) != 0, !contains(hash) {
            throw SyncedFile.failure("Storing the content \(hash)")
        }
        try SyncedFile(opening: group).synchronize()
    }
}

/// A file descriptor whose writes are checked and can be put on the disk; closed when the value goes.
private struct SyncedFile: ~Copyable {
    private let descriptor: Int32
    private let path: String

    init(creating url: URL) throws {
        path = url.path
        descriptor = unsafe open(url.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw Self.failure("Creating \(url.path)") }
    }

    /// A file or folder that is there, to synchronise it.
    init(opening url: URL) throws {
        path = url.path
        descriptor = unsafe open(url.path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw Self.failure("Opening \(url.path)") }
    }

    deinit { _ = close(descriptor) }

    borrowing func write(_ data: Data) throws {
        var rest = data
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                throw Self.failure("Writing \(path)")
            }
            rest = rest.dropFirst(written)
        }
    }

    borrowing func synchronize() throws {
        if fsync(descriptor) != 0 { throw Self.failure("Putting \(path) on the disk") }
    }

    borrowing func size() throws -> Int {
        let end = lseek(descriptor, 0, SEEK_END)
        if end < 0 { throw Self.failure("Measuring \(path)") }
        return Int(end)
    }

    /// What `errno` says, as the store's error.
    static func failure(_ attempted: String) -> StoreError { StoreError(code: errno, attempted: attempted) }
}
