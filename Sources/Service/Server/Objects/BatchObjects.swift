package import API

/// Batches: requests from a file, answered in the background. OpenAI's `/v1/batches`.

package enum BatchStatus: String, Codable, CaseIterable, Sendable {
    /// The batch waits, or its file is being read.
    case validating
    /// The file cannot be read; no request was sent.
    case failed
    case inProgress = "in_progress"
    /// The answers are being written to files.
    case finalizing
    case completed
    /// The window ended before all requests were sent. Those that were sent have answers.
    case expired
    /// Requests in flight are still being answered.
    case cancelling
    case cancelled
}

/// Why a whole batch failed.
package struct BatchError: Codable, Equatable, Sendable {
    package var code: String
    package var message: String
    @Nullable package var line: Int? = nil
    @Nullable package var param: String? = nil
}

/// A batch as its routes return it. Times are Unix seconds, null for what has not happened.
package struct Batch: Codable, Equatable, Sendable {
    package var id: String
    package var object = "batch"
    package var endpoint: BatchEndpoint
    @Nullable package var errors: ListObject<BatchError>? = nil
    package var inputFileId: String
    package var completionWindow: String
    package var status: BatchStatus
    /// The file of answers; null if there are none.
    @Nullable package var outputFileId: String? = nil
    /// The file of refused and failed requests; null if there are none.
    @Nullable package var errorFileId: String? = nil
    package var createdAt: Int
    @Nullable package var inProgressAt: Int? = nil
    package var expiresAt: Int
    @Nullable package var finalizingAt: Int? = nil
    @Nullable package var completedAt: Int? = nil
    @Nullable package var failedAt: Int? = nil
    @Nullable package var expiredAt: Int? = nil
    @Nullable package var cancellingAt: Int? = nil
    @Nullable package var cancelledAt: Int? = nil
    package var requestCounts = BatchCounts()
    @Nullable package var metadata: [String: String]? = nil

    init(id: String, _ request: BatchRequest, status: BatchStatus, createdAt: Int, expiresAt: Int) {
        (self.id, endpoint, inputFileId, completionWindow) = (id, request.endpoint, request.inputFileId, request.completionWindow)
        (self.status, self.createdAt, self.expiresAt, metadata) = (status, createdAt, expiresAt, request.metadata)
    }
}
