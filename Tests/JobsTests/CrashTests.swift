import Foundation
import Jobs
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// This test program run again as a child, in which only one test does something: what must be killed or starved.
private struct Child {
    static let variable = "CORD_STORE_CHILD"
    static var folder: URL? { ProcessInfo.processInfo.environment[variable].map { URL(filePath: $0) } }

    let process = Process()

    init(_ test: String, folder: URL) throws {
        process.executableURL = URL(filePath: CommandLine.arguments[0])
        process.arguments = ["--testing-library", "swift-testing", "--filter", test]
        process.environment = ProcessInfo.processInfo.environment.merging([Self.variable: folder.path]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    /// Waits for the child's end, on a thread that no other test needs.
    func end() async { await onThread { process.waitUntilExit() } }
}

@Suite struct CrashTests {
    /// The child acknowledges each step in a file of its own after the store has returned, until it is killed.
    @Test(.enabled(if: Child.folder != nil)) func childWritesUntilItIsKilled() throws {
        let folder = Child.folder!
        let store = try Store(folder: folder)
        _ = FileManager.default.createFile(atPath: folder.appending(path: "acknowledged").path, contents: nil)
        let acknowledged = try FileHandle(forWritingTo: folder.appending(path: "acknowledged"))
        for index in 0..<100_000 {
            try store.addJob("j\(index)")
            let job = try store.move(job: "j\(index)", to: .running)
            _ = try store.save(
                checkpoint: Data("\(index)".utf8), job: job.id, attempt: job.attempt,
                version: store.newVersion("v\(index)"))
            _ = try store.promote("v\(index)", reason: "test")
            try acknowledged.write(contentsOf: Data("\(index)\n".utf8))
        }
    }

    @Test(.enabled(if: Child.folder == nil), arguments: [60, 130, 200, 310, 450])
    func whatWasAcknowledgedSurvivesAKill(milliseconds: Int) async throws {
        let folder = Folder()
        try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
        let child = try Child("childWritesUntilItIsKilled", folder: folder.url)
        let acknowledged = folder.url.appending(path: "acknowledged")
        for _ in 0..<2000 where (try? Data(contentsOf: acknowledged))?.isEmpty != false {
            try await Task.sleep(for: .milliseconds(10))
        }
        try await Task.sleep(for: .milliseconds(milliseconds))
        kill(child.process.processIdentifier, SIGKILL)
        await child.end()

        let lines = String(decoding: try Data(contentsOf: acknowledged), as: UTF8.self).split(separator: "\n")
        let last = try #require(lines.last.flatMap { Int($0) })
        let store = try Store(folder: folder.url)
        #expect(store.finding == .current)
        let settlement = try store.settle()
        #expect(settlement.setAside.isEmpty && settlement.missing.isEmpty && settlement.problem == nil)
        for index in 0...last {
            #expect(try store.job(id: "j\(index)").checkpoint == Data("\(index)".utf8))
            let version = try store.version("v\(index)")
            let content = store.contents.url(version.hash).appending(path: "adapter_model.safetensors")
            #expect(try Data(contentsOf: content) == Data("v\(index)".utf8))
        }
        let versions = try store.versions(limit: 1_000_000).elements
        #expect((last + 1...last + 2).contains(versions.count))
        #expect(versions.allSatisfy { store.contents.contains($0.hash) })
        let promoted = try #require(try store.promotion(base: "m")?.versionID)
        #expect(["v\(last)", "v\(last + 1)"].contains(try store.version(promoted).name))
        #expect(try store.requeueInterrupted().count >= last + 1)
    }

    /// Under a limit on the size of files, which looks like a full disk.
    @Test(.enabled(if: Child.folder != nil)) func childRunsOutOfDisk() throws {
        let folder = Child.folder!
        let store = try Store(folder: folder)
        try store.addJob("kept")
        let kept = try store.contents.store(Data("kept".utf8))
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: 200_000, rlim_max: 200_000)
        try #require(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
        do {
            _ = try store.contents.store(Data(repeating: 1, count: 300_000))
            Issue.record("stored past the limit")
        } catch let error as StoreError {
            guard case .diskFull = error else { throw error }
        }
        #expect(throws: StoreError.self) { try store.addJob("big", request: String(repeating: "x", count: 500_000)) }
        #expect(try store.jobs(kind: "k").elements.map(\.id) == ["kept"])
        #expect(try store.contents.data(kept.hash) == Data("kept".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "temporary").path).isEmpty)
        try Data().write(to: folder.appending(path: "done"))
    }

    @Test(.enabled(if: Child.folder == nil)) func aFullDiskAcknowledgesNothing() async throws {
        let folder = Folder()
        try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
        let child = try Child("childRunsOutOfDisk", folder: folder.url)
        await child.end()
        #expect(child.process.terminationStatus == 0)
        #expect(FileManager.default.fileExists(atPath: folder.url.appending(path: "done").path))
        let store = try Store(folder: folder.url)
        #expect(try store.jobs(kind: "k").elements.map(\.id) == ["kept"])
        try store.addJob("room again")
    }
}
