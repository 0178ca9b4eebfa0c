import Archives
import Evaluation
import HTTP
import Jobs
import Training
import Weights

extension StoreError {
    /// What any room throws where the disk fails; nil for any other error.
    init?(storage error: any Error, attempted: String) {
        switch error {
        case let error as FileWriteError where error.code != 0: self.init(code: error.code, attempted: attempted)
        case ArchiveError.unwritable(let reason): self = .diskFailed(attempted: attempted, reason: reason)
        case ProgressFileError.unwritable(_, let reason): self = .diskFailed(attempted: attempted, reason: reason)
        default: self.init(disk: error, attempted: attempted)
        }
    }
}

extension HTTPError {
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
            case .corrupt, .superseded, .unexpectedDatabase: HTTPError(500, error.description, code: "store_corrupt")
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
}
