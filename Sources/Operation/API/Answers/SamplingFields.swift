/// Sampling parameters, as every answering route reads them. An absent one takes the model's own default.
package struct SamplingFields: Codable, Equatable, Sendable {
    /// 0 to 2. Values below 1e-5 are greedy.
    package var temperature: Double?
    package var topP: Double?
    /// The number of candidates kept; 0 and −1 keep all.
    package var topK: Int?
    package var minP: Double?
    /// The maximum number of tokens to generate, from `max_completion_tokens` or its older name `max_tokens`.
    package var maxTokens: Int?
    /// Strings that end the answer; they are not part of it.
    package var stop: [String]
    package var seed: Int?
    package var frequencyPenalty: Double?
    package var presencePenalty: Double?
    /// 0.01 to 100; 1 has no effect.
    package var repetitionPenalty: Double?

    package init(
        temperature: Double? = nil, topP: Double? = nil, topK: Int? = nil, minP: Double? = nil, maxTokens: Int? = nil, stop: [String] = [],
        seed: Int? = nil, frequencyPenalty: Double? = nil, presencePenalty: Double? = nil, repetitionPenalty: Double? = nil
    ) {
        (self.temperature, self.topP, self.topK, self.minP, self.maxTokens) = (temperature, topP, topK, minP, maxTokens)
        (self.stop, self.seed, self.frequencyPenalty) = (stop, seed, frequencyPenalty)
        (self.presencePenalty, self.repetitionPenalty) = (presencePenalty, repetitionPenalty)
    }

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
        maxTokens = try fields.integer(limit, in: leastTokens...Int.max)
        if let olderLimit, let older = try fields.integer(olderLimit, in: leastTokens...Int.max) {
            if let maxTokens, older != maxTokens {
                throw fields.invalid(olderLimit, expected: "the same as `\(limit)` (\(maxTokens)), or nothing")
            }
            maxTokens = older
        }
        stop = try fields.optional("stop", "a string or an array of strings", as: Stop.self)?.strings ?? []
        guard stop.count <= 16, stop.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 1024 }) else {
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
        (maxTokens, seed) = (maxTokens ?? other.maxTokens, seed ?? other.seed)
        if stop.isEmpty { stop = other.stop }
        (frequencyPenalty, presencePenalty) = (frequencyPenalty ?? other.frequencyPenalty, presencePenalty ?? other.presencePenalty)
        repetitionPenalty = repetitionPenalty ?? other.repetitionPenalty
    }

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        self = try SamplingFields(fields)
        try fields.end()
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(temperature, forKey: .temperature)
        try container.encodeIfPresent(topP, forKey: .topP)
        try container.encodeIfPresent(topK, forKey: .topK)
        try container.encodeIfPresent(minP, forKey: .minP)
        try container.encodeIfPresent(maxTokens, forKey: .maxTokens)
        if !stop.isEmpty { try container.encode(stop, forKey: .stop) }
        try container.encodeIfPresent(seed, forKey: .seed)
        try container.encodeIfPresent(frequencyPenalty, forKey: .frequencyPenalty)
        try container.encodeIfPresent(presencePenalty, forKey: .presencePenalty)
        try container.encodeIfPresent(repetitionPenalty, forKey: .repetitionPenalty)
    }

    private enum CodingKeys: String, CodingKey {
        case temperature, stop, seed, topP, topK, minP, frequencyPenalty, presencePenalty, repetitionPenalty
        case maxTokens = "maxCompletionTokens"
    }

    private struct Stop: Decodable {
        var strings: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let one = try? container.decode(String.self) {
                strings = [one]
            } else {
                strings = try container.decode([String].self)
            }
        }
    }
}
