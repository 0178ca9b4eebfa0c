import Audio
package import Encodings
package import Foundation
import JSON
package import Objectives

/// The pairs of a manifest: rows in the layouts of ``TrainingRow``, as JSON lines or a table.
///
/// Reading is checking: every row suits the method and every clip can be decoded, or the manifest is refused by its lines before
/// anything is learnt.
package struct PairManifest {
    package let pairs: [TrainingPair]
    /// The system turn that all rows have; nil where they differ or have none.
    package let system: String?

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
    ///   - maxSeconds: the longest clip that the model hears whole.
    ///   - check: looks at a line's bytes before they are parsed.
    ///   - isCancelled: asked while clips are decoded, block by block.
    ///   - clip: the sound behind a reference, or an error that says why there is none. Without it, paths are relative to the manifest's
    ///     folder.
    /// - Throws: ``TrainingError/manifest(path:line:reason:)``
    package init(
        _ file: URL, name: String? = nil, for objective: Objective, maxSeconds: Double,
        check: (Data) throws -> Void = { _ in }, isCancelled: () -> Bool = { Task.isCancelled },
        clip: ((ClipReference) throws -> TrainingPair.Sound)? = nil
    ) throws {
        let shown = name ?? file.path
        let folder = file.deletingLastPathComponent()
        let find = clip ?? { try Self.sound($0, in: folder) }
        var pairs: [TrainingPair] = []
        var lines: [String: Int] = [:]
        var problems: [(line: Int, reason: String)] = []
        do {
            try ManifestFile(file, name: name).forEachRow { row in
                do {
                    if case .json(let line) = row.content { try check(line) }
                    let pair = try TrainingRow(try row.value(lists: TrainingRow.lists), number: row.line, find: find).pair
                    if let first = lines.updateValue(row.line, forKey: pair.id) {
                        throw RowError("the id \"\(pair.id)\" comes twice, first on line \(first)")
                    }
                    if let problem = objective.problem(of: pair) { throw RowError(problem) }
                    try pair.checkSounds(limits: AudioLimits(maxSeconds: maxSeconds), isCancelled: isCancelled)
                    pairs.append(pair)
                } catch let error as CancellationError {
                    throw error
                } catch {
                    problems.append((row.line, "\(error)"))
                }
            }
        } catch ManifestError.row(let line, let reason) {
            problems.append((line, reason))
        } catch let error as ManifestError {
            throw TrainingError.manifest(path: shown, line: nil, reason: "\(error)")
        }
        if let first = problems.first {
            throw TrainingError.manifest(path: shown, line: first.line, reason: first.reason + Self.more(problems.dropFirst().map(\.line)))
        }
        if pairs.isEmpty {
            throw TrainingError.manifest(path: shown, line: nil, reason: "it holds no pairs; expected a JSON object a line, or a table")
        }
        self.pairs = pairs
        let systems = Set(pairs.map(\.system))
        system = systems.count == 1 ? pairs[0].system : nil
    }

    private static func more(_ lines: [Int]) -> String {
        if lines.isEmpty { return "" }
        let named = lines.prefix(8).map(String.init).joined(separator: ", ")
        return " (and \(lines.count) more: line\(lines.count == 1 ? "" : "s") \(named)\(lines.count > 8 ? ", …" : ""))"
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
