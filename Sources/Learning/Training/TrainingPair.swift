package import Audio
import Files
package import Foundation
package import Generation

/// One question, spoken and typed: what a CORD step learns from. Or a ``Conversation``, whose answers are imitated.
package struct TrainingPair: Sendable {
    /// Where the spoken question lies.
    package enum Sound: Sendable {
        case clip(AudioClip)
        /// The bytes of an audio file.
        case bytes(Data)
        case file(URL)

        /// Decodes the clip.
        ///
        /// - Parameter isCancelled: asked block by block; by default, whether the task is cancelled.
        /// - Throws: `AudioError`, `FileError`; `CancellationError` where the decoding was cancelled.
        package func clip(limits: AudioLimits, isCancelled: () -> Bool = { Task.isCancelled }) throws -> AudioClip {
            do {
                switch self {
                case .clip(let clip): return clip
                case .bytes(let bytes): return try unsafe AudioDecoder.decode(bytes.span.bytes, limits: limits, isCancelled: isCancelled)
                case .file(let url):
                    let bytes = try Data(reading: url)
                    return try unsafe AudioDecoder.decode(bytes.span.bytes, limits: limits, isCancelled: isCancelled)
                }
            } catch AudioError.cancelled {
                throw CancellationError()
            }
        }
    }

    /// An answer that the caller brings instead of a sampled one.
    package struct Rollout: Sendable {
        /// Nil where ``tokens`` say it.
        package let text: String?
        /// All that was sampled, with the token that ended it.
        package let tokens: [Int32]?
        /// Of each token, under the distribution that it was drawn from.
        package let logProbabilities: [Double]?
        /// Whether it ended or was cut; nil: a text ended, and tokens ended where the last of them ends an answer.
        package let finishReason: FinishReason?
        /// Judged where nil.
        package let advantage: Double?

        package init(
            text: String?, tokens: [Int32]? = nil, logProbabilities: [Double]? = nil, finishReason: FinishReason? = nil,
            advantage: Double? = nil
        ) {
            self.text = text
            self.tokens = tokens
            self.logProbabilities = logProbabilities
            self.finishReason = finishReason
            self.advantage = advantage
        }
    }

    package let id: String
    /// Nil: the student, too, reads the question. Only the supervised method learns from such pairs.
    package let sound: Sound?
    /// The question typed; empty where a conversation has none.
    package let text: String
    /// The right answer, for judges that use gold.
    package let answer: String?
    /// The whole answer to be imitated by the supervised method; ``answer`` where nil.
    package let solution: String?
    /// A system turn before the question; ``TrainingOptions/system`` where nil.
    package let system: String?
    /// Take the place of sampled rollouts where given: the first in the token term, all in the sequence term.
    package let rollouts: [Rollout]?
    /// What the supervised method imitates instead, turn by turn.
    package let conversation: Conversation?

    package init(
        id: String, sound: Sound?, text: String, answer: String? = nil, solution: String? = nil, system: String? = nil,
        rollouts: [Rollout]? = nil, conversation: Conversation? = nil
    ) {
        self.id = id
        self.sound = sound
        self.text = text
        self.answer = answer
        self.solution = solution
        self.system = system
        self.rollouts = rollouts
        self.conversation = conversation
    }

    /// Every clip that the pair has.
    package var sounds: [Sound] {
        guard let conversation else { return sound.map { [$0] } ?? [] }
        return conversation.turns.flatMap(\.message.sounds)
    }
}

/// Turns as they were said, with the assistant's that are to be learnt.
package struct Conversation: Sendable {
    package enum Role: String, Sendable { case system, user, assistant }

    package typealias Part = Message<TrainingPair.Sound>.Part

    package struct Turn: Sendable {
        package let role: Role
        package let message: Message<TrainingPair.Sound>
        /// Whether an assistant's turn is imitated; else it is only read (`weight` 0 of OpenAI's rows).
        package let isLearnt: Bool

        package init(role: Role, parts: [Part], isLearnt: Bool = true) {
            self.role = role
            message = Message(role: role.rawValue, parts: parts)
            self.isLearnt = isLearnt && role == .assistant
        }
    }

    package let turns: [Turn]

    package init(turns: [Turn]) { self.turns = turns }

    /// The user's turn of a conversation that is one question with at most one clip, and its answer perhaps, after a system turn perhaps.
    var question: Turn? {
        let said = turns.first?.role == .system ? turns.dropFirst() : turns[...]
        guard let question = said.first, question.role == .user, said.count <= 2, question.message.sounds.count <= 1,
            said.dropFirst().allSatisfy({ $0.role == .assistant })
        else { return nil }
        return question
    }
}
