/// The reason why an archive was not unpacked or packed. The caller removes the files written so far.
package enum ArchiveError: Error, Equatable, CustomStringConvertible {
    case unreadable(reason: String)
    /// An entry that is not a plain file or folder inside the archive's tree.
    case forbidden(entry: String, reason: String)
    case tooManyEntries(limit: Int)
    case tooLarge(limit: Int)
    case unwritable(reason: String)

    package var description: String {
        switch self {
        case .unreadable(let reason):
            "The archive cannot be read (\(reason)). Expected are tar, also compressed with gzip, bzip2, xz or zstd, and zip."
        case .forbidden(let entry, let reason):
            "The archive's entry \"\(entry)\" is not taken: \(reason). Expected are plain files and folders with relative paths."
        case .tooManyEntries(let limit): "The archive has more than \(limit) entries, the most that are taken."
        case .tooLarge(let limit): "The archive unpacks to more than \(limit) bytes, the most that are taken."
        case .unwritable(let reason): "Writing while an archive was handled failed: \(reason)."
        }
    }
}

/// POSIX's numbers of entry types (`AE_IFREG`, `AE_IFDIR`).
enum FileType {
    static let regular: UInt32 = 0o100000
    static let directory: UInt32 = 0o040000
}
