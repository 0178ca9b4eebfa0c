/// Sampling parameters, as every answering route reads them. An absent one takes the model's own default.
package struct SamplingFields: WireObject, Encodable, Equatable, Sendable {
    /// 0 to 2. Values below 1e-5 are greedy.
    package var temperature: Double?
    package var topP: Double?
    /// The number of candidates kept; 0 and −1 keep all.
    package var topK: Int?
    package var minP: Double?
    /// The maximum number of tokens to generate, from `max_completion_tokens` or its older name `max_tokens`.
    package var maxCompletionTokens: Int?
    /// Strings that end the answer; they are not part of it.
    package var stop: [String]?
    package var seed: Int?
    package var frequencyPenalty: Double?
    package var presencePenalty: Double?
    /// 0.01 to 100; 1 has no effect.
    package var repetitionPenalty: Double?

    package init(temperature: Double? = nil) { self.temperature = temperature }

    package init(_ fields: Fields) throws { try self.init(fields, leastTokens: 1) }

    /// - Parameters:
    ///   - leastTokens: The smallest number of tokens that a request may ask for.
    ///   - limit: The name of the member that holds the maximum number of tokens.
    ///   - olderLimit: Its older name, if it has one.
    init(
        _ fields: Fields, leastTokens: Int = 1, limit: String = "max_completion_tokens", olderLimit: String? = "max_tokens"
    ) throws {
        temperature = try fields.number("temperature", in: 0...2)
        topP = try fields.positive("top_p", upTo: 1, atLeast: .leastNonzeroMagnitude)
        topK = try fields.integer("top_k", in: -1...Int.max)
        minP = try fields.number("min_p", in: 0...1)
        maxCompletionTokens = try fields.integer(limit, in: leastTokens...Int.max)
        if let olderLimit, let older = try fields.integer(olderLimit, in: leastTokens...Int.max) {
            if let newer = maxCompletionTokens, older != newer {
                throw fields.invalid(olderLimit, expected: "the same as `\(limit)` (\(newer)), or nothing")
            }
            maxCompletionTokens = older
        }
        stop = try fields.optional("stop", "a string or an array of strings", as: TextOrArray<String>.self)?.elements { $0 }
        if let stop, stop.count > 16 || !stop.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 1024 }) {
            throw fields.invalid("stop", expected: "at most 16 strings of 1 to 1024 bytes")
        }
        seed = try fields.integer("seed", in: Int.min...Int.max)
        frequencyPenalty = try fields.number("frequency_penalty", in: -2...2)
        presencePenalty = try fields.number("presence_penalty", in: -2...2)
        // The logits it multiplies or divides must stay within the range of Float.
        repetitionPenalty = try fields.number("repetition_penalty", in: 0.01...100)
    }

    /// Takes what others say where these say nothing.
    mutating func fill(from other: SamplingFields) {
        (temperature, topP, topK, minP) = (temperature ?? other.temperature, topP ?? other.topP, topK ?? other.topK, minP ?? other.minP)
        (maxCompletionTokens, stop, seed) = (maxCompletionTokens ?? other.maxCompletionTokens, stop ?? other.stop, seed ?? other.seed)
        (frequencyPenalty, presencePenalty) = (frequencyPenalty ?? other.frequencyPenalty, presencePenalty ?? other.presencePenalty)
        repetitionPenalty = repetitionPenalty ?? other.repetitionPenalty
    }
}
