import API
import Archives
import Evaluation
import Foundation
import HTTP
import Jobs

/// The question sets at hand: those that travel in the program, and those that clients registered from uploads.
///
///     upload (JSONL, or an archive with a manifest and clips) → content store → unpacked under benchmarks/ → ManifestReader → record
///
/// The unpacked folder is made again from the stored upload where it is missing.
package struct Benchmarks: Sendable {
    let store: Store

    /// What a record keeps beside its columns.
    private struct Details: Codable {
        var items: Int
        var categories: [String: Int]
        var voices: Int
        /// Of the manifest, as the reader names it.
        var format: String?
    }

    /// The set of a built-in name, a registered name or its id. Blocks.
    ///
    /// - Throws: 404.
    func set(_ nameOrID: String) throws -> QuestionSet {
        if let known = BuiltInBenchmark(rawValue: nameOrID) { return try known.questionSet() }
        let record = try record(nameOrID)
        let details = try JSONDecoder().decode(Details.self, from: record.description)
        guard let content = record.content else { throw StoreError.notFound(kind: "benchmark", id: nameOrID) }
        return try read(content, name: record.name, format: details.format.flatMap(ManifestFormat.init(rawValue:)))
    }

    /// Whether there is a set of that name, without reading it.
    ///
    /// - Throws: 404 that lists the names there are.
    func check(_ nameOrID: String) throws {
        if BuiltInBenchmark(rawValue: nameOrID) == nil { _ = try record(nameOrID) }
    }

    private func record(_ nameOrID: String) throws -> BenchmarkRecord {
        do { return try store.benchmark(nameOrID) } catch StoreError.notFound {
            let known = try BuiltInBenchmark.allCases.map(\.rawValue) + store.benchmarks(limit: 20).elements.map(\.name)
            throw HTTPError(
                404, "There is no benchmark \"\(nameOrID)\"; this server has \(known.joined(separator: ", ")).",
                parameter: "benchmark",
                code: "benchmark_not_found")
        }
    }

    /// Built-in sets first, then registered ones.
    func list(_ query: PageQuery) throws -> (sets: [Benchmark], hasMore: Bool) {
        let page = try store.benchmarks(after: query.after, limit: query.limit, ascending: query.order == .ascending)
        let registered = try page.elements.map(object)
        return (query.after == nil ? try BuiltInBenchmark.allCases.map(object) + registered : registered, page.hasMore)
    }

    /// Reads an upload as a question set and keeps it. Blocks.
    ///
    /// - Throws: 422 that names the file and line, 404 for an unknown file, 409 for a taken name.
    func register(_ wanted: BenchmarkRequest) throws -> Benchmark {
        guard BuiltInBenchmark(rawValue: wanted.name) == nil else {
            throw HTTPError(
                409, "\"\(wanted.name)\" is a built-in benchmark; choose another name.", parameter: "name", code: "conflict")
        }
        let file = try store.file(id: wanted.fileId)
        let format = wanted.format.map { ManifestFormat($0) }
        let set: QuestionSet
        do { set = try read(file.sha256, name: wanted.name, format: format) } catch let error as QuestionSetError {
            if try !store.hasBenchmark(of: file.sha256) { try? FileManager.default.removeItem(at: folder(file.sha256)) }
            throw HTTPError(
                422, "The file \(file.filename) is no question set: \(error).", parameter: "file_id", code: "invalid_benchmark")
        }
        let details = Details(
            items: set.items.count, categories: Dictionary(set.categories.map { ($0.name, $0.count) }, uniquingKeysWith: +),
            voices: Set(set.items.compactMap(\.voice)).count, format: format?.rawValue)
        return try object(
            try store.addBenchmark(
                name: wanted.name, hash: try set.hash(), content: file.sha256, description: try JSONEncoder().encode(details)))
    }

    private func read(_ content: String, name: String, format: ManifestFormat?) throws -> QuestionSet {
        let stored = try store.contents.verified(content, as: "the benchmark \(name)")
        let handle = try FileHandle(forReadingFrom: stored)
        defer { try? handle.close() }
        guard ArchiveReader.isArchive(try handle.read(upToCount: 512) ?? Data()) else {
            return try BenchmarkCatalog.questionSet(at: stored, name: name, format: format)
        }
        return try BenchmarkCatalog.questionSet(
            at: try Self.root(of: try unpacked(stored, content)), name: name, format: format)
    }

    private func folder(_ content: String) -> URL {
        store.folder.appending(path: "benchmarks/\(content)", directoryHint: .isDirectory)
    }

    /// The archive's folder; it appears whole or not at all.
    private func unpacked(_ archive: URL, _ content: String) throws -> URL {
        let folder = folder(content)
        let files = FileManager.default
        if files.fileExists(atPath: folder.path) { return folder }
        // What a crash leaves here is swept at the next start.
        let temporary = store.folder.appending(path: "temporary/\(UUID().uuidString)", directoryHint: .isDirectory)
        defer { try? files.removeItem(at: temporary) }
        try files.createDirectory(at: folder.deletingLastPathComponent(), withIntermediateDirectories: true)
        try files.createDirectory(at: temporary, withIntermediateDirectories: true)
        _ = try ArchiveReader().unpack(archive, into: temporary)
        do { try files.moveItem(at: temporary, to: folder) } catch where files.fileExists(atPath: folder.path) {}
        return folder
    }

    /// Archives often hold one folder with everything in it.
    private static func root(of folder: URL) throws -> URL {
        var place = folder
        while true {
            let names = try FileManager.default.contentsOfDirectory(atPath: place.path).filter {
                !$0.hasPrefix(".") && $0 != "__MACOSX"
            }
            guard names.count == 1, !names[0].hasSuffix(".jsonl") else { return place }
            let next = place.appending(path: names[0], directoryHint: .isDirectory)
            guard (try? next.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true else { return place }
            place = next
        }
    }

    private func object(_ record: BenchmarkRecord) throws -> Benchmark {
        let details = try JSONDecoder().decode(Details.self, from: record.description)
        return Benchmark(
            id: record.id, name: record.name, createdAt: Int(record.createdAt.timeIntervalSince1970), items: details.items,
            categories: details.categories, voices: details.voices, hash: record.hash, builtIn: false)
    }

    private func object(_ benchmark: BuiltInBenchmark) throws -> Benchmark {
        let set = try benchmark.questionSet()
        return Benchmark(
            id: benchmark.rawValue, name: benchmark.rawValue, createdAt: 0, items: set.items.count,
            categories: Dictionary(set.categories.map { ($0.name, $0.count) }, uniquingKeysWith: +),
            voices: Set(set.items.compactMap(\.voice)).count, hash: benchmark.hash, builtIn: true)
    }
}
