import CArchive
import Files
package import Foundation

/// Packs a folder's plain files as a tar archive (pax), in the order of their names and without owners or times, so that the same
/// content gives the same bytes.
package enum ArchiveWriter {
    /// Writes `destination`; the files stand in the archive under `name/`.
    ///
    /// - Parameters:
    ///   - subfolders: whether what lies in folders below is packed, too. Links and names that begin with a dot are left out then.
    ///   - check: called before every piece of a file; what it throws ends the packing.
    /// - Throws: ``ArchiveError``, or what `check` throws.
    package static func tar(
        _ folder: URL, under name: String, to destination: URL, subfolders: Bool = false, check: () throws -> Void = {}
    ) throws {
        let names: [String]
        do { names = try files(in: folder, subfolders: subfolders) } catch { throw ArchiveError.unreadable(reason: FileError.reason(error)) }
        try withUTF8Names {
            let archive = try Handle(destination)
            for file in names { try archive.add(folder.appending(path: file), as: "\(name)/\(file)", check) }
            try archive.close()
        }
    }

    /// The paths of plain files from the folder on.
    private static func files(in folder: URL, subfolders: Bool, below path: String = "") throws -> [String] {
        let here = path.isEmpty ? folder : folder.appending(path: path)
        var files: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: here.path).sorted() where !(subfolders && name.hasPrefix(".")) {
            let values = try here.appending(path: name).resourceValues(forKeys: [.isRegularFileKey, .isDirectoryKey])
            let place = path.isEmpty ? name : "\(path)/\(name)"
            if values.isRegularFile == true { files.append(place) }
            if subfolders, values.isDirectory == true { files += try Self.files(in: folder, subfolders: true, below: place) }
        }
        return files
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
            // Otherwise an entry that broke off would be filled with zeros up to the size that its header promises.
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
