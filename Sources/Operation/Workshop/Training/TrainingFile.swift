import API
import Archives
import Encodings
import Files
import Foundation
import Jobs
import Objectives
import Synchronization
import Training
import Workers

/// The pairs of an uploaded training file: a manifest, or an archive with one and its clips.
///
///     upload ─ manifest (JSON lines, CSV) ──────────────────────────────────┐
///            └ archive → unpacked → its manifest, of the split `train` ─────┴ PairManifest → pairs
///
/// A row's path names a member of the archive, from the manifest's folder; without an archive, a path that the operator allows.
struct TrainingFile {
    let pairs: [TrainingPair]
    /// The system turn that all rows have.
    let system: String?
    /// What of the upload is not read.
    let note: String?

    /// - Parameters:
    ///   - folder: where an archive is unpacked; made here.
    ///   - cancellation: looked at for every piece of an archive, every line and every block of a clip.
    /// - Throws: `JobFailure` naming the line.
    init(
        _ record: FileRecord, for objective: Objective, maxSeconds: Double, clips: Clips, unpackingInto folder: URL,
        cancellation: Cancellation
    ) throws {
        let content = try clips.store.contents.verified(record.sha256, as: "the file \(record.id)")
        func failure(_ message: String) -> JobFailure { JobFailure(code: "invalid_training_file", message: message) }
        let damage = DamagedClip()
        do {
            let isArchive = ArchiveReader.isArchive(try Data(head: 512, of: content))
            let (manifest, note) = isArchive ? try Self.unpack(content, into: folder, check: cancellation.check) : (content, nil)
            let source = RowClips(clips: clips, folder: isArchive ? manifest.deletingLastPathComponent() : nil, root: folder, damage: damage)
            let read = try PairManifest(
                manifest, name: isArchive ? manifest.lastPathComponent : record.filename, for: objective, maxSeconds: maxSeconds,
                check: {
                    try cancellation.check()
                    try JSONGuard.check($0)
                }, isCancelled: { cancellation.isCancelled }, clip: source.sound)
            pairs = read.pairs
            system = read.system
            self.note = note
        } catch let error as ArchiveError {
            throw failure("\(record.filename): \(error) A manifest that is compressed alone is uploaded as it is, not compressed.")
        } catch let error as ManifestError {
            throw failure("\(record.filename): \(error).")
        } catch TrainingError.manifest(let path, let line, let reason) {
            // The row is right; the server has lost its clip.
            if let error = damage.first.withLock({ $0 }) { throw error }
            let inside = path == record.filename ? "" : " (\(path))"
            throw failure("\(record.filename)\(inside)\(line.map { ", line \($0)" } ?? ""): \(reason)")
        }
    }

    private static func unpack(
        _ archive: URL, into folder: URL, check: @escaping @Sendable () throws -> Void
    ) throws -> (manifest: URL, note: String?) {
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var reader = ArchiveReader()
        reader.check = check
        _ = try reader.unpack(archive, into: folder)
        return try PairManifest.find(folder)
    }
}

/// The first stored clip whose bytes are not what they were.
private final class DamagedClip: Sendable {
    let first = Mutex<StoreError?>(nil)
}

/// Where the clips of an uploaded row lie.
private struct RowClips {
    let clips: Clips
    /// The manifest's folder in an unpacked archive; nil without one.
    let folder: URL?
    let root: URL
    let damage: DamagedClip

    func sound(_ reference: ClipReference) throws -> TrainingPair.Sound {
        do {
            switch reference {
            case .path(let path):
                if let folder { return .file(try member(path, from: folder)) }
            case .bytes, .file: break
            }
            return try clips.sound(reference)
        } catch let error as StoreError where error.isOfContent {
            damage.first.withLock { $0 = $0 ?? error }
            throw error
        } catch let error as WorkshopError where [.pathsDisabled, .pathNotAllowed].contains(error.kind) {
            throw RowError("\(error) Or upload an archive with the manifest and its clips.")
        } catch {
            throw RowError("\(error)")
        }
    }

    private func member(_ path: String, from folder: URL) throws(RowError) -> URL {
        do { return try AllowedFolder(root).place(path, .file, from: folder) } catch {
            throw RowError("the archive has no member \"\(path)\"")
        }
    }
}
