import CordBench
import Archives
package import Evaluation
import Files
package import Foundation
package import Jobs

/// An available question set.
package struct KnownBenchmark: Equatable, Sendable {
    package let id: String
    package let name: String
    package let createdAt: Date
    package let items: Int
    package let categories: [String: Int]
    package let voices: Int
    /// The hash of the manifest and every clip.
    package let hash: String
    package let isBuiltIn: Bool
}

/// The available question sets: those built into the program, and those that clients registered from uploads.
///
///     upload (JSONL, or an archive with a manifest and clips) → content store → unpacked under benchmarks/ → ManifestReader → record
///                                                clips in rows, other uploads ─┘ (SetClips)
///
/// If that folder is missing, or the set in it has another hash, it is made again from the stored upload.
package struct Benchmarks: Sendable {
    private let store: Store
    private let clips: Clips
    private let shelf = BenchmarkShelf()

    package init(clips: Clips) { (store, self.clips) = (clips.store, clips) }

    /// Details of a record without a column of their own.
    private struct Details: Codable {
        var items: Int
        var categories: [String: Int]
        var voices: Int
        /// The reader's name of the manifest's format.
        var format: String?

        init(_ set: QuestionSet, format: ManifestFormat? = nil) {
            items = set.items.count
            categories = Dictionary(set.categories.map { ($0.name, $0.count) }, uniquingKeysWith: +)
            voices = Set(set.items.compactMap(\.voice)).count
            self.format = format?.rawValue
        }
    }

    /// The set with this built-in name, registered name or id. Blocks.
    ///
    /// - Parameter check: Called repeatedly; an error that it throws ends the reading.
    /// - Throws: ``WorkshopError`` for an unknown name.
    package func set(_ nameOrID: String, check: @escaping @Sendable () throws -> Void = {}) throws -> QuestionSet {
        if let known = CordBench(rawValue: nameOrID) { return try known.questionSet() }
        let record = try record(nameOrID)
        let details = try JSONDecoder().decode(Details.self, from: record.description)
        guard let content = record.content else { throw StoreError.notFound(kind: "benchmark", id: nameOrID) }
        return try read(
            content, name: record.name, format: details.format.flatMap(ManifestFormat.init(rawValue:)), hash: record.hash, check)
    }

    /// The same set, without reading it again if it was among those read last.
    func shelved(_ nameOrID: String, check: @escaping @Sendable () throws -> Void) throws -> QuestionSet {
        let hash = try CordBench(rawValue: nameOrID)?.hash ?? record(nameOrID).hash
        return try shelf.set(hash) { try set(nameOrID, check: check) }
    }

    /// The id and name of the set with this built-in name, registered name or id, without reading it.
    package func identity(_ nameOrID: String) throws -> (id: String, name: String) {
        if let known = CordBench(rawValue: nameOrID) { return (known.rawValue, known.rawValue) }
        let record = try record(nameOrID)
        return (record.id, record.name)
    }

    /// Checks that a set of that name exists, without reading it.
    ///
    /// - Throws: ``WorkshopError`` that lists the existing names.
    package func check(_ nameOrID: String) throws {
        if CordBench(rawValue: nameOrID) == nil { _ = try record(nameOrID) }
    }

    /// The same check for further sets beside a benchmark.
    package func check(retained names: [String], at field: String = "retain") throws {
        for name in names where CordBench(rawValue: name) == nil { _ = try record(name, at: field) }
    }

    private func record(_ nameOrID: String, at field: String = "benchmark") throws -> BenchmarkRecord {
        do { return try store.benchmark(nameOrID) } catch StoreError.notFound {
            let known = try CordBench.allCases.map(\.rawValue) + store.benchmarks(limit: 20).elements.map(\.name)
            throw WorkshopError(
                .unknownBenchmark, "There is no benchmark \"\(nameOrID)\"; this server has \(known.joined(separator: ", ")).",
                at: field)
        }
    }

    /// A page of the sets: built-in ones first, then registered ones.
    package func list(after: String?, limit: Int, ascending: Bool) throws -> (sets: [KnownBenchmark], hasMore: Bool) {
        let page = try store.benchmarks(after: after, limit: limit, ascending: ascending)
        let builtIn = after == nil ? try CordBench.allCases.map(known) : []
        return (builtIn + (try page.elements.map(known)), page.hasMore)
    }

    /// Reads an upload as a question set and stores it. Blocks.
    ///
    /// - Parameters:
    ///   - admit: Throws if the client may not read an upload that a row names.
    ///   - check: Called repeatedly; an error that it throws ends the reading.
    /// - Throws: ``WorkshopError`` that names the file and line, or the built-in set of the same name; `StoreError`.
    package func register(
        _ name: String, file id: String, format: ManifestFormat?, admit: @escaping (FileRecord) throws -> Void = { _ in },
        check: @escaping @Sendable () throws -> Void = {}
    ) throws -> KnownBenchmark {
        guard CordBench(rawValue: name) == nil else {
            throw WorkshopError(.conflict, "\"\(name)\" is a built-in benchmark; choose another name.", at: "name")
        }
        let file = try store.file(id: id)
        let set: QuestionSet
        do { set = try read(file.sha256, name: name, called: file.filename, format: format, hash: nil, admit: admit, check) } catch let error
            as QuestionSetError
        {
            if try !store.hasBenchmark(of: file.sha256) { try? FileManager.default.removeItem(at: folder(file.sha256)) }
            throw WorkshopError(.invalidBenchmark, "The file \(file.filename) is no question set: \(error).", at: "file_id")
        }
        let details = try JSONEncoder().encode(Details(set, format: format))
        return try known(try store.addBenchmark(name: name, hash: try set.hash(check: check), content: file.sha256, description: details))
    }

    /// - Parameters:
    ///   - file: The upload's name, for errors.
    ///   - hash: The hash of the set when it was registered; nil for a new one.
    ///   - admit: As in ``register(_:file:format:admit:check:)``.
    private func read(
        _ content: String, name: String, called file: String? = nil, format: ManifestFormat?, hash: String?,
        admit: @escaping (FileRecord) throws -> Void = { _ in }, _ check: @escaping @Sendable () throws -> Void
    ) throws -> QuestionSet {
        let stored = try store.contents.verified(content, as: "the benchmark \(name)")
        let isArchive = ArchiveReader.isArchive(try Data(head: 512, of: stored))
        let folder = folder(content)
        func set(before: URL? = nil) throws -> QuestionSet {
            let found = SetClips(clips: clips, beside: folder, before: before, hasMembers: isArchive, admit: admit, check: check)
            return try BenchmarkCatalog.questionSet(
                at: isArchive ? try Self.root(of: folder) : stored, name: name, called: isArchive ? nil : file, format: format, find: found.find)
        }
        // The stored upload is intact; what lies unpacked may have been modified.
        if let hash, let set = try? set(), try set.hash(check: check) == hash { return set }
        // A manifest alone that is registered once more finds what is kept of it already.
        guard hash != nil || isArchive else { return try set() }
        let files = FileManager.default
        // The next start removes what a crash leaves here.
        let temporary = store.folder.appending(path: "temporary", directoryHint: .isDirectory)
        let old = temporary.appending(path: UUID().uuidString, directoryHint: .isDirectory)
        try files.createDirectory(at: temporary, withIntermediateDirectories: true)
        defer { try? files.removeItem(at: old) }
        do {
            if isArchive { try unpack(stored, to: folder, aside: old, check) } else { try? files.moveItem(at: folder, to: old) }
            let set = try set(before: old)
            guard try hash == nil || set.hash(check: check) == hash else {
                throw WorkshopError(.conflict, "The clips of the benchmark \(name) are no longer those that were registered; register it again.")
            }
            return set
        } catch {
            // Some of what was kept before may be had nowhere else.
            if files.fileExists(atPath: old.path) {
                try? files.removeItem(at: folder)
                try? files.moveItem(at: old, to: folder)
            }
            guard hash != nil, let error = error as? QuestionSetError else { throw error }
            throw WorkshopError(.conflict, "The clips of the benchmark \(name) are no longer there: \(error). Register it again.")
        }
    }

    private func folder(_ content: String) -> URL {
        store.folder.appending(path: "benchmarks/\(content)", directoryHint: .isDirectory)
    }

    /// Unpacks the archive to its folder, which is replaced as a whole or not at all; what was there before goes to `old`.
    private func unpack(_ archive: URL, to folder: URL, aside old: URL, _ check: @escaping @Sendable () throws -> Void) throws {
        let files = FileManager.default
        let temporary = old.deletingLastPathComponent().appending(path: UUID().uuidString, directoryHint: .isDirectory)
        defer { try? files.removeItem(at: temporary) }
        try files.createDirectory(at: folder.deletingLastPathComponent(), withIntermediateDirectories: true)
        try files.createDirectory(at: temporary, withIntermediateDirectories: true)
        var reader = ArchiveReader()
        reader.check = check
        _ = try reader.unpack(archive, into: temporary)
        if files.fileExists(atPath: folder.path) { try? files.moveItem(at: folder, to: old) }
        do { try files.moveItem(at: temporary, to: folder) } catch  where files.fileExists(atPath: folder.path) {}
    }

    /// Archives often have a single top-level folder.
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

    private func known(_ record: BenchmarkRecord) throws -> KnownBenchmark {
        let details = try JSONDecoder().decode(Details.self, from: record.description)
        return KnownBenchmark(
            id: record.id, name: record.name, createdAt: record.createdAt, items: details.items, categories: details.categories,
            voices: details.voices, hash: record.hash, isBuiltIn: false)
    }

    private func known(_ benchmark: CordBench) throws -> KnownBenchmark {
        let details = Details(try benchmark.questionSet())
        return KnownBenchmark(
            id: benchmark.rawValue, name: benchmark.rawValue, createdAt: Date(timeIntervalSince1970: 0), items: details.items,
            categories: details.categories, voices: details.voices, hash: benchmark.hash, isBuiltIn: true)
    }
}
