package import API
import Archives
import Encodings
import Files
package import Foundation
import Generation
package import Jobs
import Synchronization
import Training

/// The rows of an uploaded training file, for people who browse them. They are read as training would read them, whatever its method.
///
///     upload ─ manifest ────────────────────────────────┐
///            └ archive → unpacked, the last few kept ───┴ row by row → what a person sees │ one row's clip
///
/// No part of a file stays in memory. Unpacked archives lie in the store's temporary folder, which is emptied at each start.
package struct TrainingRows: Sendable {
    private let clips: Clips
    private let unpacked: UnpackedArchives

    init(clips: Clips) {
        self.clips = clips
        unpacked = UnpackedArchives(in: clips.store.folder)
    }

    /// A page of the matching rows. Blocks.
    ///
    /// - Parameter check: Called for every row; an error that it throws ends the reading.
    /// - Throws: `TrainingError` or `ArchiveError` if the file is not a manifest.
    package func page(
        of file: FileRecord, _ query: RowsQuery, check: @escaping @Sendable () throws -> Void
    ) throws -> ListObject<TrainingFileRow> {
        var rows: [TrainingFileRow] = []
        var (total, before) = (0, 0)
        try forEachRow(of: file, check) { line, read in
            let row =
                switch read {
                case .success(let pair): TrainingFileRow(pair, line: line)
                case .failure(let error): TrainingFileRow(line: line, problem: "\(error)")
                }
            guard query.matches(row) else { return }
            total += 1
            if line <= query.after { before += 1 } else if rows.count < query.limit { rows.append(row) }
        }
        return ListObject(rows, hasMore: before + rows.count < total, total: total)
    }

    /// The bytes of a row's clip, as they were uploaded. Blocks.
    ///
    /// - Parameter number: The clip's index in its row, from 0.
    /// - Throws: ``WorkshopError`` if there is no such clip.
    package func clip(
        _ number: Int, ofLine wanted: Int, in file: FileRecord, check: @escaping @Sendable () throws -> Void
    ) throws -> Data {
        var sounds: [TrainingPair.Sound]?
        do {
            try forEachRow(of: file, check) { line, read in
                guard line >= wanted else { return }
                if line == wanted {
                    do { sounds = try read.get().sounds } catch { throw RowError("\(error)") }
                }
                throw Found()
            }
        } catch is Found {
        } catch let error as RowError {
            throw WorkshopError(.notFound, "\(file.filename), line \(wanted): \(error)")
        }
        guard let sounds else { throw WorkshopError(.notFound, "\(file.filename) has no row on line \(wanted).") }
        guard sounds.indices.contains(number) else {
            throw WorkshopError(.notFound, "\(file.filename), line \(wanted): the row has \(sounds.count) clips.")
        }
        switch sounds[number] {
        case .bytes(let bytes): return bytes
        case .file(let path):
            do { return try Data(reading: URL(fileURLWithPath: path)) } catch {
                throw WorkshopError(.notFound, "\(file.filename), line \(wanted): the clip is not to be had: \(error.reason).")
            }
        case .clip: preconditionFailure("a row names its clips")
        }
    }

    /// Ends the reading once its purpose is met.
    private struct Found: Error {}

    private func forEachRow(
        of record: FileRecord, _ check: @escaping @Sendable () throws -> Void, _ body: (Int, Result<TrainingPair, any Error>) throws -> Void
    ) throws {
        let content = try clips.store.contents.verified(record.sha256, as: "the file \(record.id)")
        do {
            let isArchive = ArchiveReader.isArchive(try Data(head: 512, of: content))
            let archive = isArchive ? try unpacked.archive(content, record.sha256, check) : nil
            let file = archive?.manifest ?? content
            try PairManifest.forEachPair(
                file, name: archive == nil ? record.filename : file.lastPathComponent,
                check: {
                    try check()
                    try JSONGuard.check($0)
                }, clip: { try sound($0, from: archive) }, body)
        } catch let error as ManifestError {
            throw TrainingError.manifest(path: record.filename, line: nil, reason: "\(error)")
        }
    }

    private func sound(_ reference: ClipReference, from archive: UnpackedArchives.Archive?) throws -> TrainingPair.Sound {
        do {
            guard case .path(let path) = reference, let archive else { return try clips.sound(reference) }
            return .file(try AllowedFolder(archive.root).place(path, .file, from: archive.manifest.deletingLastPathComponent()))
        } catch is AllowedFolder.Refusal {
            throw RowError("the archive has no such member")
        } catch {
            throw RowError("\(error)")
        }
    }
}

/// The archives unpacked last, as folders beside the store.
private final class UnpackedArchives: Sendable {
    struct Archive {
        let hash: String
        let root: URL
        let manifest: URL
    }

    private static let kept = 2
    private let store: URL
    /// Locked while an archive is unpacked, so that a second reader finds it.
    private let archives = Mutex<[Archive]>([])

    init(in store: URL) { self.store = store }

    func archive(_ content: URL, _ hash: String, _ check: @escaping @Sendable () throws -> Void) throws -> Archive {
        try archives.withLock { archives in
            if let place = archives.firstIndex(where: { $0.hash == hash }) {
                let found = archives.remove(at: place)
                archives.insert(found, at: 0)
                return found
            }
            let root = store.appending(path: "temporary/rows-\(UUID().uuidString)", directoryHint: .isDirectory)
            let archive: Archive
            do {
                archive = Archive(hash: hash, root: root, manifest: try TrainingFile.unpack(content, into: root, check: check).manifest)
            } catch {
                try? FileManager.default.removeItem(at: root)
                throw error
            }
            archives.insert(archive, at: 0)
            if archives.count > Self.kept { try? FileManager.default.removeItem(at: archives.removeLast().root) }
            return archive
        }
    }
}

extension RowsQuery {
    fileprivate func matches(_ row: TrainingFileRow) -> Bool {
        if let problems, problems != (row.problem != nil) { return false }
        guard let contains else { return true }
        return ([row.id, row.text, row.answer, row.solution].compactMap { $0 } + row.turns.map(\.text))
            .contains { $0.localizedCaseInsensitiveContains(contains) }
    }
}

extension TrainingFileRow {
    fileprivate init(_ pair: TrainingPair, line: Int) {
        self.init(
            line: line, id: pair.id, text: pair.text, answer: pair.answer, solution: pair.solution, system: pair.system,
            turns: pair.conversation?.turns.map { RowTurn(role: $0.role.rawValue, text: $0.message.text) } ?? [], clips: pair.sounds.count)
    }
}
