import Foundation
import Workers

/// How one question is put to a model. What is sent is one user turn in the model's own chat format, and nothing else.
package enum Asking: Sendable, Equatable {
    /// The turn is the question's text.
    case typed(String)
    /// The turn is the clip: no text beside it.
    case spoken(QuestionSet.Clip)
    /// The turn is what the model writes down of the clip, which it is asked for first.
    case relayed(QuestionSet.Clip)
    /// The turn is the clip with the text behind it.
    case accompanied(QuestionSet.Clip, text: String)
    /// The turn is empty: what the chat format alone makes the model say.
    case nothing
}

/// What a model said to one question.
package struct Reply: Sendable, Equatable {
    package var text: String
    /// Tokens of the answer.
    package var tokens: Int
    /// More are nobody's answer; sums of so many stay integers.
    static let mostTokens = 1 << 32
    /// From asking to the answer's end.
    package var seconds: Double
    /// What was written down of a relayed clip.
    package var heard: String?
    /// The answer's tokens, where they can draft another answer.
    package var draft: [Int32]

    package init(text: String, tokens: Int, seconds: Double, heard: String? = nil, draft: [Int32] = []) {
        (self.heard, self.draft) = (heard, draft)
        self.text = text
        self.tokens = min(max(tokens, 0), Self.mostTokens)
        self.seconds = seconds
    }
}

/// Whatever can be asked questions: the engine in this process, or a server behind an address.
package protocol Respondent: Sendable {
    /// - Parameters:
    ///   - seed: for answers that are sampled.
    ///   - draft: ``Reply/draft`` of the same question asked otherwise; it changes how fast the reply comes, never the reply.
    /// - Throws: ``Unaskable`` where this question cannot be put to this model; any other error ends the run.
    func reply(to question: Asking, seed: UInt64, draft: [Int32]) async throws -> Reply

    /// Whether a draft makes replies faster: then a question is spoken after its typed reply has come.
    var usesDrafts: Bool { get }

    /// D_t along the answer to `clip`, or nil where the model's distributions cannot be seen.
    func divergence(clip: QuestionSet.Clip, text: String, seed: UInt64) async throws -> [TokenDivergence]?

    /// The respondent's part of a report's reproducibility block.
    func identity() async throws -> RespondentIdentity
}

/// Who answered.
package struct RespondentIdentity: Sendable, Equatable {
    package var model: String
    package var modelHash: String
    package var weightVersion: String
    package var weightVersionHash: String
    package var promptTemplateHash: String
    /// Everything that decides how tokens are chosen, and the precision of the arithmetic.
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

/// A question that cannot be put to the model, such as a clip that cannot be decoded: counted by `code`, and the run goes on.
package struct Unaskable: Error, Equatable, CustomStringConvertible {
    /// A stable name, such as `audio_undecodable`.
    package let code: String
    package let description: String

    package init(code: String, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// Decoding, digests and readings of a run: neither Swift's cooperative threads nor the engine's wait for them.
let evaluationWork = WorkQueue(name: "evaluation", width: max(2, ProcessInfo.processInfo.activeProcessorCount))
