import API
import Evaluation
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

extension Arm {
    init(_ arm: GapArm) {
        self =
            switch arm {
            case .text: .text
            case .audio: .audio
            case .noAudio: .noAudio
            case .shuffledAudio: .shuffledAudio
            }
    }
}

extension ExtractionMode {
    init(_ extraction: GapExtraction) {
        self =
            switch extraction {
            case .strict: .strict
            case .voiceBench: .voiceBench
            }
    }
}

extension ManifestFormat {
    init(_ format: BenchmarkRequest.Format) {
        self =
            switch format {
            case .manifest: .cord
            case .audiofolder: .audioFolder
            case .voicebench: .voiceBench
            case .bigBenchAudio: .bigBenchAudio
            case .kimiEvalkit: .kimiEvalkit
            case .msSwift: .msSwift
            }
    }
}
