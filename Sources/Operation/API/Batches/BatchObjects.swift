/// Batches: requests from a file, answered in the background. OpenAI's `/v1/batches`.

/// A route that batches may call.
package enum BatchEndpoint: String, Codable, CaseIterable, Sendable {
    case chatCompletions = "/v1/chat/completions"
    case completions = "/v1/completions"
    case responses = "/v1/responses"
}

/// `POST /v1/batches`.
package struct BatchRequest: Codable, Equatable, Sendable {
    package var inputFileId: String
    package var endpoint: BatchEndpoint
    /// The time within which the requests are sent; what is left after it expires.
    package var completionWindow = "24h"
    package var metadata: [String: String]?
    /// When the output files are deleted; nil keeps them.
    package var outputExpiresAfter: OutputExpiry?

    package struct OutputExpiry: Codable, Equatable, Sendable {
        package var anchor = "created_at"
        package var seconds: Int

        package init(from decoder: any Decoder) throws {
            let fields = try Fields(decoder)
            try fields.constant("anchor", "created_at")
            guard let seconds = try fields.integer("seconds", in: FileExpiry.range) else { throw fields.missing("seconds", "seconds") }
            self.seconds = seconds
            try fields.end()
        }
    }

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        inputFileId = try fields.name("input_file_id", maxLength: 128)
        endpoint = try fields.requiredChoice("endpoint")
        guard try fields.text("completion_window") ?? "24h" == "24h" else { throw fields.invalid("completion_window", expected: "\"24h\"") }
        metadata = try fields.optional("metadata", "an object of strings")
        guard metadata?.count ?? 0 <= 16 else { throw fields.invalid("metadata", expected: "at most 16 members") }
        outputExpiresAfter = try fields.optional("output_expires_after", "an object with `anchor` and `seconds`")
        try fields.end()
    }
}

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

package struct BatchCounts: Codable, Equatable, Sendable {
    package var total: Int
    package var completed: Int
    package var failed: Int

    package init(total: Int = 0, completed: Int = 0, failed: Int = 0) { (self.total, self.completed, self.failed) = (total, completed, failed) }
}

/// Why a whole batch failed.
package struct BatchError: Codable, Equatable, Sendable {
    package var code: String
    package var message: String
    @Nullable package var line: Int?
    @Nullable package var param: String?

    package init(code: String, message: String) { (self.code, self.message) = (code, message) }
}

/// A batch as its routes return it. Times are Unix seconds, null for what has not happened.
package struct Batch: Codable, Equatable, Sendable {
    package var id: String
    package var object = "batch"
    package var endpoint: BatchEndpoint
    @Nullable package var errors: ListObject<BatchError>?
    package var inputFileId: String
    package var completionWindow: String
    package var status: BatchStatus
    /// The file of answers; null if there are none.
    @Nullable package var outputFileId: String?
    /// The file of refused and failed requests; null if there are none.
    @Nullable package var errorFileId: String?
    package var createdAt: Int
    @Nullable package var inProgressAt: Int?
    package var expiresAt: Int
    @Nullable package var finalizingAt: Int?
    @Nullable package var completedAt: Int?
    @Nullable package var failedAt: Int?
    @Nullable package var expiredAt: Int?
    @Nullable package var cancellingAt: Int?
    @Nullable package var cancelledAt: Int?
    package var requestCounts = BatchCounts()
    @Nullable package var metadata: [String: String]?

    package init(id: String, _ request: BatchRequest, status: BatchStatus, createdAt: Int, expiresAt: Int) {
        (self.id, endpoint, inputFileId, completionWindow) = (id, request.endpoint, request.inputFileId, request.completionWindow)
        (self.status, self.createdAt, self.expiresAt, metadata) = (status, createdAt, expiresAt, request.metadata)
    }
}
