package import API
package import Generation
import Models

extension SamplingFields {
    /// These fields over `options`; what they leave out stays.
    func over(_ options: SamplingOptions, _ model: LoadedModel) -> SamplingOptions {
        var options = options
        if let temperature { options.temperature = temperature }
        if let topP { options.topP = topP }
        if let topK { options.topK = min(max(0, topK), model.model.decoder.configuration.vocabularySize) }
        if let minP { options.minP = minP }
        if let frequencyPenalty { options.frequencyPenalty = frequencyPenalty }
        if let presencePenalty { options.presencePenalty = presencePenalty }
        if let repetitionPenalty { options.repetitionPenalty = repetitionPenalty }
        if let maxTokens { options.maxTokens = min(maxTokens, model.model.contextLength) }
        if let seed { options.seed = UInt64(bitPattern: Int64(seed)) }
        options.stop = stop
        return options
    }
}

extension Runtime {
    /// A request's fields over the model's own defaults, with a seed of its own where the request has none.
    package func options(_ fields: SamplingFields, count: Int = 1, logProbabilities: Int? = nil) -> SamplingOptions {
        var options = model.defaults
        // Below 2⁵³, so that clients whose numbers are doubles can send it back.
        options.seed = .random(in: 0..<1 << 53)
        options.count = count
        options.logProbabilities = logProbabilities
        return fields.over(options, model)
    }
}
