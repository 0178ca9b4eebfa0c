import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A lock between those who copy or check a folder's contents and those who remove them, in whatever process either is.
///
///     backup, check     shared: contents stay where they are
///     server            exclusive, for each removal: where it cannot be had, the removal is put off
///
/// It ends with the process at the latest.
enum ContentHold {
    /// Waits for a removal under way. A folder that cannot be written needs no lock, nor one that no server has had, such as a
    /// backup: nobody removes anything there.
    static func reading<Value>(_ folder: URL, _ body: () throws -> Value) rethrows -> Value {
        let descriptor = Lineage.File.read(folder) == nil ? -1 : open(folder)
        if descriptor >= 0 { flock(descriptor, LOCK_SH) }
        defer { if descriptor >= 0 { close(descriptor) } }
        return try body()
    }

    /// - Returns: false where somebody reads; then nothing was done.
    static func removing(from folder: URL, _ body: () throws -> Void) rethrows -> Bool {
        let descriptor = open(folder)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return false }
        try body()
        return true
    }

    /// Readable for whoever may read the folder: a backup may be another user's.
    private static func open(_ folder: URL) -> Int32 {
        unsafe Glibc.open(folder.appending(path: "hold").path, O_RDONLY | O_CREAT | O_CLOEXEC, 0o644)
    }
}
