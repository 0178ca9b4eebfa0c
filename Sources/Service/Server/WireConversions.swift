import API
import Jobs

// Conversions between the wire's enums and other rooms'. A case added on one side only does not compile.

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
