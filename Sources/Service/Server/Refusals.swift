package import API
import Archives
package import Audio
package import Generation
package import HTTP
import Jobs
import Judging
import Models
import Tokenization
import Training
import Workers
package import Workshop

/// The one place that maps errors of other rooms to statuses and codes.
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
            case .unfollowableForm: HTTPError(400, sentence, code: "unsupported_schema")
            case .stopped: .busy(503, sentence, retryAfter: 5, code: "draining")
            }
    }

    package init(_ error: WorkshopError) {
        let (status, code): (Int, String) =
            switch error.kind {
            case .invalidValue: (400, "invalid_value")
            case .missingValue: (400, "missing_required_parameter")
            case .unsupported: (422, "unsupported")
            case .unsupportedForm: (400, "unsupported_schema")
            case .unknownModel, .unknownAdapter: (404, "model_not_found")
            case .modelNameTaken: (409, "model_exists")
            case .baseStaysLoaded: (400, "base_model")
            case .unstoredAdapter: (422, "unsupported_model")
            case .otherBase: (422, "other_base")
            case .untrainable: (422, "untrainable")
            case .adaptersDisabled: (403, "adapters_disabled")
            case .noAdapterDirectory: (404, "adapter_not_found")
            case .unfitAdapter: (400, "invalid_adapter")
            case .unfitUpload: (422, "invalid_adapter")
            case .pathsDisabled: (403, "paths_disabled")
            case .pathNotAllowed: (403, "path_not_allowed")
            case .notFound: (404, "not_found")
            case .invalidURL: (400, "invalid_url")
            case .urlNotAllowed: (400, "url_not_allowed")
            case .fetchFailed: (400, "url_fetch_failed")
            case .fetchTooLarge: (413, "url_fetch_failed")
            case .unknownToken: (422, "unknown_token")
            case .tooManyClips: (400, "too_many_clips")
            case .contextExceeded: (400, "context_length_exceeded")
            case .emptyAnswer: (422, "empty_answer")
            case .timeIsOver: (504, "timeout")
            case .unknownBenchmark: (404, "benchmark_not_found")
            case .invalidBenchmark: (422, "invalid_benchmark")
            case .conflict: (409, "conflict")
            case .fileInUse: (409, "file_in_use")
            case .versionInUse: (409, "version_in_use")
            case .endpointNotAllowed: (422, "endpoint_not_allowed")
            case .unknownReward: (422, "unknown_reward")
            case .queueFull: (429, "queue_full")
            case .notFinite: (422, "not_finite")
            }
        let type: String? =
            switch status {
            case 403: "permission_error"
            case 504: "timeout_error"
            default: nil
            }
        self.init(status, error.description, type: type, parameter: error.place, code: code)
        if error.kind == .queueFull { headers["retry-after"] = "5" }
    }

    init(_ error: StoreError) {
        self =
            switch error {
            case .notFound: HTTPError(404, error.description, code: "not_found")
            case .conflict: HTTPError(409, error.description, code: "conflict")
            case .keyReused:
                HTTPError(422, error.description, parameter: "Idempotency-Key", code: "idempotency_key_reused")
            case .busy: .busy(503, error.description, retryAfter: 5, code: "store_busy")
            case .diskFull: HTTPError(507, error.description, code: "disk_full")
            case .readOnly: HTTPError(507, error.description, code: "read_only")
            case .diskFailed: HTTPError(507, error.description, code: "disk_failed")
            case .corrupt, .superseded, .unexpectedDatabase, .noStore: HTTPError(500, error.description, code: "store_corrupt")
            case .contentMissing: HTTPError(500, error.description, code: "content_missing")
            case .contentDamaged: HTTPError(500, error.description, code: "content_damaged")
            }
    }

    init?(_ error: TrainingError) {
        switch error {
        case .plan, .options: self.init(422, error.description, parameter: "optimizer", code: "untrainable")
        case .noUsablePair, .nothingLearnt: self.init(422, error.description, parameter: "pairs", code: "no_usable_pair")
        case .manifest: self.init(422, error.description, parameter: "training_file", code: "invalid_manifest")
        case .busy, .checkpoint: return nil
        }
    }

    init(_ error: ArchiveError) {
        self =
            switch error {
            case .unreadable, .forbidden: HTTPError(400, error.description, parameter: "file", code: "invalid_archive")
            case .tooManyEntries, .tooLarge: HTTPError(413, error.description, parameter: "file", code: "archive_too_large")
            case .unwritable: HTTPError(507, error.description, code: "disk_failed")
            }
    }

    /// The refusal that corresponds to an error of another room; nil for a fault of the server.
    package init?(refusing error: any Error) {
        switch error {
        case let error as HTTPError: self = error
        case let error as WireError: self.init(error)
        case let error as WorkshopError: self.init(error)
        case let error as UnheardClip: self.init(error.error, parameter: error.place)
        case let error as AudioError: self.init(error)
        case let error as EngineError: self.init(error)
        case let error as TranscriptionRefusal: self.init(422, error.description + ".", code: "unsupported")
        case let error as StoreError: self.init(error)
        case let error as ArchiveError: self.init(error)
        case let error as WorkQueue.Full: self = .busy(429, error.description, retryAfter: 2, code: "queue_full")
        case let error as QueueFull: self = .busy(429, error.description, retryAfter: 10, code: "queue_full")
        case let error as RewardError: self.init(502, "No step was taken: \(error).", parameter: "objective.reward", code: "reward_failed")
        case let error as TrainingError:
            guard let refusal = HTTPError(error) else { return nil }
            self = refusal
        case TemplateError.refused(let reason):
            self.init(400, "The model's chat template refuses the conversation: \(reason)", parameter: "messages", code: "invalid_conversation")
        case TemplateError.evaluation, TemplateError.placeholders:
            self.init(422, "The model cannot be asked so: \(error).", parameter: "messages", code: "unusable_chat_template")
        case TemplateError.limit(_, let reason):
            self.init(400, "The conversation is too large for the chat template: \(reason).", parameter: "messages", code: "invalid_conversation")
        default:
            guard let error = StoreError(storage: error, attempted: "Keeping the result") else { return nil }
            self.init(error)
        }
    }
}

extension Response {
    /// A stream of events whose last event may be a refusal.
    static func refusing(_ produce: @escaping @Sendable (EventStream) async throws -> Void) -> Response {
        .events { events in try await Server.refusing { try await produce(events) } }
    }
}

/// Runs a handler and turns every refusal into its status.
func refusing<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch {
        throw HTTPError(refusing: error) ?? error
    }
}
