package import Encodings
package import Foundation
import Glibc
import JSON

/// The rows of a manifest as pairs, in the layouts of ``TrainingRow``, as JSON lines or a table.
///
/// Unusable rows are in ``problems``. Clips have not been decoded yet: ``checked(by:maxSkipped:width:progress:)`` does that, and refuses the
/// manifest by its lines before anything is learnt.
package struct PairManifest: Sendable {
    /// A line that cannot be learnt from.
    package struct Problem: Sendable, Equatable, Codable {
        package let line: Int
        package let reason: String
    }

    /// The file's name in messages.
    let name: String
    let use: RowUse
    let rows: [(line: Int, pair: TrainingPair)]
    package let problems: [Problem]
    /// Whether every line was read; false if the file broke off, as in an unclosed quotation.
    let isWhole: Bool

    /// The manifest at a place: the file itself, or one in the folder.
    ///
    /// - Returns: The file, and which other contents of the folder are not read.
    package static func find(_ place: URL) throws(ManifestError) -> (manifest: URL, note: String?) {
        var isDirectory: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isDirectory) else {
            throw .unreadable(reason: "there is no such file or folder")
        }
        guard isDirectory.boolValue else { return (place, nil) }
        let known = ["manifest.jsonl", "train.jsonl", "questions.jsonl", "metadata.jsonl", "metadata.csv"]
        let found = try ManifestFolder.manifests(in: place, known: known)
        if found.count == 1 { return (found[0].manifest, nil) }
        let splits = found.compactMap(\.split)
        guard let train = found.first(where: { $0.split?.lowercased() == "train" }) else {
            throw .unreadable(reason: "the folder has the manifests \(splits.joined(separator: ", ")), none of them called train; name one of them")
        }
        let others = splits.filter { $0 != train.split }
        return (train.manifest, "Of the splits \(splits.joined(separator: ", ")), train is read; \(others.joined(separator: ", ")) is not")
    }

    /// - Parameters:
    ///   - name: The file's name, if its path does not have it.
    ///   - check: Checks a line's bytes before they are parsed.
    ///   - clip: Resolves a reference, or throws why that fails. Without it, paths are relative to the manifest's folder.
    /// - Throws: ``TrainingError/manifest(path:line:reason:)`` for a file without rows.
    package init(
        _ file: URL, name: String? = nil, for use: RowUse, check: (Data) throws -> Void = { _ in },
        clip: ((ClipReference) throws -> TrainingPair.Sound)? = nil
    ) throws {
        self.name = name ?? file.path
        self.use = use
        let folder = file.deletingLastPathComponent().standardizedFileURL.path
        var rows: [(line: Int, pair: TrainingPair)] = []
        var lines: [String: Int] = [:]
        var problems: [Problem] = []
        let isWhole: Bool
        do {
            isWhole = try Self.forEachPair(file, name: name, check: check, clip: clip ?? { try Self.sound($0, in: folder) }) { line, read in
                do {
                    let pair = try read.get()
                    if let first = lines.updateValue(line, forKey: pair.id) {
                        throw RowError("the id \"\(pair.id)\" comes twice, first on line \(first)")
                    }
                    if let problem = use.problem(of: pair) { throw RowError(problem) }
                    rows.append((line, pair))
                } catch {
                    problems.append(Problem(line: line, reason: "\(error)"))
                }
            }
        } catch let error as ManifestError {
            throw TrainingError.manifest(path: self.name, line: nil, reason: "\(error)")
        }
        if rows.isEmpty, problems.isEmpty {
            throw TrainingError.manifest(path: self.name, line: nil, reason: "it holds no pairs; expected a JSON object a line, or a table")
        }
        self.rows = rows
        self.problems = problems
        self.isWhole = isWhole
    }

    /// Reads a manifest row by row, independent of the method: each row as a pair, or why it is none.
    ///
    /// - Returns: Whether every line was read; false if the file broke off, which the last row reports.
    /// - Throws: `ManifestError` if the file is not a manifest, `CancellationError`, and what `body` throws.
    @discardableResult package static func forEachPair(
        _ file: URL, name: String? = nil, check: (Data) throws -> Void = { _ in },
        clip: @escaping (ClipReference) throws -> TrainingPair.Sound, _ body: (_ line: Int, Result<TrainingPair, any Error>) throws -> Void
    ) throws -> Bool {
        do {
            try ManifestFile(file, name: name).forEachRow { row in
                let read: Result<TrainingPair, any Error>
                do {
                    if case .json(let line) = row.content { try check(line) }
                    read = .success(try TrainingRow(try row.value(lists: TrainingRow.lists), number: row.line, find: clip).pair)
                } catch let error as CancellationError {
                    throw error
                } catch {
                    read = .failure(error)
                }
                try body(row.line, read)
            }
        } catch ManifestError.row(let line, let reason) {
            try body(line, .failure(RowError(reason)))
            return false
        }
        return true
    }

    private static func sound(_ reference: ClipReference, in folder: String) throws -> TrainingPair.Sound {
        switch reference {
        case .bytes(let bytes): return .bytes(bytes)
        case .file(let id): throw RowError("the clip \(id) is an upload of a server; name a file")
        case .path(let path):
            let file = path.hasPrefix("/") ? path : folder + "/" + path
            guard !path.utf8.contains(0), unsafe access(file, F_OK) == 0 else { throw RowError("there is no clip \(toldPath(path))") }
            return .file(path: file)
        }
    }
}
