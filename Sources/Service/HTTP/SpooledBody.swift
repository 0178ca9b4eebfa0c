package import Foundation
internal import Glibc

/// A body that lies in a file without a name instead of in memory, while it arrives and for as long as somebody reads it.
///
/// Belongs to the connection's thread until the request has arrived; from then on it does not change.
@safe package final class SpooledBody: @unchecked Sendable {
    private let descriptor: Int32
    package private(set) var count = 0
    private var mapping: UnsafeMutableRawPointer?

    /// - Parameter folder: on the disk that bears bodies; the system's folder for temporary files where nil.
    /// - Returns: nil where the folder takes no files.
    package init?(in folder: URL?) {
        let place = (folder ?? FileManager.default.temporaryDirectory).appending(path: "body-XXXXXX").path
        var name = Array(place.utf8CString)
        descriptor = unsafe mkstemp(&name)
        if descriptor < 0 { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unsafe unlink(name)
    }

    deinit {
        if let mapping = unsafe mapping { unsafe munmap(mapping, count) }
        close(descriptor)
    }

    /// Returns whether all of it was taken: a disk may be full.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var written = 0
        while written < bytes.count {
            let more = unsafe write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            if more < 0, errno == EINTR { continue }
            if more <= 0 { return false }
            written += more
        }
        count += written
        return true
    }

    /// Makes the bytes readable; nothing is appended after that. Returns whether the system could.
    package func finish() -> Bool {
        if count == 0 { return true }
        let place = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let place = unsafe place, unsafe place != MAP_FAILED else { return false }
        unsafe mapping = place
        return true
    }

    /// The bytes of a body that is finished.
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: mapping, count: mapping == nil ? 0 : count) }

    /// A part of them, which keeps the file and is not copied.
    func data(_ range: Range<Int>) -> Data {
        guard let mapping = unsafe mapping, !range.isEmpty else { return Data() }
        return unsafe Data(
            bytesNoCopy: mapping + range.lowerBound, count: range.count, deallocator: .custom { [self] _, _ in withExtendedLifetime(self) {} })
    }
}
