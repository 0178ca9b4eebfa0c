package import Testing
import Workers

/// Lets a test that computes for long without a pause run on one of two threads apart, so that it keeps none of Swift's few
/// cooperative threads from the tests beside it, of which some have a time limit.
package struct OwnThread: TestTrait, SuiteTrait, TestScoping {
    private static let executor = WorkExecutor(name: "tests", width: 2)

    package var isRecursive: Bool { true }

    package func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void) async throws {
        try await withTaskExecutorPreference(Self.executor) { try await function() }
    }
}

extension Trait where Self == OwnThread {
    package static var ownThread: Self { OwnThread() }
}
