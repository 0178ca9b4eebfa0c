package import Audio
import Files
package import Foundation

/// One question, spoken and typed: what a CORD step learns from.
package struct TrainingPair: Sendable {
    /// Where the spoken question lies.
    package enum Sound: Sendable {
        case clip(AudioClip)
        /// The bytes of an audio file.
        case bytes([UInt8])
        case file(URL)

        /// Decodes the clip.
        package func clip(limits: AudioLimits) throws -> AudioClip {
            switch self {
            case .clip(let clip): clip
            case .bytes(let bytes): try AudioDecoder.decode(bytes, limits: limits)
            case .file(let url): try AudioDecoder.decode([UInt8](Data(reading: url)), limits: limits)
            }
        }
    }

    /// An answer that the caller brings instead of a sampled one.
    package struct Rollout: Sendable {
        package let text: String
        /// Judged where nil.
        package let advantage: Double?

        package init(text: String, advantage: Double? = nil) {
            self.text = text
            self.advantage = advantage
        }
    }

    package let id: String
    /// Nil: the student, too, reads the question. Such pairs keep or teach text.
    package let sound: Sound?
    package let text: String
    /// The right answer, for judges that use gold.
    package let answer: String?
    /// The whole answer to be imitated by the supervised method; ``answer`` where nil.
    package let solution: String?
    /// Take the place of sampled rollouts where given: the first in the token term, all in the sequence term.
    package let rollouts: [Rollout]?

    package init(
        id: String, sound: Sound?, text: String, answer: String? = nil, solution: String? = nil,
        rollouts: [Rollout]? = nil
    ) {
        self.id = id
        self.sound = sound
        self.text = text
        self.answer = answer
        self.solution = solution
        self.rollouts = rollouts
    }
}
