package import Foundation
package import Judging

/// The question sets that a name or a path leads to.
package enum BenchmarkCatalog {
    /// The built-in set of that name, or the one at that path.
    package static func questionSet(_ nameOrPath: String, format: ManifestFormat? = nil, type: TaskType? = nil) throws -> QuestionSet {
        if let known = BuiltInBenchmark(rawValue: nameOrPath) { return try known.questionSet() }
        return try questionSet(at: URL(filePath: nameOrPath), format: format, type: type)
    }

    /// - Parameters:
    ///   - place: a manifest, or a folder with one: `manifest.jsonl`, `questions.jsonl`, `metadata.jsonl`, or the only `.jsonl` in it.
    ///   - format: nil tells it from the first row.
    /// - Throws: ``QuestionSetError``
    package static func questionSet(
        at place: URL, name: String? = nil, format: ManifestFormat? = nil, type: TaskType? = nil
    ) throws -> QuestionSet {
        try ManifestReader().read(try manifest(at: place), format: format, name: name, type: type)
    }

    static func manifest(at place: URL) throws -> URL {
        var isDirectory: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isDirectory) else {
            throw QuestionSetError.unreadable(file: place.lastPathComponent, reason: "there is no such file or folder")
        }
        guard isDirectory.boolValue else { return place }
        let files = try FileManager.default.contentsOfDirectory(atPath: place.path).filter { $0.hasSuffix(".jsonl") }.sorted()
        for name in ["manifest.jsonl", "questions.jsonl", "metadata.jsonl"] where files.contains(name) {
            return place.appending(path: name)
        }
        guard files.count == 1 else {
            throw QuestionSetError.unreadable(
                file: place.lastPathComponent,
                reason: files.isEmpty
                    ? "the folder has no manifest; put a manifest.jsonl beside its clips"
                    : "the folder has several manifests (\(files.joined(separator: ", "))); name one of them")
        }
        return place.appending(path: files[0])
    }
}
