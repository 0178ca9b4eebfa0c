import Foundation
import Jobs
import Synchronization
import Testing

/// Lets handlers through one by one.
private actor Gate {
    private var open = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func pass() async {
        if open > 0 {
            open -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func allow() { if waiting.isEmpty { open += 1 } else { waiting.removeFirst().resume() } }
}

/// Waits until the task is cancelled.
private func untilCancelled() async throws -> Data {
    while true { try await Task.sleep(for: .seconds(60)) }
}

@Suite(.timeLimit(.minutes(1))) struct JobRunnerTests {
    let folder = Folder()

    private func runner(_ store: Store, limit: Int = 10) -> JobRunner {
        JobRunner(store: store, lanes: ["training": limit, "measuring": limit], progressInterval: .zero)
    }

    @Test func jobsOfALaneRunInOrderAndLanesBesideEachOther() async throws {
        let store = try Store(folder: folder.url)
        let runner = runner(store)
        let order = Mutex<[String]>([])
        let gate = Gate()
        await runner.register(kind: "train", lane: "training") { context in
            await gate.pass()
            order.withLock { $0.append(context.job.id) }
            return context.job.request
        }
        await runner.register(kind: "measure", lane: "measuring") { _ in Data("measured".utf8) }
        try await runner.start()
        for id in ["a", "b", "c"] { _ = try await runner.submit(id: id, kind: "train", request: Data(id.utf8)) }
        _ = try await runner.submit(id: "m", kind: "measure", request: Data())
        #expect(try await runner.finished("m").result == Data("measured".utf8))
        #expect(try store.job(id: "a").state == .running)
        #expect(try store.job(id: "b").state == .queued)
        for _ in 0..<3 { await gate.allow() }
        #expect(try await runner.finished("c").result == Data("c".utf8))
        #expect(order.withLock { $0 } == ["a", "b", "c"])
    }

    @Test func whatAJobTellsIsKeptInPublicWords() async throws {
        let store = try Store(folder: folder.url)
        let runner = JobRunner(
            store: store, lanes: ["training": 10], progressInterval: .zero, publicWords: { $0.replacing("/srv/cord/", with: "") })
        await runner.register(kind: "train", lane: "training") { context in
            try context.event("/srv/cord/a.wav was heard")
            throw JobFailure(code: "lost", message: "/srv/cord/b.wav is missing")
        }
        try await runner.start()
        _ = try await runner.submit(id: "a", kind: "train", request: Data())
        #expect(try await runner.finished("a").error == "b.wav is missing")
        let events = try store.events(job: "a", limit: 100).elements
        #expect(events.contains { $0.message == "a.wav was heard" })
        #expect(events.allSatisfy { !"\($0.message) \(String(decoding: $0.data ?? Data(), as: UTF8.self))".contains("/srv") })
    }

    @Test func aJobThatTheDiskFailedIsTriedAgain() async throws {
        let store = try Store(folder: folder.url)
        let runner = JobRunner(store: store, lanes: ["training": 10], progressInterval: .zero, retryDelay: .milliseconds(20))
        await runner.register(kind: "train", lane: "training") { context in
            if context.job.checkpoint == nil { try context.save(checkpoint: Data("half".utf8)) }
            if context.job.id == "full", context.job.attempt < 3 { throw StoreError.diskFull(attempted: "Saving") }
            return context.job.checkpoint ?? Data("at once".utf8)
        }
        try await runner.start()
        _ = try await runner.submit(id: "full", kind: "train", request: Data())
        _ = try await runner.submit(id: "next", kind: "train", request: Data())
        let ended = try await runner.finished("full")
        #expect(ended.state == .succeeded)
        #expect(ended.attempt == 3)
        #expect(ended.result == Data("half".utf8))
        let warnings = try store.events(job: "full", limit: 100).elements.filter { $0.level == .warn }
        #expect(warnings.count == 2)
        #expect(
            warnings.allSatisfy { $0.message == "queued" && $0.data.map { String(decoding: $0, as: UTF8.self).contains("disk is full") } == true })
        #expect(try await runner.finished("next").result == Data("at once".utf8))
    }

    @Test func aFullLaneRefuses() async throws {
        let store = try Store(folder: folder.url)
        let runner = runner(store, limit: 2)
        await runner.register(kind: "k", lane: "training") { _ in try await untilCancelled() }
        try await runner.start()
        for id in ["running", "1", "2"] { _ = try await runner.submit(id: id, kind: "k", request: Data()) }
        await #expect(throws: QueueFull(lane: "training", waiting: 2)) {
            try await runner.submit(id: "3", kind: "k", request: Data())
        }
        #expect(throws: StoreError.self) { try store.job(id: "3") }
        _ = try await runner.cancel("1")
        _ = try await runner.submit(id: "3", kind: "k", request: Data())
        await runner.drain()
    }

    @Test func cancellingEndsTheJobAndFreesTheLane() async throws {
        let store = try Store(folder: folder.url)
        let runner = runner(store)
        await runner.register(kind: "k", lane: "training") { context in
            context.job.request == Data("stays".utf8) ? try await untilCancelled() : Data()
        }
        try await runner.start()
        _ = try await runner.submit(id: "a", kind: "k", request: Data("stays".utf8))
        _ = try await runner.submit(id: "b", kind: "k", request: Data())
        #expect(try await runner.cancel("a").state == .cancelled)
        #expect(try await runner.finished("b").state == .succeeded)
        await #expect(throws: StoreError.self) { try await runner.cancel("a") }
        await #expect(throws: StoreError.self) { try await runner.cancel("b") }
        #expect(try store.job(id: "a").state == .cancelled)
    }

    @Test func aPausedJobContinuesFromItsCheckpoint() async throws {
        let store = try Store(folder: folder.url)
        let runner = runner(store)
        await runner.register(kind: "k", lane: "training") { context in
            if let checkpoint = context.job.checkpoint { return checkpoint + Data(" and on".utf8) }
            try context.event("begun")
            do { return try await untilCancelled() } catch {
                try context.save(checkpoint: Data("half".utf8))
                throw error
            }
        }
        try await runner.start()
        _ = try await runner.submit(id: "a", kind: "k", request: Data())
        for await event in try await runner.events("a") where event.message == "begun" { break }
        #expect(try await runner.pause("a").state == .paused)
        await #expect(throws: StoreError.self) { try await runner.pause("a") }
        while try store.job(id: "a").checkpoint == nil { try await Task.sleep(for: .milliseconds(5)) }
        _ = try await runner.resume("a")
        #expect(try await runner.finished("a").result == Data("half and on".utf8))
    }

    @Test func anInterruptedJobContinuesAtTheNextStart() async throws {
        var store = try Store(folder: folder.url)
        for id in ["a", "b"] {
            _ = try store.addJob(id: id, kind: "k", lane: "training", request: Data())
        }
        let running = try store.move(job: "a", to: .running)
        _ = try store.save(checkpoint: Data("saved".utf8), job: "a", attempt: running.attempt)
        store = try Store(folder: folder.url)
        let runner = runner(store)
        await runner.register(kind: "k", lane: "training") { $0.job.checkpoint ?? Data("fresh".utf8) }
        #expect(try await runner.start() == ["a"])
        #expect(try await runner.finished("a").result == Data("saved".utf8))
        #expect(try await runner.finished("b").result == Data("fresh".utf8))
    }

    @Test func drainingSavesAndTheNextStartContinues() async throws {
        let store = try Store(folder: folder.url)
        let handler: JobHandler = { context in
            if let checkpoint = context.job.checkpoint { return checkpoint }
            do { return try await untilCancelled() } catch {
                try context.save(checkpoint: Data("drained".utf8))
                throw error
            }
        }
        let first = runner(store)
        await first.register(kind: "k", lane: "training", handler: handler)
        try await first.start()
        _ = try await first.submit(id: "a", kind: "k", request: Data())
        await first.drain()
        #expect(try store.job(id: "a").state == .queued)
        await #expect(throws: StoreError.self) { try await first.submit(id: "b", kind: "k", request: Data()) }
        let second = runner(store)
        await second.register(kind: "k", lane: "training", handler: handler)
        try await second.start()
        #expect(try await second.finished("a").result == Data("drained".utf8))
    }

    /// Its handler may still be on its way out when the server stops, or the disk fails under its last checkpoint.
    @Test(arguments: [nil, StoreError.diskFull(attempted: "Saving")]) func aPausedJobStaysPausedWhateverItsHandlerEndsWith(_ failure: StoreError?)
        async throws
    {
        let store = try Store(folder: folder.url)
        let runner = runner(store)
        let gate = Gate()
        await runner.register(kind: "k", lane: "training") { context in
            do { return try await untilCancelled() } catch {
                await gate.pass()
                throw failure ?? error
            }
        }
        try await runner.start()
        _ = try await runner.submit(id: "a", kind: "k", request: Data())
        #expect(try await runner.pause("a").state == .paused)
        async let drained: Void = runner.drain()
        try await Task.sleep(for: .milliseconds(50))
        await gate.allow()
        await drained
        #expect(try store.job(id: "a").state == .paused)
    }

    @Test func aFailureIsRecordedWithItsCode() async throws {
        let store = try Store(folder: folder.url)
        let runner = runner(store)
        await runner.register(kind: "k", lane: "training") { _ in
            throw JobFailure(code: "invalid_training_file", message: "line 3 is not JSON")
        }
        try await runner.start()
        _ = try await runner.submit(id: "a", kind: "k", request: Data())
        let job = try await runner.finished("a")
        #expect(job.state == .failed && job.errorCode == "invalid_training_file" && job.error == "line 3 is not JSON")
        #expect(job.finishedAt != nil)
    }

    @Test func whoListensLateHearsEveryStoredEventOnce() async throws {
        let store = try Store(folder: folder.url)
        let runner = runner(store)
        let gate = Gate()
        await runner.register(kind: "k", lane: "training") { context in
            for index in 0..<20 {
                try context.event("event \(index)")
                if index == 9 { await gate.pass() }
            }
            try context.progress(done: 20, total: 20)
            return Data()
        }
        try await runner.start()
        _ = try await runner.submit(id: "a", kind: "k", request: Data(), total: 20)
        let early = try await runner.events("a")
        for await event in try await runner.events("a") where event.message == "event 9" { break }
        let late = try await runner.events("a")
        await gate.allow()
        var heard: [[String]] = []
        for stream in [early, late, try await runner.events("a")] {
            var messages: [String] = []
            for await event in stream where event.kind != .progress { messages.append(event.message) }
            heard.append(messages)
        }
        let all = ["queued", "running"] + (0..<20).map { "event \($0)" } + ["succeeded"]
        #expect(heard == [all, all, all])
        #expect(try store.job(id: "a").done == 20)
    }

    @Test func aHundredSubmissionsRunOnceEach() async throws {
        let store = try Store(folder: folder.url)
        let runner = runner(store, limit: 200)
        let runs = Mutex<[String: Int]>([:])
        await runner.register(kind: "k", lane: "training") { context in
            runs.withLock { $0[context.job.id, default: 0] += 1 }
            return Data()
        }
        try await runner.start()
        await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<100 {
                group.addTask {
                    // Every pair of requests shares a key.
                    _ = try await runner.submit(
                        id: "j\(index)", kind: "k", request: Data("\(index / 2)".utf8), idempotencyKey: "\(index / 2)")
                }
            }
        }
        for job in try store.jobs(kind: "k", limit: 1000).elements { _ = try await runner.finished(job.id) }
        #expect(runs.withLock { $0 }.count == 50)
        #expect(runs.withLock { $0 }.values.allSatisfy { $0 == 1 })
        #expect(try store.jobCounts() == [.succeeded: 50])
    }
}
