import API
import Jobs

// Words of the wire as the other rooms have them. A case that one side gains does not compile before the other has it.

extension RunStatus {
    init(_ state: JobState) {
        self =
            switch state {
            case .queued: .queued
            case .running: .running
            case .paused: .paused
            case .succeeded: .succeeded
            case .failed: .failed
            case .cancelled: .cancelled
            }
    }
}
