internal import Files
internal import Foundation
internal import Glibc

/// A file that holds a secret: a private key, or the keys that clients send.
package struct SecretFile: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// - Throws: `FileError` when it cannot be read as UTF-8.
    package func text() throws -> String {
        do { return try String(contentsOfFile: path, encoding: .utf8) } catch { throw FileError(reading: path, error) }
    }

    /// Its permissions, as in `644`, where it is this user's own and its group or all others may do anything with it; `nil`
    /// otherwise.
    ///
    /// ssh draws the same line: a file of another owner, such as a mounted secret, is its administrator's business.
    package var looseMode: String? {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_uid == getuid(), status.st_mode & 0o077 != 0 else { return nil }
        return String(status.st_mode & 0o777, radix: 8)
    }
}
