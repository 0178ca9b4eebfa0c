package import Audio
import Files
package import Foundation
package import Generation

/// One question, spoken and typed: the input of a CORD step. Or a ``Conversation``, whose answers are imitated.
package struct TrainingPair: Sendable {
    /// The location of the spoken question. A run holds one of each row, so it is small: a decoded clip lies apart, and a file is its path (an eighth
    /// of a `URL`).
    package enum Sound: Sendable {
        indirect case clip(AudioClip)
        /// The bytes of an audio file.
        case bytes(Data)
        case file(path: String)

        package static func file(_ url: URL) -> Sound { .file(path: url.path) }

        /// Decodes the clip.
        ///
        /// - Parameter isCancelled: Called block by block; by default, checks whether the task is cancelled.
        /// - Throws: `AudioError` or `FileError`; `CancellationError` if the decoding was cancelled.
        package func clip(limits: AudioLimits, isCancelled: () -> Bool = { Task.isCancelled }) throws -> AudioClip {
            do {
                switch self {
                case .clip(let clip): return clip
                case .bytes(let bytes): return try unsafe AudioDecoder.decode(bytes.span.bytes, limits: limits, isCancelled: isCancelled)
                case .file(let path):
                    let bytes = try Data(reading: URL(fileURLWithPath: path))
                    return try unsafe AudioDecoder.decode(bytes.span.bytes, limits: limits, isCancelled: isCancelled)
                }
            } catch AudioError.cancelled {
                throw CancellationError()
            }
        }
    }

    /// An answer that the caller supplies instead of a sampled one.
    package struct Rollout: Sendable {
        /// Nil if ``tokens`` define the answer.
        package let text: String?
        /// All sampled tokens, including the one that ended the answer.
        package let tokens: [Int32]?
        /// The log-probability of each token under the distribution that it was drawn from.
        package let logProbabilities: [Double]?
        /// Whether the answer ended or was cut. If nil, a text ended, and tokens ended if the last one ends an answer.
        package let finishReason: FinishReason?
        /// Judged if nil.
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
    /// If nil, the student reads the question too. Only the method `supervised` learns from such pairs.
    package let sound: Sound?
    /// The typed question; empty if a conversation has none.
    package let text: String
    /// The reference answer, for judges that need one.
    package let answer: String?
    /// The whole answer that the method `supervised` imitates; ``answer`` if nil.
    package let solution: String?
    /// A system turn before the question; ``TrainingOptions/system`` if nil.
    package let system: String?
    /// Replace sampled rollouts: the first one in the token term, all in the sequence term.
    package let rollouts: [Rollout]?
    /// The turns that the method `supervised` imitates instead.
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

/// Turns of a conversation, with the assistant's turns that are to be learnt.
package struct Conversation: Sendable {
    package enum Role: String, Sendable { case system, user, assistant }

    package typealias Part = Message<TrainingPair.Sound>.Part

    package struct Turn: Sendable {
        package let role: Role
        package let message: Message<TrainingPair.Sound>
        /// Whether an assistant's turn is imitated; otherwise it is only context (`weight` 0 in OpenAI's rows).
        package let isLearnt: Bool

        package init(role: Role, parts: [Part], isLearnt: Bool = true) {
            self.role = role
            message = Message(role: role.rawValue, parts: parts)
            self.isLearnt = isLearnt && role == .assistant
        }
    }

    package let turns: [Turn]

    package init(turns: [Turn]) { self.turns = turns }

    /// The user's turn, if the conversation is one question with at most one clip, after an optional system turn and before an optional answer.
    var question: Turn? {
        let said = turns.first?.role == .system ? turns.dropFirst() : turns[...]
        guard let question = said.first, question.role == .user, said.count <= 2, question.message.sounds.count <= 1,
            said.dropFirst().allSatisfy({ $0.role == .assistant })
        else { return nil }
        return question
    }
}
