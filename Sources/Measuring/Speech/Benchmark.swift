package import Questions

/// The built-in spoken reasoning benchmark: questions of the test split in equal parts of all families, each spoken by one
/// of the voices that nothing is trained on, as Opus. A number of its version and `cord speak` make it anew.
package enum Benchmark {
    package static let version = 1
    package static let size = 600

    package static func questions() throws(QuestionShortage) -> [Question] {
        try QuestionGenerator.distinct(size, seed: UInt64(version), split: .test)
    }

    package static func spokenSet() throws(QuestionShortage) -> SpokenSet {
        SpokenSet(
            texts: try questions().map(SpokenText.init), voices: Voice.heldOut, format: .opus, seed: UInt64(version))
    }
}
