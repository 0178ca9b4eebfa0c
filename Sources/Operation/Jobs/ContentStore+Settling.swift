import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// What happens to contents around transactions, and to those that the database does not name.
extension ContentStore {
    /// Marks the start of a transaction about the content. If the mark cannot be made, the request need not be refused: the contents that a crash
    /// leaves are then set aside instead of removed.
    func mark(_ hash: String) {
        let descriptor = unsafe open(pending.appending(path: hash).path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
    }

    func unmark(_ hash: String) { _ = unsafe unlink(pending.appending(path: hash).path) }

    /// Removes the content and its mark. The caller knows that nothing names it.
    ///
    /// - Returns: False if somebody is reading the contents; both stay then.
    func remove(_ hash: String) throws -> Bool {
        try ContentHold.removing(from: folder) {
            try discard(hash)
            unmark(hash)
        }
    }

    /// Deletes the bytes.
    func discard(_ hash: String) throws(StoreError) {
        guard contains(hash) else { return }
        do {
            try FileManager.default.removeItem(at: url(hash))
        } catch { throw Self.failure(error, "Removing the stored content \(hash)") }
    }

    /// The hashes of all contents, named or not.
    func all() throws -> [String] {
        try Self.entries(objects).filter { $0.count == 2 }
            .flatMap { group in try Self.entries(objects.appending(path: group)).filter { Self.isHash($0) && $0.hasPrefix(group) }
            }
    }

    var isInhabited: Bool { get throws { try !all().isEmpty } }

    /// Contents with a transaction in progress.
    func marked() throws -> [String] { try Self.entries(pending).filter(Self.isHash) }

    static func isHash(_ name: String) -> Bool { name.utf8.count == 64 && name.allSatisfy { $0.isHexDigit && !$0.isUppercase } }

    /// Sorted; empty if there is no such folder.
    private static func entries(_ folder: URL) throws -> [String] {
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        do { return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() } catch {
            throw failure(error, "Listing \(folder.path)")
        }
    }
}
