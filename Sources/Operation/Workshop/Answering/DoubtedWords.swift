import Audio
import Evaluation
import Generation

/// Whether words of which a model is not sure are what it hears, or what it makes up, as it does of music.
///
/// What is spoken is heard again when it is spoken a little faster; what is made up comes out otherwise. Words that the model is sure of are asked
/// once. `benchmarks/quality/music.py` measures it on cord-nano: of 72 pieces of synthesised music it makes up words of 65, and those of 3 are kept (of
/// 19 at the first speed alone and with half of the words allowed to differ); of 400 questions of cord-bench-2, spoken near and far, the words of 17 are
/// withdrawn, of all of which it had heard more than half wrongly. The bounds were chosen on 24 of the pieces.
package enum DoubtedWords {
    /// The mean log-probability of a token below which words are doubted: half of the questions that are spoken far away lie above.
    package static let leastCertainty = -0.06
    /// The share of words that may come out otherwise.
    package static let mostDifference = 0.3
    package static let speeds = [1.04, 1.1]

    /// The same faster and higher.
    package static func faster(_ samples: [Float], by speed: Double) -> [Float] {
        guard let last = samples.indices.last else { return [] }
        return (0..<Int(Double(samples.count) / speed)).map { place in
            let position = Double(place) * speed
            let (before, share) = (min(Int(position), last), Float(position - position.rounded(.down)))
            return samples[before] * (1 - share) + samples[min(before + 1, last)] * share
        }
    }

    package static func differ(_ one: String, _ other: String) -> Bool {
        let errors = WordErrors(heard: one, said: other)
        return Double(errors.count) > mostDifference * Double(max(errors.words, errors.words - errors.deletions + errors.insertions, 1))
    }
}
