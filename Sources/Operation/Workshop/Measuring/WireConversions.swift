import API
import Evaluation

// Conversions between the wire's enums and Evaluation's. A case added on one side only does not compile.

extension Arm {
    init(_ arm: GapArm) {
        self =
            switch arm {
            case .text: .text
            case .audio: .audio
            case .noAudio: .noAudio
            case .shuffledAudio: .shuffledAudio
            case .transcript: .transcript
            case .audioText: .audioText
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
