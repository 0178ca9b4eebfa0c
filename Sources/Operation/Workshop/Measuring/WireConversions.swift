import API
import Evaluation

// Words of the wire as Evaluation has them. A case that one side gains does not compile before the other has it.

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
