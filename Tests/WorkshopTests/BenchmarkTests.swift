import Archives
import Evaluation
import Files
import Foundation
import Jobs
import Testing
import Workshop

extension QuestionSet.Clip {
    fileprivate var place: URL { if case .file(let place) = self { place } else { preconditionFailure("the clip lies in its row") } }
}

@Suite struct BenchmarkTests {
    private static func temporaryFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// An archive with two questions and their clips, as a client uploads it.
    private static func upload(_ store: Store, in scratch: URL) throws -> FileRecord {
        let set = scratch.appending(path: "set", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: set, withIntermediateDirectories: true)
        let rows = ["a", "b"].map { #"{"id": "\#($0)", "text": "What is 8 plus 5?", "answer": "13", "audio": "\#($0).wav"}"# }
        try Data(rows.joined(separator: "\n").utf8).write(to: set.appending(path: "manifest.jsonl"))
        for name in ["a", "b"] { try Data(name.utf8).write(to: set.appending(path: "\(name).wav")) }
        let archive = scratch.appending(path: "set.tar")
        try ArchiveWriter.tar(set, under: "set", to: archive)
        return try store.addFile(purpose: "evals", filename: "set.tar", content: try store.contents.store(Data(contentsOf: archive)))
    }

    enum Damage: CaseIterable { case changed, missing, more, none }

    @Test(arguments: Damage.allCases) func whatWasUnpackedIsMadeAgainWhereItIsNotWhatWasRegistered(damage: Damage) throws {
        let scratch = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: scratch) }
        let store = try Store(folder: scratch.appending(path: "data"))
        let benchmarks = Benchmarks(clips: Clips(store: store, folder: nil))
        let file = try Self.upload(store, in: scratch)
        let known = try benchmarks.register("mine", file: file.id, format: nil)
        #expect(known.items == 2 && !known.isBuiltIn)
        let clip = try #require(try benchmarks.set("mine").items.first.flatMap { try benchmarks.set("mine").clip($0) }).place
        let manifest = clip.deletingLastPathComponent().appending(path: "manifest.jsonl")
        switch damage {
        case .changed: try Data("x".utf8).write(to: clip)
        case .missing: try FileManager.default.removeItem(at: clip)
        case .more: try Data(#"{"id": "c", "text": "d", "answer": "e"}"#.utf8).write(to: manifest)
        case .none: break
        }
        let set = try benchmarks.set(known.id)
        #expect(try set.hash() == known.hash && set.items.map(\.id) == ["a", "b"])
        #expect(try Data(contentsOf: clip) == Data("a".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.appending(path: "temporary").path).isEmpty)
        try store.close()
    }

    /// Clips inside rows, of uploads and below the operator's folder; what is kept of them outlives the upload and is made again.
    @Test func clipsThatNoArchiveHasAreKeptWithTheSet() throws {
        let scratch = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: scratch) }
        let store = try Store(folder: scratch.appending(path: "data"))
        let allowed = scratch.appending(path: "allowed", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: allowed, withIntermediateDirectories: true)
        try Data("path".utf8).write(to: allowed.appending(path: "c.wav"))
        let benchmarks = Benchmarks(clips: Clips(store: store, folder: AllowedFolder(allowed)))
        func upload(_ bytes: Data, _ name: String) throws -> FileRecord {
            try store.addFile(purpose: "evals", filename: name, content: try store.contents.store(bytes))
        }
        let clip = try upload(Data("file_id".utf8), "b.wav")
        let references = [#"{"data": "ZGF0YQ=="}"#, #"{"file_id": "\#(clip.id)"}"#, #""c.wav""#]
        let rows = references.map { #"{"text": "What?", "answer": "13", "audio": \#($0)}"# }.joined(separator: "\n")
        let file = try upload(Data(rows.utf8), "set.jsonl")
        #expect(throws: CancellationError.self) {
            try benchmarks.register("mine", file: file.id, format: nil, admit: { _ in throw CancellationError() })
        }
        #expect(throws: WorkshopError.self) { try Benchmarks(clips: Clips(store: store, folder: nil)).register("mine", file: file.id, format: nil) }
        let known = try benchmarks.register("mine", file: file.id, format: nil)
        func contents() throws -> [String] {
            let set = try benchmarks.set("mine")
            #expect(try set.hash() == known.hash)
            return try set.items.map { String(decoding: try #require(try set.clip($0)?.read()), as: UTF8.self) }
        }
        #expect(try contents() == ["data", "file_id", "path"])
        try store.deleteFile(id: clip.id)
        #expect(try contents() == ["data", "file_id", "path"])
        let set = try benchmarks.set("mine")
        let kept = try #require(set.clip(set.items[0])).place
        try FileManager.default.removeItem(at: kept)
        #expect(try contents() == ["data", "file_id", "path"])
        try Data("other".utf8).write(to: allowed.appending(path: "c.wav"))
        for _ in 0..<2 { #expect(throws: WorkshopError.self) { try benchmarks.set("mine") } }
        // Nothing of it was lost meanwhile.
        try Data("path".utf8).write(to: allowed.appending(path: "c.wav"))
        #expect(try contents() == ["data", "file_id", "path"])
        try store.close()
    }

    /// An archive is unpacked again where a clip in it was changed, and what it has of an upload that is gone stays.
    @Test func anArchiveThatIsUnpackedAgainKeepsTheClipsOfUploads() throws {
        let scratch = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: scratch) }
        let store = try Store(folder: scratch.appending(path: "data"))
        let benchmarks = Benchmarks(clips: Clips(store: store, folder: nil))
        let clip = try store.addFile(purpose: "evals", filename: "b.wav", content: try store.contents.store(Data("file_id".utf8)))
        let folder = scratch.appending(path: "set", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let rows = [#""a.wav""#, #"{"file_id": "\#(clip.id)"}"#, #"{"data": "ZGF0YQ=="}"#].map {
            #"{"text": "What?", "answer": "13", "audio": \#($0)}"#
        }
        try Data(rows.joined(separator: "\n").utf8).write(to: folder.appending(path: "manifest.jsonl"))
        try Data("path".utf8).write(to: folder.appending(path: "a.wav"))
        let archive = scratch.appending(path: "set.tar")
        try ArchiveWriter.tar(folder, under: "set", to: archive)
        let file = try store.addFile(purpose: "evals", filename: "set.tar", content: try store.contents.store(Data(contentsOf: archive)))
        let known = try benchmarks.register("mine", file: file.id, format: nil)
        try store.deleteFile(id: clip.id)
        let member = try #require(try benchmarks.set("mine").clip(try benchmarks.set("mine").items[0])).place
        for _ in 0..<2 {
            try Data("other".utf8).write(to: member)
            let set = try benchmarks.set("mine")
            #expect(try set.hash() == known.hash)
            #expect(try set.items.map { String(decoding: try #require(try set.clip($0)?.read()), as: UTF8.self) } == ["path", "file_id", "data"])
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.appending(path: "temporary").path).isEmpty)
        try store.close()
    }

    @Test func readingEndsWhenNobodyWaitsForIt() throws {
        let scratch = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: scratch) }
        let store = try Store(folder: scratch.appending(path: "data"))
        let benchmarks = Benchmarks(clips: Clips(store: store, folder: nil))
        let file = try Self.upload(store, in: scratch)
        #expect(throws: CancellationError.self) { try benchmarks.register("mine", file: file.id, format: nil, check: { throw CancellationError() }) }
        let error = #expect(throws: WorkshopError.self) { try benchmarks.set("mine") }
        #expect(error?.kind == .unknownBenchmark && error?.place == "benchmark")
        try store.close()
    }
}
