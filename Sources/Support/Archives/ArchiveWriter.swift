import CArchive
import Files
package import Foundation

/// Packs a folder's plain files as a tar archive (pax), in the order of their names and without owners or times, so that the same
/// content gives the same bytes. Links are left out.
package enum ArchiveWriter {
    /// Writes `destination`. The files are under `name/` in the archive.
    ///
    /// - Parameters:
    ///   - isDeep: Whether files in subfolders are packed too, except those whose path has a part that begins with a dot.
    ///   - check: Called before every piece of a file. An error that it throws ends the packing.
    /// - Throws: ``ArchiveError``, or what `check` throws.
    package static func tar(
        _ folder: URL, under name: String, to destination: URL, isDeep: Bool = false, check: () throws -> Void = {}
    ) throws {
        let names: [String]
        do {
            let files = FileManager.default
            let found =
                isDeep
                ? try files.subpathsOfDirectory(atPath: folder.path).filter { !"/\($0)".contains("/.") }
                : try files.contentsOfDirectory(atPath: folder.path)
            names = try found.sorted().filter { name in
                try folder.appending(path: name).resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true
            }
        } catch { throw ArchiveError.unreadable(reason: FileError.reason(error)) }
        try withUTF8Names {
            let archive = try Handle(destination)
            for file in names { try archive.add(folder.appending(path: file), as: "\(name)/\(file)", check) }
            try archive.close()
        }
    }

    /// An archive open for writing, freed with the value.
    @safe private struct Handle: ~Copyable {
        private let archive: OpaquePointer

        init(_ file: URL) throws(ArchiveError) {
            guard let archive = unsafe archive_write_new() else { throw .unwritable(reason: "out of memory") }
            unsafe archive_write_set_format_pax_restricted(archive)
            guard unsafe archive_write_open_filename(archive, file.path) == ARCHIVE_OK else {
                let reason = unsafe Self.reason(archive)
                unsafe archive_write_free(archive)
                throw reason
            }
            unsafe self.archive = archive
        }

        deinit {
            // Otherwise libarchive would fill an interrupted entry with zeros up to the size in its header.
            unsafe archive_write_fail(archive)
            unsafe archive_write_free(archive)
        }

        func add(_ file: URL, as path: String, _ check: () throws -> Void) throws {
            let handle: FileHandle
            let size: UInt64
            do {
                handle = try FileHandle(forReadingFrom: file)
                size = try handle.seekToEnd()
                try handle.seek(toOffset: 0)
            } catch { throw ArchiveError.unreadable(reason: FileError.reason(error)) }
            defer { try? handle.close() }
            guard let entry = unsafe archive_entry_new() else { throw ArchiveError.unwritable(reason: "out of memory") }
            defer { unsafe archive_entry_free(entry) }
            unsafe archive_entry_set_pathname(entry, path)
            unsafe archive_entry_set_size(entry, Int64(size))
            unsafe archive_entry_set_filetype(entry, FileType.regular)
            unsafe archive_entry_set_perm(entry, 0o644)
            if unsafe archive_write_header(archive, entry) != ARCHIVE_OK { throw unsafe Self.reason(archive) }
            while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
                try check()
                let written = unsafe piece.withUnsafeBytes { unsafe archive_write_data(archive, $0.baseAddress, $0.count) }
                if written != piece.count { throw unsafe Self.reason(archive) }
            }
        }

        func close() throws(ArchiveError) {
            if unsafe archive_write_close(archive) != ARCHIVE_OK { throw unsafe Self.reason(archive) }
        }

        private static func reason(_ archive: OpaquePointer) -> ArchiveError {
            guard let text = unsafe archive_error_string(archive) else { return .unwritable(reason: "no reason given") }
            return .unwritable(reason: unsafe String(cString: text))
        }
    }
}
