/// Batches: requests from a file, answered in the background. OpenAI's `/v1/batches`.

/// A route that batches may call.
package enum BatchEndpoint: String, Codable, CaseIterable, Sendable {
    case chatCompletions = "/v1/chat/completions"
    case completions = "/v1/completions"
    case responses = "/v1/responses"
}

/// `POST /v1/batches`.
package struct BatchRequest: WireObject, Encodable, Equatable, Sendable {
    package var inputFileId: String
    package var endpoint: BatchEndpoint
    /// The time within which the requests are sent; what is left after it expires.
    package var completionWindow = "24h"
    package var metadata: [String: String]?
    /// When the output files are deleted; nil keeps them.
    package var outputExpiresAfter: OutputExpiry?

    package struct OutputExpiry: WireObject, Encodable, Equatable, Sendable {
        package var anchor = "created_at"
        package var seconds: Int

        package init(_ fields: Fields) throws {
            try fields.constant("anchor", "created_at")
            guard let seconds = try fields.integer("seconds", in: FileExpiry.range) else { throw fields.missing("seconds", "seconds") }
            self.seconds = seconds
        }
    }

    package init(_ fields: Fields) throws {
        inputFileId = try fields.name("input_file_id", maxLength: 128)
        endpoint = try fields.requiredChoice("endpoint")
        guard try fields.text("completion_window") ?? "24h" == "24h" else { throw fields.invalid("completion_window", expected: "\"24h\"") }
        metadata = try fields.metadata()
        outputExpiresAfter = try fields.optional("output_expires_after", "an object with `anchor` and `seconds`")
    }
}

package struct BatchCounts: Codable, Equatable, Sendable {
    package var total: Int
    package var completed: Int
    package var failed: Int

    package init(total: Int = 0, completed: Int = 0, failed: Int = 0) { (self.total, self.completed, self.failed) = (total, completed, failed) }
}
