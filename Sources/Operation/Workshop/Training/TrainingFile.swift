import API
import Archives
import Encodings
import Files
import Foundation
import Generation
import Hashing
import Jobs
import Objectives
import Synchronization
import Tensors
import Training
import Workers

/// The pairs of an uploaded training file: a manifest, or an archive with one and its clips.
///
///     upload ─ manifest (JSON lines, CSV) ──────────────────────────────────┐
///            └ archive → unpacked → its manifest, of the split `train` ─────┴ PairManifest → pairs
///
/// A row's path names a member of the archive, from the manifest's folder; without an archive, a path that the operator allows.
struct TrainingFile: Sendable {
    /// The parts of the upload that are not read.
    let note: String?
    private let filename: String
    private let manifest: PairManifest
    /// Where clips lie that came inside the upload, and the upload's digest.
    private let unpacked: (folder: URL, content: String)

    /// - Parameters:
    ///   - folder: Where an archive is unpacked; created here.
    ///   - cancellation: Checked for every piece of an archive and every line.
    /// - Throws: `JobFailure` if the file is not a manifest.
    init(
        _ record: FileRecord, for use: RowUse, clips: Clips, unpackingInto folder: URL, cancellation: Cancellation
    ) throws {
        let content = try clips.store.contents.verified(record.sha256, as: "the file \(record.id)")
        let damage = DamagedClip()
        filename = record.filename
        unpacked = (folder, record.sha256)
        do {
            let isArchive = ArchiveReader.isArchive(try Data(head: 512, of: content))
            let (file, note) = isArchive ? try Self.unpack(content, into: folder, check: cancellation.check) : (content, nil)
            let source = RowClips(clips: clips, folder: isArchive ? file.deletingLastPathComponent() : nil, root: folder, damage: damage)
            manifest = try PairManifest(
                file, name: isArchive ? file.lastPathComponent : record.filename, for: use,
                check: {
                    try cancellation.check()
                    try JSONGuard.check($0)
                }, clip: source.sound)
            self.note = note
        } catch let error as ArchiveError {
            throw Self.failure("\(record.filename): \(error) A manifest that is compressed alone is uploaded as it is, not compressed.")
        } catch let error as ManifestError {
            throw Self.failure("\(record.filename): \(error).")
        } catch let error as TrainingError {
            throw Self.failure(error, of: record.filename)
        }
        // The row is valid, but the server has lost its clip or has no room for it.
        if let error = damage.first.withLock({ $0 }) { throw error }
    }

    /// The pairs, after every clip was decoded.
    ///
    /// - Parameters:
    ///   - checks: Pairs that were checked before and are not checked again.
    ///   - progress: Called with the number of rows that are done.
    /// - Throws: `JobFailure` that names the lines, if more than `maxSkipped` of them cannot be learnt from.
    func checked(
        by model: LoadedModel, maxSkipped: Int, checks: PairChecks, progress: @Sendable (_ done: Int, _ total: Int) -> Void
    ) async throws -> CheckedPairs {
        do {
            return try await manifest.checked(
                by: model, maxSkipped: maxSkipped, checks: checks.unpacked(into: unpacked.folder, from: unpacked.content), width: Threads.count,
                progress: progress)
        } catch let error as TrainingError {
            throw Self.failure(error, of: filename)
        }
    }

    private static func failure(_ message: String) -> JobFailure { JobFailure(code: "invalid_training_file", message: message) }

    private static func failure(_ error: TrainingError, of filename: String) -> JobFailure {
        guard case .manifest(let path, let line, let reason) = error else { return failure("\(filename): \(error)") }
        let inside = path == filename ? "" : " (\(path))"
        return failure("\(filename)\(inside)\(line.map { ", line \($0)" } ?? ""): \(reason)")
    }

    /// - Returns: The archive's manifest, and which parts of the archive are not read.
    static func unpack(
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

/// The first clip whose stored bytes are damaged, or for which there is no room.
private final class DamagedClip: Sendable {
    let first = Mutex<StoreError?>(nil)
}

/// The location of an uploaded row's clips.
private struct RowClips {
    let clips: Clips
    /// The folder of the manifest in an unpacked archive; nil without one.
    let folder: URL?
    let root: URL
    let damage: DamagedClip

    func sound(_ reference: ClipReference) throws -> TrainingPair.Sound {
        do {
            switch reference {
            case .path(let path):
                if let folder { return .file(try member(path, from: folder)) }
            case .bytes(let bytes): return .file(try laid(bytes))
            case .file: break
            }
            return try clips.sound(reference)
        } catch let error as StoreError where error.isOfContent {
            damage.first.withLock { $0 = $0 ?? error }
            throw error
        } catch let error as WorkshopError where [.pathsDisabled, .pathNotAllowed].contains(error.kind) {
            throw RowError("\(error) Or upload an archive with the manifest and its clips.")
        } catch {
            if let failure = StoreError(storage: error, attempted: "Keeping a clip") { damage.first.withLock { $0 = $0 ?? failure } }
            throw RowError("\(error)")
        }
    }

    /// Written to a file, because the clips of many rows would fill the memory.
    private func laid(_ bytes: Data) throws -> URL {
        let place = root.appending(path: "inline", directoryHint: .isDirectory)
        let file = place.appending(path: SHA256.hex(bytes))
        if !FileManager.default.fileExists(atPath: file.path) {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try bytes.write(to: file, options: .atomic)
        }
        return file
    }

    private func member(_ path: String, from folder: URL) throws(RowError) -> URL {
        do { return try AllowedFolder(root).place(path, .file, from: folder) } catch {
            throw RowError("the archive has no member \"\(path)\"")
        }
    }
}
