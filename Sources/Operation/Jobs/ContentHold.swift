import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A lock between processes that copy or check a folder's contents and processes that remove them.
///
///     backup, check     shared: contents stay where they are
///     server            exclusive, for each removal: if it cannot be had, the removal is postponed
///
/// It ends with the process at the latest.
enum ContentHold {
    /// Waits for a removal in progress. A folder that cannot be written needs no lock, nor does one that no server has used, such as a backup:
    /// nobody removes anything there.
    static func reading<Value>(_ folder: URL, _ body: () throws -> Value) rethrows -> Value {
        let descriptor = Lineage.File.read(folder) == nil ? -1 : open(folder)
        if descriptor >= 0 { flock(descriptor, LOCK_SH) }
        defer { if descriptor >= 0 { close(descriptor) } }
        return try body()
    }

    /// - Returns: False if somebody is reading; nothing was done then.
    static func removing(from folder: URL, _ body: () throws -> Void) rethrows -> Bool {
        let descriptor = open(folder)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return false }
        try body()
        return true
    }

    /// Readable by whoever may read the folder, since backups may run as another user.
    private static func open(_ folder: URL) -> Int32 {
        unsafe Glibc.open(folder.appending(path: "hold").path, O_RDONLY | O_CREAT | O_CLOEXEC, 0o644)
    }
}
