/// Requests of a file, answered when there is time: OpenAI's `/v1/batches`.

/// A route that batches ask.
package enum BatchEndpoint: String, Codable, CaseIterable, Sendable {
    case chatCompletions = "/v1/chat/completions"
    case completions = "/v1/completions"
    case responses = "/v1/responses"
}

/// `POST /v1/batches`.
package struct BatchRequest: Codable, Equatable, Sendable {
    package var inputFileId: String
    package var endpoint: BatchEndpoint
    /// Within which the requests are asked; those that are left then expire.
    package var completionWindow = "24h"
    package var metadata: [String: String]?
    /// When the files of answers go; nil for files that stay.
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
    /// It waits for its turn, or its file is being read.
    case validating
    /// Its file cannot be read; no request was asked.
    case failed
    case inProgress = "in_progress"
    /// Its answers become files.
    case finalizing
    case completed
    /// Its window ended before all requests were asked; those that were have answers.
    case expired
    /// Requests under way are still answered.
    case cancelling
    case cancelled
}

package struct BatchCounts: Codable, Equatable, Sendable {
    package var total: Int
    package var completed: Int
    package var failed: Int

    package init(total: Int = 0, completed: Int = 0, failed: Int = 0) { (self.total, self.completed, self.failed) = (total, completed, failed) }
}

/// Why a batch as a whole failed.
package struct BatchError: Codable, Equatable, Sendable {
    package var code: String
    package var message: String
    @Nullable package var line: Int?
    @Nullable package var param: String?

    package init(code: String, message: String) { (self.code, self.message) = (code, message) }
}

/// A batch as its routes tell of it. Times are Unix seconds, null for what has not come about.
package struct Batch: Codable, Equatable, Sendable {
    package var id: String
    package var object = "batch"
    package var endpoint: BatchEndpoint
    @Nullable package var errors: ListObject<BatchError>?
    package var inputFileId: String
    package var completionWindow: String
    package var status: BatchStatus
    /// Answers; null where there are none.
    @Nullable package var outputFileId: String?
    /// Requests that were refused or failed; null where there are none.
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
