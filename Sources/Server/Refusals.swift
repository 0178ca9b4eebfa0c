package import API
import Archives
package import Audio
package import Generation
package import HTTP
import Jobs
import Models
import Tokenization
import Training
import Weights
import Workers

/// The one place that decides which status and code the errors of the other rooms have.
extension HTTPError {
    package init(_ error: WireError) {
        self.init(400, error.message, parameter: error.param, code: error.code)
    }

    package init(_ error: AudioError, parameter: String? = nil) {
        let status =
            switch error.kind {
            case .malformed: 400
            case .tooLarge: 413
            case .undecodable: 415
            }
        self.init(status, error.description, parameter: parameter, code: error.code)
    }

    package init(_ error: EngineError) {
        let sentence = error.description.prefix(1).uppercased() + error.description.dropFirst() + "."
        self =
            switch error {
            case .queueFull: .busy(429, sentence, retryAfter: 1, code: "queue_full")
            case .promptTooLong: HTTPError(400, sentence, parameter: "messages", code: "context_length_exceeded")
            case .tooLargeForCache: HTTPError(422, sentence, parameter: "max_tokens", code: "too_large_for_cache")
            case .emptyPrompt: HTTPError(400, sentence, parameter: "messages", code: "empty_prompt")
            case .unknownToken: HTTPError(422, sentence, parameter: "messages", code: "unknown_token")
            case .unusableOption(let name, _, _): HTTPError(400, sentence, parameter: name, code: "invalid_value")
            case .noDistribution: HTTPError(422, sentence, code: "no_distribution")
            case .stopped: .busy(503, sentence, retryAfter: 5, code: "draining")
            }
    }

    /// The refusal that stands for an error of another room; nil for what is the server's own fault.
    package init?(refusing error: any Error) {
        switch error {
        case let error as HTTPError: self = error
        case let error as WireError: self.init(error)
        case let error as AudioError: self.init(error)
        case let error as EngineError: self.init(error)
        case let error as StoreError: self.init(error)
        case let error as ArchiveError: self.init(error)
        case let error as WorkQueue.Full: self = .busy(429, error.description, retryAfter: 2, code: "queue_full")
        case let error as QueueFull: self = .busy(429, error.description, retryAfter: 10, code: "queue_full")
        case let error as TrainingError:
            guard let refusal = HTTPError(error) else { return nil }
            self = refusal
        case TemplateError.refused(let reason):
            self.init(400, "The model's chat template refuses the conversation: \(reason)", parameter: "messages", code: "invalid_conversation")
        case TemplateError.limit(_, let reason):
            self.init(400, "The conversation is too large for the chat template: \(reason).", parameter: "messages", code: "invalid_conversation")
        default:
            guard let error = StoreError(storage: error, attempted: "Keeping the result") else { return nil }
            self.init(error)
        }
    }
}

/// Runs a handler so that every refusal reaches the client with its status.
func refusing<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch {
        throw HTTPError(refusing: error) ?? error
    }
}
