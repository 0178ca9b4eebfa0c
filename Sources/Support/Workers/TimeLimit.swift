/// Runs `body` for at most `limit`.
///
/// - Throws: What `timeout` makes, when the time is over; the work is cancelled then.
package func withTimeLimit<Value: Sendable>(
    _ limit: Duration, timeout: @escaping @Sendable () -> any Error, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            await pause(for: limit)
            throw timeout()
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}
