import Foundation
import Jobs
import Synchronization
import TestSupport
import Testing

/// A folder that goes with the test.
final class Folder: Sendable {
    let url = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID().uuidString)")
    deinit { try? FileManager.default.removeItem(at: url) }
}

extension Store {
    /// A version with content of its own.
    func newVersion(_ name: String, base: String = "m", parent: String? = nil) throws -> NewVersion {
        let content = try contents.storeFolder { place in
            try Data(name.utf8).write(to: place.appending(path: "adapter_model.safetensors"))
        }
        return NewVersion(name: name, base: base, parentID: parent, content: content)
    }

    @discardableResult
    func addJob(_ id: String, lane: String = "l", request: String = "{}", key: String? = nil, limit: Int = .max) throws
        -> Job
    {
        try addJob(id: id, kind: "k", lane: lane, request: Data(request.utf8), idempotencyKey: key, limit: limit)
    }
}

@Suite(.ownThread) struct StoreTests {
    let folder = Folder()

    @Test func aFileIsGoneWhenItsTimeHasPassedButForWhoHoldsIt() throws {
        let clock = Mutex(Date(timeIntervalSince1970: 1000))
        let store = try Store(folder: folder.url) { clock.withLock { $0 } }
        func add(_ name: String, lifetime: Int?) throws -> String {
            try store.addFile(
                purpose: "fine-tune", filename: name, content: store.contents.store(Data(name.utf8)), lifetime: lifetime
            ).id
        }
        let (kept, passing) = (try add("kept", lifetime: nil), try add("passing", lifetime: 60))
        clock.withLock { $0 += 59 }
        #expect(try store.file(id: passing).expiresAt == Date(timeIntervalSince1970: 1060))
        #expect(try store.files().elements.map(\.id) == [passing, kept] && store.expiredFiles().isEmpty)
        clock.withLock { $0 += 1 }
        #expect(throws: StoreError.notFound(kind: "file", id: passing)) { try store.file(id: passing) }
        #expect(try store.files().elements.map(\.id) == [kept] && store.files(purpose: "fine-tune").elements.map(\.id) == [kept])
        #expect(try store.file(id: passing, evenExpired: true).filename == "passing" && store.expiredFiles() == [passing])
        try store.deleteFile(id: passing)
        #expect(try store.expiredFiles().isEmpty && store.file(id: kept).filename == "kept")
    }

