package import API
package import Generation
import Models
package import Tokenization

extension SamplingFields {
    /// Applies these fields to `options`. Absent fields change nothing.
    func over(_ options: SamplingOptions, _ model: LoadedModel) -> SamplingOptions {
        var options = options
        if let temperature { options.temperature = temperature }
        if let topP { options.topP = topP }
        if let topK { options.topK = min(max(0, topK), model.model.decoder.configuration.vocabularySize) }
        if let minP { options.minP = minP }
        if let frequencyPenalty { options.frequencyPenalty = frequencyPenalty }
        if let presencePenalty { options.presencePenalty = presencePenalty }
        if let repetitionPenalty { options.repetitionPenalty = repetitionPenalty }
        if let maxCompletionTokens { options.maxTokens = min(maxCompletionTokens, model.model.contextLength) }
        if let seed { options.seed = UInt64(bitPattern: Int64(seed)) }
        options.stop = stop ?? []
        return options
    }
}

extension Runtime {
    /// A request's fields over the model's defaults. A request without a seed gets a random one.
    package func options(
        _ fields: SamplingFields, _ controls: TokenControls = TokenControls(), count: Int = 1, logProbabilities: Int? = nil
    ) -> SamplingOptions {
        var options = model.defaults
        // Below 2⁵³, so that clients that store numbers as doubles can send it back.
        options.seed = .random(in: 0..<1 << 53)
        options.count = count
        options.logProbabilities = logProbabilities
        options.logitBias = Dictionary(uniqueKeysWithValues: controls.logitBias.map { (Int32($0.key), Float($0.value)) })
        options.ignoresEndOfTurn = controls.ignoreEos
        options.minTokens = controls.minTokens
        return fields.over(options, model)
    }

    /// The chat template's variables for the requested effort and verbosity, and the names of those members that it does not know.
    package func manner(_ effort: ReasoningEffort?, _ verbosity: Verbosity?) -> (variables: [String: TemplateValue], ignored: [String]) {
        var (variables, ignored): ([String: TemplateValue], [String]) = ([:], [])
        if let effort {
            if model.chat.mayRead("reasoning_effort") { variables["reasoning_effort"] = .string(effort.rawValue) }
            if model.chat.mayRead("enable_thinking") { variables["enable_thinking"] = .bool(effort != .none) }
            // `none` asks a model that cannot reason for what it does anyway.
            if variables.isEmpty, effort != .none { ignored.append("reasoning_effort") }
        }
        // `medium` is the default.
        if let verbosity, verbosity != .medium { ignored.append("verbosity") }
        return (variables, ignored)
    }
}
