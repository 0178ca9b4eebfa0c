package import Structure

/// How tokens are chosen, and when to stop.
package struct SamplingOptions: Sendable, Equatable {
    /// 0 takes the most probable token, as do temperatures below ``leastTemperature``.
    package var temperature: Double = 1
    /// Keep the k most probable tokens; 0 keeps all.
    package var topK = 0
    /// Keep the smallest set of most probable tokens whose probabilities add up to at least this much.
    package var topP: Double = 1
    /// Drop tokens less probable than this share of the most probable one.
    package var minP: Double = 0
    /// Divides positive and multiplies negative logits of tokens seen in prompt or answer (Keskar et al., 2019); 1 is off.
    package var repetitionPenalty: Double = 1
    /// Subtracted from a logit once per occurrence of the token in the answer.
    package var frequencyPenalty: Double = 0
    /// Subtracted from a logit when the token occurs in the answer.
    package var presencePenalty: Double = 0
    /// Added to logits, by token, after the penalties.
    package var logitBias: [Int32: Float] = [:]
    /// 0 reads the prompt alone.
    package var maxTokens = 256
    /// The model cannot end an answer of fewer tokens; a stop string can.
    package var minTokens = 0
    /// The form that the answer has; nil for any. It ends where the form is whole, whatever ``ignoresEndOfTurn`` says.
    package var structure: Structure?
    /// The answer ends before the first of these; they are not part of it.
    package var stop: [String] = []
    package var seed: UInt64 = 0
    /// How many answers to give to one prompt. Answer i draws from a random stream of its own, of seed and i.
    package var count = 1
    /// Log-probabilities of the chosen tokens, with this many most probable alternatives; nil for none.
    package var logProbabilities: Int?
    /// Go on past the end of the turn, to `maxTokens`.
    package var ignoresEndOfTurn = false
    /// Tell the token that ended the answer, too, as a last ``GenerationEvent/token(choice:id:text:logProbability:)`` without text.
    package var tellsEnd = false

    package init() {}

    /// Temperatures below this are greedy: 1 / temperature must stay a number that a Float holds, and no two logits of a model are
    /// so near to one another that such a temperature would leave both a chance.
    package static let leastTemperature = 1e-5

    /// Holds every number against what the sampler computes with.
    ///
    /// - Throws: ``EngineError/unusableOption(name:expected:found:)`` for the first that is out of its range or no number.
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
