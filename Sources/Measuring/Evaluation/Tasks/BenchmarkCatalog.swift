import CordBench
package import Encodings
package import Foundation
package import Judging

/// Finds question sets by name or path.
package enum BenchmarkCatalog {
    private static let manifests = ["manifest.jsonl", "questions.jsonl", "metadata.jsonl", "metadata.csv"]

    /// The built-in set of that name, or the one at that path.
    package static func questionSet(_ nameOrPath: String, format: ManifestFormat? = nil, type: TaskType? = nil) throws -> QuestionSet {
        if let known = CordBench(rawValue: nameOrPath) { return try known.questionSet() }
        return try questionSet(at: URL(filePath: nameOrPath), format: format, type: type)
    }

    /// - Parameters:
    ///   - place: a manifest, or a folder with one: `manifest.jsonl`, `questions.jsonl`, `metadata.jsonl`, `metadata.csv`, or the only
    ///     `.jsonl` or `.csv` in it. Where its folders have one each, as splits of a data set do, the set is all of them, a category
    ///     each where the rows name none.
    ///   - file: The manifest's name in errors, if its path does not have it.
    ///   - format: The format; if nil, it is detected from the first row.
    ///   - find: Finds clips.
    /// - Throws: ``QuestionSetError``
    package static func questionSet(
        at place: URL, name: String? = nil, called file: String? = nil, format: ManifestFormat? = nil, type: TaskType? = nil,
        find: (ClipReference) throws -> QuestionSet.Clip? = ManifestReader.found
    ) throws -> QuestionSet {
        let reader = ManifestReader()
        let entries = try entries(at: place)
        if let only = entries.first, entries.count == 1 {
            return try reader.read(only.manifest, called: file, format: format, name: name, type: type, find: find)
        }
        let splits = try entries.map { ($0, try reader.read($0.manifest, format: format, type: type, find: find)) }
        let ids = splits.flatMap { $0.1.items.map(\.id) }
        let areDistinct = Set(ids).count == ids.count
        let items = splits.flatMap { entry, set in
            set.items.map { $0.below(entry.path, split: entry.split, renamed: !areDistinct, keeping: set.clips) }
        }
        let clips = splits.reduce(into: [:]) { $0.merge($1.1.clips) { first, _ in first } }
        return QuestionSet(name: name ?? place.lastPathComponent, folder: place, items: items, clips: clips)
    }

    private static func entries(at place: URL) throws(QuestionSetError) -> [ManifestFolder.Entry] {
        var isDirectory: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isDirectory) else {
            throw .unreadable(file: place.lastPathComponent, reason: "there is no such file or folder")
        }
        do throws(ManifestError) {
            return isDirectory.boolValue ? try ManifestFolder.manifests(in: place, known: manifests) : [ManifestFolder.Entry(place)]
        } catch {
            throw QuestionSetError(error, in: place.lastPathComponent)
        }
    }
}

extension QuestionSet.Item {
    /// The item within the set whose folder contains its split at `path`. It gets a new id if ids of several splits are equal.
    ///
    /// - Parameter clips: Clips that keep their names, since they are no files of the split's folder.
    fileprivate func below(_ path: String, split: String?, renamed: Bool, keeping clips: [String: QuestionSet.Clip]) -> QuestionSet.Item {
        var item = self
        item.audio = audio.map { clips[$0] == nil ? path + "/" + $0 : $0 }
        if renamed {
            item.id = path + "/" + id
            item.source = path + "/" + source
        }
        if category == "all", let split { item.category = split }
        return item
    }
}
