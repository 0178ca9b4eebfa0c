package import Foundation
import Objectives

/// `POST /v1/cord/steps`: audio-text pairs on which to take one step now.
package struct CordStepRequest: WireObject, Equatable, Sendable {
    package enum Detail: String, CaseIterable, Sendable { case rollouts, tokens }

    package var model: String?
    package var pairs: [CordPair]
    /// Prompts on which the weights are held to the frozen teacher.
    package var replay: [CordReplay]
    package var objective: CordObjective
    package var optimizer: OptimizerOptions
    /// Details of the response beside the metrics.
    package var include: [Detail]
    package var seed: Int?
    /// A system turn before each question, both spoken and typed.
    package var system: String?

    package init(_ fields: Fields) throws {
        model = try fields.model()
        pairs = try fields.requiredList("pairs", 1...1024, "pairs")
        let ids = pairs.compactMap(\.id)
        guard Set(ids).count == ids.count else { throw fields.invalid("pairs", expected: "ids that differ") }
        objective = try fields.optional("objective", "an object") ?? CordObjective()
        replay = try fields.list("replay", 0...1024, "prompts") ?? []
        let replayed = replay.compactMap(\.id)
        guard Set(replayed).count == replayed.count else { throw fields.invalid("replay", expected: "ids that differ") }
        if !replay.isEmpty, objective.loss.replayWeight == 0 {
            throw fields.invalid("replay", expected: "nothing beside the `replay_weight` 0, which replays nothing")
        }
        optimizer = try fields.optional("optimizer", "an object") ?? OptimizerOptions()
        include = try fields.choiceList("include") ?? []
        seed = try fields.integer("seed", in: 0...Int.max)
        system = try fields.text("system", maxLength: 1 << 20)
    }
}

/// One question, spoken and typed.
package struct CordPair: WireObject, Equatable, Sendable {
    package var id: String?
    package var audio: AudioReference
    package var text: String
    /// The reference answer, for judges that compare with one.
    package var answer: String?
    /// The client's own rollouts; sampled by the server if absent.
    package var rollouts: [SuppliedRollout]?

    package init(_ fields: Fields) throws {
        id = try fields.text("id", maxLength: 128)
        audio = try fields.required("audio", "an object with `data`, `file_id` or `path`")
        text = try fields.name("text", maxLength: 1 << 20)
        guard !text.allSatisfy(\.isWhitespace) else { throw fields.invalid("text", expected: "the question typed") }
        answer = try fields.text("answer")
        rollouts = try fields.list("rollouts", 1...256, "rollouts")
    }
}

/// A replayed prompt: typed, or spoken with words beside the clip.
package struct CordReplay: WireObject, Equatable, Sendable {
    package var id: String?
    package var text: String
    package var audio: AudioReference?
    /// The prompt's own system turn.
    package var system: String?
    /// The answer to hold to; the frozen teacher's greedy answer if absent.
    package var answer: String?

    package init(_ fields: Fields) throws {
        id = try fields.text("id", maxLength: 128)
        text = try fields.name("text", maxLength: 1 << 20)
        guard !text.allSatisfy(\.isWhitespace) else { throw fields.invalid("text", expected: "what is asked") }
        audio = try fields.optional("audio", "an object with `data`, `file_id` or `path`")
        system = try fields.text("system", maxLength: 1 << 20)
        answer = try fields.text("answer", maxLength: 1 << 20)
        if answer?.allSatisfy(\.isWhitespace) == true { throw fields.invalid("answer", expected: "a text that is not blank") }
    }
}

/// An answer that the client sampled, as text or as tokens.
package struct SuppliedRollout: WireObject, Equatable, Sendable {
    package enum FinishReason: String, CaseIterable, Sendable { case stop, length }

    package var text: String?
    /// All sampled tokens, including the one that ended the answer.
    package var tokens: [Int]?
    /// The log-probability of each token under the distribution that it was drawn from.
    package var logprobs: [Double]?
    /// If absent, a text counts as ended, and tokens count as ended if the last one ends an answer.
    package var finishReason: FinishReason?
    /// Judged by the server if absent.
    package var advantage: Double?

    package init(_ fields: Fields) throws {
        text = try fields.text("text", maxLength: 1 << 20)
        tokens = try fields.optional("tokens", "an array of token ids")
        if let tokens, tokens.isEmpty || tokens.count > 100_000 || !tokens.allSatisfy({ (0...Int(Int32.max)).contains($0) }) {
            throw fields.invalid("tokens", expected: "1 to 100000 token ids")
        }
        if text?.isEmpty ?? (tokens == nil) { throw fields.missing("text", "the answer, as `text` or as `tokens`") }
        logprobs = try fields.optional("logprobs", "an array of numbers")
        if let logprobs {
            guard let tokens, tokens.count == logprobs.count else {
                throw fields.invalid("logprobs", expected: "as many numbers as `tokens` has ids, \(tokens?.count ?? 0)")
            }
            guard logprobs.allSatisfy({ (-1e6...0).contains($0) }) else {
                throw fields.invalid("logprobs", expected: "log-probabilities of at least -1000000, at most 0")
            }
        }
        finishReason = try fields.choice("finish_reason")
        advantage = try fields.number("advantage", in: -1e6...1e6)
    }
}

/// The source of a clip, wherever a request has one: exactly one of the three.
package enum AudioReference: WireObject, Encodable, Equatable, Sendable {
    /// The bytes of an audio file, base64 on the wire.
    case data(Data)
    case file(id: String)
    /// A path below the folder that the operator allows.
    case path(String)

    package init(_ fields: Fields) throws {
        _ = try fields.text("format", maxLength: 32)
        let data: Base64? = try fields.optional("data", "base64 text, or a data URL")
        let file = try fields.text("file_id", maxLength: 128)
        let path = try fields.text("path", maxLength: 4096)
        // A member with a wrong name is told before it is missed.
        try fields.end()
        switch (data, file, path) {
        case (let data?, nil, nil): self = .data(data.bytes)
        case (nil, let file?, nil): self = .file(id: file)
        case (nil, nil, let path?): self = .path(path)
        default:
            throw WireError.value(
                fields.place, expected: "exactly one of `data`, `file_id` and `path`",
                found: "\([data != nil, file != nil, path != nil].count { $0 }) of them")
        }
    }

    /// Writes bytes as their base64 text, the shortest form of `audio`.
    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .data(let bytes): try bytes.base64EncodedString().encode(to: encoder)
        case .file(let id): try ["file_id": id].encode(to: encoder)
        case .path(let path): try ["path": path].encode(to: encoder)
        }
    }
}
