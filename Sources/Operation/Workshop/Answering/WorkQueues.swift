package import Workers

/// Queues for work that would delay other requests. Each has its own threads and a bound on how much may wait.
///
/// Routes send decoding, packing and long computation here. Work that only waits for the disk runs on a separate executor, which keeps the
/// cooperative threads free for answers, timers and the heartbeat.
package struct WorkQueues: Sendable {
    /// Turns the clips of questions into prompts. There are enough threads that a short clip never waits behind long ones; the kernel shares the
    /// remaining processor time between them.
    package let hearing = WorkQueue(name: "hearing", width: 16, limit: 256)
    /// Cuts recordings into pieces.
    package let recordings = WorkQueue(name: "recordings", width: 2, limit: 16)
    /// Tokenizes texts, and reads and writes large JSON.
    package let reading = WorkQueue(name: "reading", width: 8, limit: 256)
    /// Processes uploads: digests, archives, adapters, question sets.
    package let uploads = WorkQueue(name: "uploads", width: 2, limit: 16)
    /// Reads and writes weight versions and files, and verifies their hashes.
    package let versions = WorkQueue(name: "versions", width: 2, limit: 32)
    /// Computes reports, comparisons and lists of sets.
    package let reports = WorkQueue(name: "reports", width: 2, limit: 32)

    package var all: [WorkQueue] { [hearing, recordings, reading, uploads, versions, reports] }

    /// The size of a body, in bytes, from which it is parsed on a thread of its own. Parsing a smaller one costs less than changing threads.
    private static let largeBody = 16 << 10

    /// Runs `body`, which reads or writes `bytes` bytes, on the queue if they are many.
    package func reading<Value: Sendable>(_ bytes: Int, _ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        bytes > Self.largeBody ? try await reading.run(body) : try body()
    }
}