    @Test func everythingIsThereAfterReopening() throws {
        var store = try Store(folder: folder.url)
        let empty = try store.counts()
        #expect(empty.count == 11 && empty.values.allSatisfy { $0 == 0 })
        try store.addJob("a")
        let file = try store.addFile(
            purpose: "fine-tune", filename: "f.jsonl", content: store.contents.store(Data("x".utf8)))
        let step = try store.addStep(
            ordinal: 1, version: store.newVersion("v1"), metrics: Data(#"{"loss":1}"#.utf8), response: Data("r".utf8),
            request: Data("q".utf8), idempotencyKey: "key", promotedOver: InForce(versionID: nil))
        let report = try store.addReport(
            runID: "a", model: "m", versionID: step.versionID, benchmark: "b", n: 3, summary: Data("s".utf8),
            body: Data("body".utf8))
        let benchmark = try store.addBenchmark(name: "b", hash: "h", content: nil, description: Data("{}".utf8))
        store = try Store(folder: folder.url)
        #expect(try store.job(id: "a").state == .queued)
        #expect(try store.file(id: file.id).sha256 == file.sha256)
        #expect(try store.contents.data(file.sha256) == Data("x".utf8))
        #expect(try store.step(idempotencyKey: "key", request: Data("q".utf8))?.response == Data("r".utf8))
        #expect(try store.version("v1").id == step.versionID)
        #expect(try store.promotion(base: "m")?.versionID == step.versionID)
        #expect(try store.reportIDs(version: step.versionID) == [report.id])
        #expect(try store.reportBody(id: report.id) == Data("body".utf8))
        #expect(try store.benchmark("b").id == benchmark.id)
    }

    @Test func aJobMovesOnlyAlongItsArrows() throws {
        let store = try Store(folder: folder.url)
        for from in JobState.allCases {
            for to in JobState.allCases {
                let id = "\(from)-\(to)"
                try store.addJob(id)
                let way: [JobState] =
                    switch from {
                    case .queued: []
                    case .running: [.running]
                    case .paused: [.paused]
                    case .succeeded, .failed: [.running, from]
                    case .cancelled: [.cancelled]
                    }
                for state in way { _ = try store.move(job: id, to: state) }
                if from.successors.contains(to) {
                    #expect(try store.move(job: id, to: to).state == to)
                } else {
                    #expect(throws: StoreError.self, "\(id)") { try store.move(job: id, to: to) }
                    #expect(try store.job(id: id).state == from)
                }
            }
        }
    }

    @Test func anEarlierAttemptCanChangeNothing() throws {
        let store = try Store(folder: folder.url)
        try store.addJob("a")
        let first = try store.move(job: "a", to: .running)
        _ = try store.save(checkpoint: Data("1".utf8), job: "a", attempt: first.attempt)
        #expect(try store.requeueInterrupted() == ["a"])
        let second = try store.move(job: "a", to: .running)
        #expect(second.checkpoint == Data("1".utf8))
        #expect(second.attempt == first.attempt + 1)
        #expect(throws: StoreError.self) {
            try store.save(checkpoint: Data("old".utf8), job: "a", attempt: first.attempt)
        }
        #expect(throws: StoreError.self) { try store.move(job: "a", to: .succeeded, attempt: first.attempt) }
        try store.progress(job: "a", attempt: first.attempt, done: 9, total: 9)
        #expect(try store.job(id: "a").done == 0)
        #expect(try store.job(id: "a").checkpoint == Data("1".utf8))
    }

