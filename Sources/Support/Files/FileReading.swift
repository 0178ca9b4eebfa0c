package import Foundation
import Glibc

/// A file that could not be read or written, and the reason in words.
package struct FileError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let attempt: String
    package let reason: String

    package var description: String { "\(path) cannot be \(attempt): \(reason)" }

    /// Finds the reason of an error that Foundation threw on reading `path`, whose own text is an error domain with a number.
    package init(reading path: String, _ error: any Error) {
        self.path = path
        attempt = "read"
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            reason = Self.words(errno)
            return
        }
        defer { close(descriptor) }
        var status = stat()
        let isFolder = unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        let system = (error as NSError).userInfo[NSUnderlyingErrorKey] as? POSIXError
        reason = isFolder ? "it is a folder" : system.map { Self.words($0.code.rawValue) } ?? (error as NSError).localizedDescription
    }

    /// An error of Foundation about a file; nil for any other.
    package init?(_ error: any Error) {
        guard let error = error as? CocoaError, let path = error.filePath ?? error.url?.path else { return nil }
        guard error.code == .fileNoSuchFile || (512..<768).contains(error.code.rawValue) else {
            self.init(reading: path, error)
            return
        }
        let system = (error as NSError).userInfo[NSUnderlyingErrorKey] as? POSIXError
        self.init(path: path, attempt: "written", reason: system.map { Self.words($0.code.rawValue) } ?? error.localizedDescription)
    }

    /// The reason why an operation on files failed, in the system's words if it has any.
    package static func reason(_ error: any Error) -> String {
        switch error {
        case let error as POSIXError: words(error.code.rawValue)
        case let error as CocoaError: FileError(error)?.reason ?? error.localizedDescription
        default: "\(error)"
        }
    }

    /// The reason why a folder cannot be read; nil if it can.
    package init?(folder: URL) {
        path = folder.path
        attempt = "read"
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor < 0 else {
            close(descriptor)
            return nil
        }
        switch errno {
        case ENOENT: reason = "there is no such folder"
        case ENOTDIR: reason = "it is a file; expected a folder"
        case let number: reason = Self.words(number)
        }
    }

    private init(path: String, attempt: String, reason: String) {
        self.path = path
        self.attempt = attempt
        self.reason = reason
    }

    package static let missing = "there is no such file"

    /// An error number of the system.
    package static func words(_ number: Int32) -> String {
        switch number {
        case ENOENT: missing
        case ENOTDIR: "a file lies where a folder is needed"
        case EEXIST: "a file lies there already"
        case EACCES, EPERM: "this user may not"
        default: unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
        }
    }
}

extension Data {
    /// The bytes of a file.
    package init(reading file: URL, options: ReadingOptions = []) throws(FileError) {
        do { try self.init(contentsOf: file, options: options) } catch { throw FileError(reading: file.path, error) }
    }

    /// At most the first `count` bytes of a file.
    package init(head count: Int, of file: URL) throws {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        self = try handle.read(upToCount: count) ?? Data()
    }

    /// The bytes after a UTF-8 byte order mark, which Windows editors and Excel write; all bytes if there is none.
    package var withoutByteOrderMark: Data { starts(with: [0xEF, 0xBB, 0xBF]) ? dropFirst(3) : self }
}
