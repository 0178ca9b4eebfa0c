package import Workers

/// Where work goes that would hold others up: each kind on threads of its own, with a bound on how much of it waits.
///
/// Routes that decode, pack or compute for long bring that here. What only waits for the disk runs on an executor
/// of its own, so that the cooperative threads are left to answers, timers and the heartbeat.
package struct WorkQueues: Sendable {
    /// Clips of questions to prompts. So many threads that a short clip never stands behind long ones: the kernel gives each of them
    /// its share of what the answers leave.
    package let hearing = WorkQueue(name: "hearing", width: 16, limit: 256)
    /// Recordings to pieces.
    package let recordings = WorkQueue(name: "recordings", width: 2, limit: 16)
    /// Texts to tokens, and large JSON either way.
    package let reading = WorkQueue(name: "reading", width: 8, limit: 256)
    /// What clients bring: digests, archives, adapters, question sets.
    package let uploads = WorkQueue(name: "uploads", width: 2, limit: 16)
    /// Weight versions and files from and to the disk, held against their hashes.
    package let versions = WorkQueue(name: "versions", width: 2, limit: 32)
    /// Reports, comparisons and lists of sets.
    package let reports = WorkQueue(name: "reports", width: 2, limit: 32)

    package var all: [WorkQueue] { [hearing, recordings, reading, uploads, versions, reports] }

    /// Bytes of a body from which reading it is left to a thread of its own: below, that costs less than changing threads.
    private static let largeBody = 16 << 10

    /// Reads or writes `bytes` of a body.
    package func reading<Value: Sendable>(_ bytes: Int, _ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        bytes > Self.largeBody ? try await reading.run(body) : try body()
    }
}
