import Foundation
import Workers

/// The form of one question to a model: one user turn in the model's own chat format.
package enum Asking: Sendable, Equatable {
    /// The turn is the question's text.
    case typed(String)
    /// The turn is the clip, without text.
    case spoken(QuestionSet.Clip)
    /// The turn is the model's transcript of the clip, which is requested first.
    case relayed(QuestionSet.Clip)
    /// The turn is the clip, followed by the text.
    case accompanied(QuestionSet.Clip, text: String)
    /// The turn is empty. The answer shows what the chat format alone makes the model say.
    case nothing
}

/// A model's reply to one question.
package struct Reply: Sendable, Equatable {
    package var text: String
    /// The number of tokens of the answer.
    package var tokens: Int
    /// An upper bound on tokens, whose sums over a report cannot overflow.
    static let mostTokens = 1 << 32
    /// The time from the request to the end of the answer.
    package var seconds: Double
    /// The transcript of a relayed clip.
    package var heard: String?
    /// The answer's tokens, if they can serve as a draft of another answer.
    package var draft: [Int32]

    package init(text: String, tokens: Int, seconds: Double, heard: String? = nil, draft: [Int32] = []) {
        (self.heard, self.draft) = (heard, draft)
        self.text = text
        self.tokens = min(max(tokens, 0), Self.mostTokens)
        self.seconds = seconds
    }
}

/// A model that can be asked questions: the engine in this process, or a server behind an address.
package protocol Respondent: Sendable {
    /// - Parameters:
    ///   - seed: The seed of sampled answers.
    ///   - draft: ``Reply/draft`` of the same question in another arm. It changes the speed of the reply, never the reply.
    /// - Throws: ``Unaskable`` if this question cannot be put to this model. Any other error ends the run.
    func reply(to question: Asking, seed: UInt64, draft: [Int32]) async throws -> Reply

    /// Whether a draft makes replies faster. If so, a question is spoken after its typed reply has come.
    var usesDrafts: Bool { get }

    /// D_t along the answer to `clip`, or nil if the model's distributions cannot be seen.
    func divergence(clip: QuestionSet.Clip, text: String, seed: UInt64) async throws -> [TokenDivergence]?

    /// The respondent's part of a report's reproducibility block.
    func identity() async throws -> RespondentIdentity
}

/// The identity of the model that answered.
package struct RespondentIdentity: Sendable, Equatable {
    package var model: String
    package var modelHash: String
    package var weightVersion: String
    package var weightVersionHash: String
    package var promptTemplateHash: String
    /// The settings of sampling, and the precision of the arithmetic.
    package var decoding: [String: String]
    package var machine: String

    package init(
        model: String, modelHash: String, weightVersion: String, weightVersionHash: String, promptTemplateHash: String,
        decoding: [String: String], machine: String
    ) {
        self.model = model
        self.modelHash = modelHash
        self.weightVersion = weightVersion
        self.weightVersionHash = weightVersionHash
        self.promptTemplateHash = promptTemplateHash
        self.decoding = decoding
        self.machine = machine
    }
}

/// A question that cannot be put to the model, such as a clip that cannot be decoded. It is counted by `code`, and the run continues.
package struct Unaskable: Error, Equatable, CustomStringConvertible {
    /// A stable name, such as `audio_undecodable`.
    package let code: String
    package let description: String

    package init(code: String, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// The threads for decoding, digests and reading, so that neither Swift's cooperative threads nor the engine's wait for them.
let evaluationWork = WorkQueue(name: "evaluation", width: max(2, ProcessInfo.processInfo.activeProcessorCount))
