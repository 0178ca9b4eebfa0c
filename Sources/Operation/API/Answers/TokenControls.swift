/// Constraints on which tokens may be sampled: members of OpenAI's and vLLM's requests.
package struct TokenControls: Equatable, Sendable {
    /// Biases added to the logits, by token id. −100 all but forbids a token.
    package var logitBias: [Int: Double] = [:]
    /// Whether the answer continues past the model's end token, up to `max_tokens`.
    package var ignoreEos = false
    /// The number of tokens before which the model cannot end its answer.
    package var minTokens = 0

    package init() {}

    /// - Parameter maxTokens: The requested maximum.
    init(_ fields: Fields, maxTokens: Int?) throws {
        logitBias = try Self.biases(fields)
        ignoreEos = try fields.flag("ignore_eos") ?? false
        minTokens = try fields.integer("min_tokens", in: 0...Int.max) ?? 0
        if let maxTokens, minTokens > maxTokens {
            throw fields.invalid("min_tokens", expected: "at most the most tokens to generate (\(maxTokens))")
        }
    }

    private static func biases(_ fields: Fields) throws -> [Int: Double] {
        // Some clients send an empty array in place of an empty object.
        if fields.has("logit_bias"), fields.isEmpty("logit_bias") {
            fields.take(["logit_bias"])
            return [:]
        }
        let expected = "an object from token ids to numbers from -100 to 100"
        let named: [String: Double] = try fields.optional("logit_bias", expected) ?? [:]
        guard named.count <= 1024 else { throw fields.invalid("logit_bias", expected: "at most 1024 tokens") }
        return Dictionary(
            try named.map { name, value in
                guard name.count < 10, let token = Int(name), String(token) == name, token >= 0, (-100...100).contains(value) else {
                    throw WireError.value(fields.place("logit_bias"), expected: expected, found: "\"\(WireValue.cut(name))\": \(value)")
                }
                return (token, value)
            }, uniquingKeysWith: { $1 })
    }
}

/// OpenAI's levels of how long a model may reason.
package enum ReasoningEffort: String, Codable, CaseIterable, Sendable { case none, minimal, low, medium, high, xhigh }

/// OpenAI's levels of how long an answer may be.
package enum Verbosity: String, Codable, CaseIterable, Sendable { case low, medium, high }
