import CArchive
import Files
package import Foundation

/// Unpacks untrusted tar and zip archives with libarchive.
///
///     entry → plain file or folder? → path inside the tree? → within the limits? → written, not executable
///
/// Paths that are absolute or climb, links and devices are refused by name; so is a second entry of one path. What is written is
/// counted as it comes, so that a small archive cannot grow beyond the limit.
package struct ArchiveReader: Sendable {
    package var maximumBytes = 4 << 30
    package var maximumEntries = 200_000
    /// Called for every entry and every piece of one. An error that it throws ends the unpacking.
    package var check: @Sendable () throws -> Void = {}

    package init() {}

    /// Whether the bytes begin like a readable archive.
    package static func isArchive(_ head: some Collection<UInt8>) -> Bool {
        let head = Array(head.prefix(512))
        let beginnings: [[UInt8]] = [
            [0x50, 0x4B, 0x03, 0x04], [0x1F, 0x8B], [0x42, 0x5A, 0x68], [0xFD, 0x37, 0x7A, 0x58, 0x5A], [0x28, 0xB5, 0x2F, 0xFD],
        ]
        return beginnings.contains { head.starts(with: $0) } || head.dropFirst(257).starts(with: Array("ustar".utf8))
    }

    /// Unpacks `file` into `folder`, which exists and is empty.
    ///
    /// - Returns: the relative paths of the files, sorted.
    /// - Throws: ``ArchiveError``
    package func unpack(_ file: URL, into folder: URL) throws -> [String] {
        try withUTF8Names { try files(of: file, into: folder) }
    }

    private func files(of file: URL, into folder: URL) throws -> [String] {
        let archive = try Handle(file)
        var paths: Set<String> = []
        var written = 0
        var entries = 0
        while let entry = try archive.next() {
            try check()
            entries += 1
            if entries > maximumEntries { throw ArchiveError.tooManyEntries(limit: maximumEntries) }
            let parts = try Self.parts(entry.path)
            if entry.isFolder || parts.isEmpty { continue }
            guard entry.isFile else { throw ArchiveError.forbidden(entry: entry.path, reason: "it is a link or a device") }
            let path = parts.joined(separator: "/")
            guard paths.insert(path).inserted else { throw ArchiveError.forbidden(entry: path, reason: "it comes twice") }
            do {
                try write(archive, to: folder.appending(path: path), &written)
            } catch let error as ArchiveError {
                throw error
            } catch let error as CancellationError {
                throw error
            } catch { throw ArchiveError.unwritable(reason: FileError.reason(error)) }
        }
        return paths.sorted()
    }

    private func write(_ archive: borrowing Handle, to place: URL, _ written: inout Int) throws {
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: place.path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
            throw ArchiveError.unwritable(reason: place.lastPathComponent)
        }
        let handle = try FileHandle(forWritingTo: place)
        defer { try? handle.close() }
        while let piece = try archive.read() {
            try check()
            written += piece.count
            if written > maximumBytes { throw ArchiveError.tooLarge(limit: maximumBytes) }
            try handle.write(contentsOf: piece)
        }
    }

    private static func parts(_ path: String) throws -> [String] {
        guard path.utf8.first != UInt8(ascii: "/"), !path.utf8.contains(UInt8(ascii: "\\")), !path.utf8.contains(0) else {
            throw ArchiveError.forbidden(entry: path, reason: "its path is not relative")
        }
        let parts = path.pathParts.filter { !$0.isEmpty && $0 != "." }
        guard !parts.contains("..") else { throw ArchiveError.forbidden(entry: path, reason: "its path climbs out") }
        return parts
    }

    private struct Entry {
        let path: String
        let isFile: Bool
        let isFolder: Bool
    }

    /// An archive open for reading, freed with the value.
    @safe private struct Handle: ~Copyable {
        private let archive: OpaquePointer

        init(_ file: URL) throws(ArchiveError) {
            guard let archive = unsafe archive_read_new() else { throw .unreadable(reason: "out of memory") }
            unsafe archive_read_support_filter_gzip(archive)
            unsafe archive_read_support_filter_bzip2(archive)
            unsafe archive_read_support_filter_xz(archive)
            unsafe archive_read_support_filter_zstd(archive)
            unsafe archive_read_support_format_tar(archive)
            unsafe archive_read_support_format_zip(archive)
            guard unsafe archive_read_open_filename(archive, file.path, 1 << 16) == ARCHIVE_OK else {
                let reason = unsafe Self.reason(archive)
                unsafe archive_read_free(archive)
                throw reason
            }
            unsafe self.archive = archive
        }

        deinit { unsafe archive_read_free(archive) }

        func next() throws(ArchiveError) -> Entry? {
            var entry: OpaquePointer?
            switch unsafe archive_read_next_header(archive, &entry) {
            case ARCHIVE_EOF: return nil
            case ARCHIVE_OK: break
            default: throw unsafe Self.reason(archive)
            }
            guard let name = unsafe archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry),
                let path = unsafe String(validatingCString: name)
            else { throw .forbidden(entry: "?", reason: "its name is not UTF-8") }
            let hasLink = unsafe archive_entry_hardlink(entry) != nil || archive_entry_symlink(entry) != nil
            let type = unsafe archive_entry_filetype(entry)
            return Entry(path: path, isFile: type == FileType.regular && !hasLink, isFolder: type == FileType.directory)
        }

        /// The entry's next bytes; nil at its end.
        func read() throws(ArchiveError) -> Data? {
            var buffer = [UInt8](repeating: 0, count: 256 << 10)
            let count = unsafe archive_read_data(archive, &buffer, buffer.count)
            if count < 0 { throw unsafe Self.reason(archive) }
            return count == 0 ? nil : Data(buffer.prefix(count))
        }

        private static func reason(_ archive: OpaquePointer) -> ArchiveError {
            guard let text = unsafe archive_error_string(archive) else { return .unreadable(reason: "no reason given") }
            return .unreadable(reason: unsafe String(cString: text))
        }
    }
}