    @Test func aKeyBelongsToOneRequest() throws {
        let store = try Store(folder: folder.url)
        try store.addJob("a", request: "1", key: "k")
        #expect(try store.addJob("b", request: "1", key: "k").id == "a")
        #expect(throws: StoreError.keyReused("k")) { try store.addJob("c", request: "2", key: "k") }
        let step = try store.addStep(
            ordinal: 1, version: store.newVersion("v1"), metrics: Data(), response: Data("r".utf8),
            request: Data("q".utf8), idempotencyKey: "k", promotedOver: InForce(versionID: nil))
        #expect(
            try store.addStep(
                ordinal: 2, version: store.newVersion("v2"), metrics: Data(), response: Data(), request: Data("q".utf8),
                idempotencyKey: "k", promotedOver: InForce(versionID: nil)
            ).id == step.id)
        #expect(throws: StoreError.keyReused("k")) {
            try store.step(idempotencyKey: "k", request: Data("other".utf8))
        }
        #expect(try store.counts()["versions"] == 1)
    }

    /// Its bytes, the folder of its group and its name there: where one of them does not reach the disk, nobody is told a hash.
    @Test(arguments: [false, true]) func aContentThatTheDiskDoesNotTakeIsAnError(isFolder: Bool) throws {
        let contents = try Store(folder: folder.url).contents
        let source = folder.url.appending(path: "source")
        func store(_ text: String, synchronising count: Int = .max) throws -> ContentStore.Stored {
            try Data(text.utf8).write(to: source)
            return try withFailingDisk(after: count) {
                isFolder
                    ? try contents.storeFolder { try FileManager.default.copyItem(at: source, to: $0.appending(path: "a")) }
                    : try contents.store(Data(text.utf8))
            }
        }
        let needed = isFolder ? 4 : 3
        for count in 0..<needed {
            #expect(throws: StoreError.self) { try store("text \(count)", synchronising: count) }
            #expect(contents.contains(try store("text \(count)").hash))
        }
        #expect(contents.contains(try store("the last", synchronising: needed).hash))
    }

    @Test func aHundredRetriesTakeOneStep() async throws {
        let store = try Store(folder: folder.url)
        let versions = try (0..<100).map { try store.newVersion("v\($0)") }
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for version in versions {
                group.addTask {
                    try store.addStep(
                        ordinal: 1, version: version, metrics: Data(), response: Data(version.name.utf8),
                        request: Data("q".utf8), idempotencyKey: "key", promotedOver: InForce(versionID: nil)
                    ).id
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(try store.counts()["steps"] == 1)
        #expect(try store.counts()["versions"] == 1)
        #expect(try store.counts()["promotions"] == 1)
    }

    @Test func whatWasPutInForceMeanwhileStands() throws {
        let store = try Store(folder: folder.url)
        for name in ["a", "b"] { _ = try store.addVersion(store.newVersion(name)) }
        let base = InForce(versionID: nil)
        _ = try store.promote("a", reason: "test", over: base)
        let seen = InForce(versionID: try store.version("a").id)
        // Rolled back while a step goes on from a, and while a job measures beside it.
        _ = try store.rollBack(base: "m")
        #expect(throws: StoreError.self) {
            try store.addStep(
                ordinal: 2, version: store.newVersion("c"), metrics: Data(), response: Data(), request: Data("q".utf8), promotedOver: seen)
        }
        #expect(throws: StoreError.self) { try store.promote("b", reason: "test", over: seen) }
        #expect(try store.counts()["steps"] == 0)
        #expect(try store.counts()["versions"] == 2)
        #expect(try store.promotion(base: "m")?.versionID == nil)
        // A step on a version that is not in force moves nothing, whatever is.
        _ = try store.addStep(
            ordinal: 2, version: store.newVersion("c"), metrics: Data(), response: Data(), request: Data("q".utf8), promotedOver: nil)
        #expect(try store.promotion(base: "m")?.versionID == nil)
        _ = try store.promote("b", reason: "test", over: base)
        #expect(try store.promotion(base: "m")?.versionID == store.version("b").id)
    }

    @Test func rollingBackWalksDownToTheBase() throws {
        let store = try Store(folder: folder.url)
        for name in ["a", "b", "c", "d"] { _ = try store.addVersion(store.newVersion(name)) }
        for name in ["a", "b", "c"] { _ = try store.promote(name, reason: "test") }
        func inForce() throws -> String? {
            try store.promotion(base: "m")?.versionID.map { try store.version($0).name }
        }
        #expect(try inForce() == "c")
        #expect(throws: StoreError.self) { try store.deleteVersion("c") }
        try store.deleteVersion("b")
        _ = try store.rollBack(base: "m")
        #expect(try inForce() == "a")
        _ = try store.promote("d", reason: "test")
        _ = try store.rollBack(base: "m")
        #expect(try inForce() == "a")
        _ = try store.rollBack(base: "m")
        #expect(try inForce() == nil)
        #expect(throws: StoreError.self) { try store.rollBack(base: "m") }
        try store.deleteVersion("a")
        #expect(throws: StoreError.self) { try store.version("a") }
    }

    @Test func aVersionNeedsItsContentAndItsOwnName() throws {
        let store = try Store(folder: folder.url)
        var version = try store.newVersion("v")
        _ = try store.addVersion(version)
        version.id = "other"
        #expect(throws: StoreError.self) { try store.addVersion(version) }
        version.name = "w"
        version.hash = String(repeating: "0", count: 64)
        #expect(throws: StoreError.self) { try store.addVersion(version) }
    }

    @Test func commitsWaitForTheDisk() throws {
        #expect(try Store(folder: folder.url).synchronousMode() == 2)
    }

    @Test func aRunHasOneReport() throws {
        let store = try Store(folder: folder.url)
        let reports = try (0..<2).map { _ in
            try store.addReport(
                runID: "run", model: "m", versionID: "v", benchmark: "b", n: 1, summary: Data(), body: Data()
            ).id
        }
        #expect(Set(reports).count == 1)
    }

    @Test func contentLivesAsLongAsSomethingRefersToIt() throws {
        let store = try Store(folder: folder.url)
        let content = try store.contents.store(Data("same".utf8))
        #expect(try store.contents.store(Data("same".utf8)) == content)
        let files = try (0..<2).map { try store.addFile(purpose: "p", filename: "\($0)", content: content) }
        try store.deleteFile(id: files[0].id)
        #expect(store.contents.contains(content.hash))
        try store.deleteFile(id: files[1].id)
        #expect(!store.contents.contains(content.hash))
        #expect(throws: StoreError.self) { try store.addFile(purpose: "p", filename: "x", content: content) }

        let orphan = try store.contents.store(Data("orphan".utf8))
        let version = try store.addVersion(store.newVersion("kept"))
        #expect(try store.settle().removed == [orphan.hash])
        #expect(!store.contents.contains(orphan.hash))
        #expect(store.contents.contains(version.hash))
    }

    @Test func anInterruptedUploadLeavesNothing() throws {
        let store = try Store(folder: folder.url)
        struct Gone: Error {}
        #expect(throws: Gone.self) {
            try store.contents.storeFile { write in
                try write(Data("half".utf8))
                throw Gone()
            }
        }
        let left = folder.url.appending(path: "temporary/left")
        try Data("half".utf8).write(to: left)
        _ = try Store(folder: folder.url)
        #expect(try FileManager.default.contentsOfDirectory(atPath: left.deletingLastPathComponent().path).isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.appending(path: "objects").path).isEmpty)
    }

    @Test func pagesFollowEachOther() throws {
        let store = try Store(folder: folder.url)
        for index in 0..<5 { try store.addJob("j\(index)") }
        let first = try store.jobs(kind: "k", limit: 2)
        #expect(first.elements.map(\.id) == ["j4", "j3"] && first.hasMore)
        let second = try store.jobs(kind: "k", after: "j3", limit: 3)
        #expect(second.elements.map(\.id) == ["j2", "j1", "j0"] && !second.hasMore)
        #expect(try store.jobs(kind: "k", limit: 1, ascending: true).elements.map(\.id) == ["j0"])
        #expect(try store.jobs(kind: "other").elements.isEmpty)
        #expect(throws: StoreError.self) { try store.jobs(kind: "k", after: "nothing") }
    }

    @Test func aForeignOrDamagedFileIsNamed() throws {
        try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
        let path = folder.url.appending(path: "store.sqlite")
        try Data(repeating: 0x5A, count: 8192).write(to: path)
        do {
            _ = try Store(folder: folder.url)
            Issue.record("opened a foreign file")
        } catch let error as StoreError {
            guard case .corrupt(let named, _) = error else { throw error }
            #expect(named == path.path)
        }
    }

    @Test func aFullDatabaseRefusesAndKeepsWhatItHas() throws {
        let store = try Store(folder: folder.url, maxBytes: 400_000)
        try store.addJob("kept")
        let big = String(repeating: "x", count: 1_000_000)
        do {
            try store.addJob("big", request: big)
            Issue.record("stored past the limit")
        } catch let error as StoreError {
            guard case .diskFull = error else { throw error }
        }
        #expect(try store.jobs(kind: "k").elements.map(\.id) == ["kept"])
        try store.addJob("small")
    }

    @Test func identifiersDifferAndCarryTheirPrefix() {
        let ids = Set((0..<10_000).map { _ in Identifier.version.random() })
        #expect(ids.count == 10_000)
        #expect(ids.allSatisfy { $0.hasPrefix("ver_") && $0.count == 24 })
    }
}
