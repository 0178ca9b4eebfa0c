/// Which tokens may come, beside how they are drawn: OpenAI's and vLLM's members of a request.
package struct TokenControls: Equatable, Sendable {
    /// Added to the logits of tokens, by their ids; −100 all but forbids one.
    package var logitBias: [Int: Double] = [:]
    /// Whether the answer goes on past the model's end of it, to `max_tokens`.
    package var ignoreEos = false
    /// The model cannot end an answer of fewer tokens.
    package var minTokens = 0

    package init() {}

    /// - Parameter maxTokens: What the request asks for at most.
    init(_ fields: Fields, maxTokens: Int?) throws {
        logitBias = try Self.biases(fields)
        ignoreEos = try fields.flag("ignore_eos") ?? false
        minTokens = try fields.integer("min_tokens", in: 0...Int.max) ?? 0
        if let maxTokens, minTokens > maxTokens {
            throw fields.invalid("min_tokens", expected: "at most the most tokens to generate (\(maxTokens))")
        }
    }

    private static func biases(_ fields: Fields) throws -> [Int: Double] {
        // An empty array stands for an empty object with some clients.
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

/// How long a model may think, in OpenAI's words.
package enum ReasoningEffort: String, Codable, CaseIterable, Sendable { case none, minimal, low, medium, high, xhigh }

/// How long an answer may be, in OpenAI's words.
package enum Verbosity: String, Codable, CaseIterable, Sendable { case low, medium, high }
