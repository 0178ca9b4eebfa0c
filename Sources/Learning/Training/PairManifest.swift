package import Encodings
package import Foundation
import JSON
package import Objectives

/// The rows of a manifest as pairs: rows in the layouts of ``TrainingRow``, as JSON lines or a table.
///
/// Rows that do not suit the method are in ``problems``. No clip has been heard yet: ``checked(by:maxSkipped:width:progress:)`` hears
/// them, and refuses the manifest by its lines before anything is learnt.
package struct PairManifest: Sendable {
    /// A line that cannot be learnt from.
    package struct Problem: Sendable, Equatable, Codable {
        package let line: Int
        package let reason: String
    }

    /// The file as messages name it.
    let name: String
    let objective: Objective
    let rows: [(line: Int, pair: TrainingPair)]
    let problems: [Problem]
    /// Whether every line was read; false where the file broke off, as in an open quotation.
    let isWhole: Bool

    /// The manifest, or a folder with one.
    ///
    /// - Returns: the file, and what else the folder holds that is not read.
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
    ///   - name: what the file is called, where its path does not say it.
    ///   - check: looks at a line's bytes before they are parsed.
    ///   - clip: the sound behind a reference, or an error that says why there is none. Without it, paths are relative to the manifest's
    ///     folder.
    /// - Throws: ``TrainingError/manifest(path:line:reason:)`` for a file without rows.
    package init(
        _ file: URL, name: String? = nil, for objective: Objective, check: (Data) throws -> Void = { _ in },
        clip: ((ClipReference) throws -> TrainingPair.Sound)? = nil
    ) throws {
        self.name = name ?? file.path
        self.objective = objective
        let folder = file.deletingLastPathComponent()
        let find = clip ?? { try Self.sound($0, in: folder) }
        var rows: [(line: Int, pair: TrainingPair)] = []
        var lines: [String: Int] = [:]
        var problems: [Problem] = []
        var isWhole = true
        do {
            try ManifestFile(file, name: name).forEachRow { row in
                do {
                    if case .json(let line) = row.content { try check(line) }
                    let pair = try TrainingRow(try row.value(lists: TrainingRow.lists), number: row.line, find: find).pair
                    if let first = lines.updateValue(row.line, forKey: pair.id) {
                        throw RowError("the id \"\(pair.id)\" comes twice, first on line \(first)")
                    }
                    if let problem = objective.problem(of: pair) { throw RowError(problem) }
                    rows.append((row.line, pair))
                } catch let error as CancellationError {
                    throw error
                } catch {
                    problems.append(Problem(line: row.line, reason: "\(error)"))
                }
            }
        } catch ManifestError.row(let line, let reason) {
            problems.append(Problem(line: line, reason: reason))
            isWhole = false
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

    private static func sound(_ reference: ClipReference, in folder: URL) throws -> TrainingPair.Sound {
        switch reference {
        case .bytes(let bytes): return .bytes(bytes)
        case .file(let id): throw RowError("the clip \(id) is an upload of a server; name a file")
        case .path(let path):
            let file = URL(fileURLWithPath: path, relativeTo: folder).standardizedFileURL
            guard FileManager.default.fileExists(atPath: file.path) else { throw RowError("there is no clip \(path)") }
            return .file(file)
        }
    }
}
