import Files
import Glibc

/// A file that is written whole or not at all. Bytes go to a temporary file in the same folder, which takes the
/// place of `path` once they are on the disk. A value dropped before ``commit()`` leaves nothing, and the old file unchanged.
@safe package struct AtomicFile: ~Copyable {
    package let path: String
    private let temporary: String
    private let descriptor: Int32
    private var committed = false

    /// Reserves `byteCount` bytes, so that a full disk refuses at once.
    package init(path: String, byteCount: Int) throws(FileWriteError) {
        let temporary = path + ".partial-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        Leftovers.add(temporary)
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let code = errno
            Leftovers.remove(temporary)
            throw FileWriteError(path: path, code: code)
        }
        do throws(FileWriteError) {
            try Self.reserve(byteCount, in: descriptor, path: path)
        } catch {
            close(descriptor)
            _ = unsafe unlink(temporary)
            Leftovers.remove(temporary)
            throw error
        }
        self.path = path
        self.temporary = temporary
        self.descriptor = descriptor
    }

    private static func reserve(_ byteCount: Int, in descriptor: Int32, path: String) throws(FileWriteError) {
        // The free space is checked first, because reserving would fill the disk before it fails.
        var space = statvfs()
        let free = unsafe fstatvfs(descriptor, &space) == 0 ? UInt64(space.f_bavail) * UInt64(space.f_frsize) : .max
        guard UInt64(byteCount) <= free else {
            throw FileWriteError(path: path, reason: "it needs \(byteCount) bytes, the disk has \(free) left", code: ENOSPC)
        }
        let error = byteCount > 0 ? posix_fallocate(descriptor, 0, off_t(byteCount)) : 0
        guard error == 0 else { throw FileWriteError(path: path, code: error) }
    }

    deinit {
        close(descriptor)
        if !committed { _ = unsafe unlink(temporary) }
        Leftovers.remove(temporary)
    }

    package mutating func write(_ bytes: borrowing RawSpan) throws(FileWriteError) {
        var written = 0
        while written < bytes.byteCount {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileWriteError(path: path, code: errno) }
            written += count
        }
    }

    package mutating func write(_ text: String) throws(FileWriteError) { try unsafe write(Array(text.utf8).span.bytes) }

    /// Waits until the bytes are on the disk, then gives the file its name and makes that durable, too.
    package consuming func commit() throws(FileWriteError) {
        guard fsync(descriptor) == 0, unsafe rename(temporary, path) == 0 else {
            throw FileWriteError(path: path, code: errno)
        }
        committed = true
        try synchronizeFolder(of: path)
    }

    /// The whole of a small text file.
    package static func write(_ text: String, to path: String) throws(FileWriteError) {
        var file = try AtomicFile(path: path, byteCount: text.utf8.count)
        try file.write(text)
        try file.commit()
    }
}

/// Makes the entries of the folder that holds `path` durable.
func synchronizeFolder(of path: String) throws(FileWriteError) {
    var folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    if folder.isEmpty { folder = path.hasPrefix("/") ? "/" : "." }
    let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileWriteError(path: folder, code: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileWriteError(path: folder, code: errno) }
}

/// A file that could not be written. The earlier file is unchanged.
package struct FileWriteError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let reason: String
    /// The system's number of the error; 0 if the disk is not the cause.
    package let code: Int32

    init(path: String, reason: String, code: Int32 = 0) {
        self.path = path
        self.reason = reason
        self.code = code
    }

    init(path: String, code: Int32) { self.init(path: path, reason: systemErrorText(code), code: code) }

    package var description: String { "writing \(path): \(reason)" }
}
