import Foundation
package import Remote
import Tokenization

/// A frozen teacher that another server computes. What such a server tells are the log-probabilities of tokens that it is shown, so the teacher
/// serves ``Objective/Method/opdSampled`` alone.
///
///     POST …/completions {"prompt": [ids of the typed question, ids of the rollout], "echo": true, "max_tokens": 0, "logprobs": 1}
///       → choices[0].logprobs: {"tokens": […], "token_logprobs": […]}, an element for each id
///
/// `cord` answers so. The teacher must have this model's tokens: the ids are this model's, in its chat format.
package struct TeacherEndpoint: Sendable {
    /// The address and the model, as records and errors name the teacher. Never the key.
    package let name: String
    private let endpoint: Endpoint
    private let model: String?

    /// - Parameters:
    ///   - address: With its version prefix, as in `http://localhost:8080/v1`.
    ///   - model: Sent as `model`; nil sends none.
    ///   - key: Sent as Bearer token.
    /// - Throws: ``TrainingError/options(_:)`` if `address` is none.
    package init(
        _ address: String, model: String? = nil, key: String? = nil, timeout: Double = 60, retries: RetryPolicy = RetryPolicy()
    ) throws(TrainingError) {
        guard let url = URL(string: address), ["http", "https"].contains(url.scheme), url.host?.isEmpty == false else {
            throw .options("the teacher: expected an address such as http://localhost:8080/v1, found \(address)")
        }
        name = model.map { "\(address) (\($0))" } ?? address
        self.model = model
        endpoint = Endpoint(base: url, key: key, timeout: timeout, retries: retries)
    }

    /// log q of every token of an answer behind a prompt, at temperature 1.
    ///
    /// - Throws: ``TeacherFailure``; `CancellationError`.
    func logProbabilities(of answer: [Int32], after prompt: [Int32], _ tokenizer: Tokenizer) async throws -> [Float] {
        struct Question: Encodable {
            let model: String?
            let prompt: [Int32]
            let echo = true
            let max_tokens = 0
            let logprobs = 1
            let temperature = 0
        }
        struct Answer: Decodable {
            struct Scores: Decodable {
                let tokens: [String]
                let token_logprobs: [Double?]
            }
            struct Choice: Decodable { let logprobs: Scores? }
            let choices: [Choice]
        }
        let data: Data
        do {
            data = try await endpoint.post("completions", json: JSONEncoder().encode(Question(model: model, prompt: prompt + answer)))
        } catch let error as EndpointError {
            throw TeacherFailure(teacher: name, reason: "\(error)")
        }
        guard let scores = (try? JSONDecoder().decode(Answer.self, from: data))?.choices.first?.logprobs else {
            throw TeacherFailure(
                teacher: name,
                reason: "expected choices[0].logprobs with tokens and token_logprobs, found \(String(decoding: data.prefix(200), as: UTF8.self))")
        }
        let count = prompt.count + answer.count
        guard scores.token_logprobs.count >= count, scores.tokens.count >= count else {
            throw TeacherFailure(teacher: name, reason: "expected log-probabilities of \(count) tokens, found \(scores.token_logprobs.count)")
        }
        return try answer.indices.map { t in
            let place = prompt.count + t
            try check(scores.tokens[place], is: answer[t], tokenizer)
            guard let value = scores.token_logprobs[place], value.isFinite, value <= 1e-3 else {
                let found = scores.token_logprobs[place].map { "\($0)" } ?? "null"
                throw TeacherFailure(teacher: name, reason: "expected a log-probability of token \(answer[t]), found \(found)")
            }
            return Float(min(0, value))
        }
    }

    /// Refuses a teacher with other tokens, as far as their spellings tell: servers write spaces and bytes in ways of their own, so words alone are
    /// compared.
    private func check(_ spelling: String, is token: Int32, _ tokenizer: Tokenizer) throws(TeacherFailure) {
        func word(_ text: String) -> String { text.trimmingCharacters(in: CharacterSet(charactersIn: " Ġ▁")) }
        let mine = word(tokenizer.decode([TokenID(token)]))
        guard mine.count > 1, mine.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) }), word(spelling) != mine else {
            return
        }
        throw TeacherFailure(teacher: name, reason: "it reads token \(token) as \"\(spelling)\", this model as \"\(mine)\": it has other tokens")
    }
}

/// Why a teacher behind an address gave nothing. It ends the step, which would otherwise learn from fewer pairs in silence.
package struct TeacherFailure: Error, Equatable, CustomStringConvertible {
    package let teacher: String
    package let reason: String

    package var description: String { "the teacher \(teacher): \(reason)" }
}
