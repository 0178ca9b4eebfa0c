package import Structure

/// How tokens are chosen, and when an answer stops.
package struct SamplingOptions: Sendable, Equatable {
    /// 0 and values below ``leastTemperature`` choose the likeliest token.
    package var temperature: Double = 1
    /// Keeps the k likeliest tokens; 0 keeps all.
    package var topK = 0
    /// Keeps the smallest set of likeliest tokens whose probabilities add up to at least this value.
    package var topP: Double = 1
    /// Drops tokens less probable than this share of the likeliest one.
    package var minP: Double = 0
    /// Divides positive and multiplies negative logits of tokens seen in prompt or answer (Keskar et al., 2019); 1 is off.
    package var repetitionPenalty: Double = 1
    /// Subtracted from a logit once per occurrence of the token in the answer.
    package var frequencyPenalty: Double = 0
    /// Subtracted from a logit when the token occurs in the answer.
    package var presencePenalty: Double = 0
    /// Added to logits, by token, after the penalties.
    package var logitBias: [Int32: Float] = [:]
    /// 0 only reads the prompt.
    package var maxTokens = 256
    /// The number of tokens before which the model cannot end its answer; a stop string still can.
    package var minTokens = 0
    /// The form of the answer; nil for any. The answer ends when the form is complete, whatever ``ignoresEndOfTurn`` says.
    package var structure: Structure?
    /// The answer ends before the first occurrence of one of these; they are not part of it.
    package var stop: [String] = []
    package var seed: UInt64 = 0
    /// The number of answers per prompt. Answer i draws from its own random stream, made from the seed and i.
    package var count = 1
    /// Reports log-probabilities of the chosen tokens with this many alternatives; nil for none.
    package var logProbabilities: Int?
    /// Continues past the end of the turn, up to `maxTokens`.
    package var ignoresEndOfTurn = false
    /// Also reports the token that ended the answer, as a last ``GenerationEvent/token(choice:id:text:logProbability:)`` without text.
    package var tellsEnd = false

    package init() {}

    /// Temperatures below this are greedy. 1 / temperature must be representable as a Float, and at such a temperature two different logits of a
    /// model never both have a chance.
    package static let leastTemperature = 1e-5

    /// Checks every number against the range with which the sampler computes.
    ///
    /// - Throws: ``EngineError/unusableOption(name:expected:found:)`` for the first number that is out of range or not a number.
    package func check() throws(EngineError) {
        func hold<Value: Comparable>(_ name: String, _ value: Value, in range: ClosedRange<Value>) throws(EngineError) {
            if range.contains(value) { return }
            throw .unusableOption(
                name: name, expected: "\(range.lowerBound) to \(range.upperBound)", found: "\(value)")
        }
        try hold("temperature", temperature, in: 0...100)
        try hold("top_k", topK, in: 0...Int.max)
        try hold("top_p", topP, in: 0...1)
        try hold("min_p", minP, in: 0...1)
        try hold("repetition_penalty", repetitionPenalty, in: 0.01...100)
        try hold("frequency_penalty", frequencyPenalty, in: -100...100)
        try hold("presence_penalty", presencePenalty, in: -100...100)
        try hold("max_tokens", maxTokens, in: 0...Int.max)
        try hold("min_tokens", minTokens, in: 0...Int.max)
        for bias in logitBias.values { try hold("logit_bias", bias, in: -100...100) }
        try hold("n", count, in: 1...1 << 16)
        try hold("top_logprobs", logProbabilities ?? 0, in: 0...1 << 16)
    }

    package static var greedy: SamplingOptions {
        var options = SamplingOptions()
        options.temperature = 0
        return options
    }
}
