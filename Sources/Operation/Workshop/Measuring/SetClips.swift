import Encodings
import Evaluation
import Files
import Foundation
import Hashing
import Jobs

/// Finds the clips of a registered set that are no members of its archive.
///
///     data       a file of the set's own, so that clips of many rows do not fill the memory
///     file_id    a link to the upload's bytes, which outlives the upload
///     path       in a manifest without an archive: below the operator's audio folder, where it stays
struct SetClips {
    private let clips: Clips
    private let folder: URL
    private let before: URL?
    private let hasMembers: Bool
    private let admit: (FileRecord) throws -> Void
    private let check: () throws -> Void

    /// - Parameters:
    ///   - folder: What belongs to the set besides its manifest.
    ///   - before: The same as it was, if it is made again: the uploads that it links to may be gone.
    ///   - hasMembers: Whether paths lead to members of an archive.
    init(
        clips: Clips, beside folder: URL, before: URL?, hasMembers: Bool, admit: @escaping (FileRecord) throws -> Void,
        check: @escaping () throws -> Void
    ) {
        (self.clips, self.hasMembers, self.admit, self.check) = (clips, hasMembers, admit, check)
        // Hidden, so that nobody takes it for a split of the set.
        self.folder = folder.appending(path: ".clips", directoryHint: .isDirectory)
        self.before = before?.appending(path: ".clips", directoryHint: .isDirectory)
    }

    func find(_ reference: ClipReference) throws -> QuestionSet.Clip? {
        try check()
        switch reference {
        case .path(let path):
            if hasMembers { return nil }
            do { return .file(try clips.place(path)) } catch {
                throw RowError("\(error) Or upload an archive with the manifest and its clips.")
            }
        case .bytes(let bytes): return .file(try kept(SHA256.hex(bytes)) { try bytes.write(to: $0, options: .atomic) })
        case .file(let id):
            let name = "upload-" + SHA256.hex(Data(id.utf8))
            return .file(try kept(name) { try FileManager.default.linkItem(at: upload(id, linked: name), to: $0) })
        }
    }

    /// The bytes of an upload, or what links to them since before the upload was deleted.
    private func upload(_ id: String, linked name: String) throws -> URL {
        let upload: FileRecord
        do { upload = try clips.store.file(id: id) } catch StoreError.notFound {
            guard let link = before?.appending(path: name), FileManager.default.fileExists(atPath: link.path) else {
                throw RowError("there is no upload \(id)")
            }
            return link
        }
        try admit(upload)
        return try clips.store.contents.verified(upload.sha256, as: "the file \(id)")
    }

    private func kept(_ name: String, _ write: (URL) throws -> Void) throws -> URL {
        let place = folder.appending(path: name)
        guard !FileManager.default.fileExists(atPath: place.path) else { return place }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try write(place)
        } catch {
            throw StoreError(storage: error, attempted: "Keeping a clip") ?? error
        }
        return place
    }
}
