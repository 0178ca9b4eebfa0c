import Files
package import Foundation

/// Finds the manifests of a folder.
///
///     folder/manifest.jsonl, … metadata.csv                      the first of the names that the caller knows
///     folder/anything.jsonl, folder/anything.csv                 the only one
///     folder/train/metadata.csv, folder/test/metadata.csv        one a split (Hugging Face AudioFolder)
package enum ManifestFolder {
    package struct Entry: Equatable, Sendable {
        package let manifest: URL
        /// The path of its folder below the one that was searched, such as `train` or `data/test`; empty where it lies in that itself.
        package let path: String
        /// The name of the split; nil if the folder has only one manifest.
        package let split: String?

        /// A manifest that the caller named.
        package init(_ manifest: URL, path: String = "", split: String? = nil) {
            self.manifest = manifest
            self.path = path
            self.split = split
        }
    }

    /// The depth to which splits are searched below the folder.
    private static let depth = 3
    private static let folderLimit = 1000

    /// The manifest in `folder`, or those of its splits in the order of their names.
    ///
    /// - Parameter known: Names that take precedence.
    package static func manifests(in folder: URL, known: [String]) throws(ManifestError) -> [Entry] {
        var budget = folderLimit
        let found = try find(in: folder, path: "", depth: depth, known: known, &budget)
        if let one = found.first, found.count == 1 { return [Entry(one.manifest, path: one.path)] }
        if found.isEmpty { throw .unreadable(reason: "the folder has no manifest; put a manifest.jsonl or a metadata.csv beside its clips") }
        return found.map { Entry($0.manifest, path: $0.path, split: $0.path.split(separator: "/").last.map(String.init)) }
    }

    private static func find(
        in folder: URL, path: String, depth: Int, known: [String], _ budget: inout Int
    ) throws(ManifestError) -> [(manifest: URL, path: String)] {
        let listed: [String]
        do { listed = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() } catch {
            throw .unreadable(reason: FileError.reason(error))
        }
        let contents = listed.filter { !$0.hasPrefix(".") && $0 != "__MACOSX" }
        if let manifest = try manifest(among: contents, known: known) { return [(folder.appending(path: manifest), path)] }
        guard depth > 0 else { return [] }
        var found: [(URL, String)] = []
        for name in contents {
            let place = folder.appending(path: name, directoryHint: .isDirectory)
            let values = try? place.resourceValues(forKeys: [.isDirectoryKey, .isSymbolicLinkKey])
            guard values?.isDirectory == true, values?.isSymbolicLink != true else { continue }
            budget -= 1
            guard budget >= 0 else { return found }
            found += try find(in: place, path: path.isEmpty ? name : path + "/" + name, depth: depth - 1, known: known, &budget)
        }
        return found
    }

    private static func manifest(among names: [String], known: [String]) throws(ManifestError) -> String? {
        func ending(_ ends: String...) -> [String] { names.filter { name in ends.contains { name.lowercased().hasSuffix($0) } } }
        if names.contains("metadata.jsonl"), names.contains("metadata.csv"), !names.contains("manifest.jsonl") {
            throw .unreadable(reason: "the folder has a metadata.jsonl and a metadata.csv; keep one of them")
        }
        if let name = known.first(where: names.contains) { return name }
        for tables in [ending(".jsonl"), ending(".csv", ".tsv")] where !tables.isEmpty {
            guard tables.count == 1 else {
                throw .unreadable(reason: "the folder has several manifests (\(tables.joined(separator: ", "))); name one of them")
            }
            return tables[0]
        }
        if let file = ending(".parquet").first { throw .otherFormat("\(file): " + OtherFormat.parquet) }
        if let file = ending(".arrow").first { throw .otherFormat("\(file): " + OtherFormat.arrow) }
        if let file = ending(".xlsx", ".xls", ".ods").first { throw .otherFormat("\(file): " + OtherFormat.workbook) }
        if names.contains("[Content_Types].xml") { throw .otherFormat(OtherFormat.workbook) }
        return nil
    }
}
