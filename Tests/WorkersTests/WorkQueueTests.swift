import Dispatch
import Foundation
import Synchronization
import Testing
import Workers

@Suite struct WorkQueueTests {
    /// Holds a queue's thread until it is opened.
    private final class Gate: Sendable {
        private let entered = AsyncStream<Void>.makeStream()
        private let leave = DispatchSemaphore(value: 0)

        func hold() {
            entered.continuation.yield()
            leave.wait()
        }

        func open() { leave.signal() }

        func isHeld() async { for await _ in entered.stream { return } }
    }

    @Test func workRunsAndItsErrorsArrive() async throws {
        struct Broken: Error {}
        let queue = WorkQueue(name: "work", width: 2)
        let squares = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<100 { group.addTask { try await queue.run { number * number } } }
            return try await group.reduce(0, +)
        }
        #expect(squares == 328_350)
        await #expect(throws: Broken.self) { try await queue.run { throw Broken() } }
    }

    @Test func noMoreThreadsThanTheWidthWorkAtOnce() async throws {
        let (running, most) = (Counter(), Counter())
        let queue = WorkQueue(name: "work", width: 3)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<30 {
                group.addTask {
                    try await queue.run {
                        most.raise(to: running.add(1))
                        usleep(1000)
                        _ = running.add(-1)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect((1...3).contains(most.value))
    }

    @Test func aFullQueueRefuses() async throws {
        let queue = WorkQueue(name: "work", width: 1, limit: 1)
        let gate = Gate()
        async let first: Void = queue.run { gate.hold() }
        await gate.isHeld()
        async let second = queue.run { 2 }
        while queue.waiting < 1 { await Task.yield() }
        let refusal = await #expect(throws: WorkQueue.Full.self) { try await queue.run { 3 } }
        #expect(refusal?.description == "1 requests wait for work already, as many as may; try again in a moment.")
        gate.open()
        try await first
        #expect(try await second == 2)
        #expect(try await queue.run { 4 } == 4)
    }

    @Test func whoIsCancelledInTheLineLeavesItAtOnce() async throws {
        let queue = WorkQueue(name: "work", width: 1, limit: 1)
        let gate = Gate()
        async let first: Void = queue.run { gate.hold() }
        await gate.isHeld()
        let second = Task { try await queue.run { Issue.record("ran though it was cancelled") } }
        while queue.waiting < 1 { await Task.yield() }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        #expect(queue.waiting == 0)
        async let third = queue.run { 3 }
        gate.open()
        #expect(try await third == 3)
        try await first
    }

    @Test func workIsToldThatItIsCancelledAndItsCallerWaitsForItsEnd() async throws {
        let queue = WorkQueue(name: "work", width: 1)
        let (gate, blocks) = (Gate(), Counter())
        let work = Task {
            try await queue.run { cancellation in
                gate.hold()
                while true {
                    _ = blocks.add(1)
                    try cancellation.check()
                }
            }
        }
        await gate.isHeld()
        work.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await work.value }
        #expect(blocks.value == 1)
    }

    @Test func workThatCannotBeStoppedIsAbandonedWhereItMayBe() async throws {
        let queue = WorkQueue(name: "names", width: 1, abandons: true)
        let gate = Gate()
        let work = Task { try await queue.run { gate.hold() } }
        await gate.isHeld()
        work.cancel()
        await #expect(throws: CancellationError.self) { try await work.value }
        gate.open()
        #expect(try await queue.run { 1 } == 1)
    }

    @Test func threadsHaveTheirNamesFromTheStart() async {
        for _ in 0..<200 {
            let name = await withCheckedContinuation { continuation in
                Thread.start("cord.named") { continuation.resume(returning: threadName()) }
            }
            #expect(name == "cord.named")
        }
    }

    @Test func tasksOfAnExecutorRunOnItsThreadsWithTheirChildren() async {
        actor Place { var thread: String? { Thread.current.name } }
        let executor = WorkExecutor(name: "own", width: 2)
        let names = await Task(executorPreference: executor) {
            async let child = threadName()
            return [threadName(), await child, await Place().thread]
        }.value
        withExtendedLifetime(executor) {}
        #expect(names == ["cord.own", "cord.own", "cord.own"])
        #expect(threadName() != "cord.own")
    }
}

private func threadName() -> String? { Thread.current.name }

private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add(_ more: Int) -> Int { count.add(more, ordering: .relaxed).newValue }
    func raise(to value: Int) { _ = count.max(value, ordering: .relaxed) }
}
