import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A file descriptor with checked writes that can be synchronised to disk. It is closed when the value goes out of scope.
struct SyncedFile: ~Copyable {
    private let descriptor: Int32
    private let path: String

    init(creating url: URL) throws {
        path = url.path
        descriptor = unsafe open(url.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw Self.failure("Creating \(url.path)") }
    }

    /// Opens an existing file or folder to synchronise it.
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

    /// The store's error for the current `errno`.
    static func failure(_ attempted: String) -> StoreError { StoreError(code: errno, attempted: attempted) }
}
