import Archives
import Evaluation
package import Jobs
import Weights

extension StoreError {
    /// Recognises errors of any room that mean a failing disk; nil for any other error.
    package init?(storage error: any Error, attempted: String) {
        switch error {
        case let error as FileWriteError where error.code != 0: self.init(code: error.code, attempted: attempted)
        case ArchiveError.unwritable(let reason): self = .diskFailed(attempted: attempted, reason: reason)
        case ProgressFileError.unwritable(_, let reason): self = .diskFailed(attempted: attempted, reason: reason)
        default: self.init(disk: error, attempted: attempted)
        }
    }
}
