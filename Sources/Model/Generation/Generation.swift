package import Models

/// A prompt to answer, and the weight version that answers it.
package struct GenerationRequest: Sendable {
    package var prompt: Prompt
    package var options: SamplingOptions
    package var version: WeightVersion?
    /// The tokens of the prompt to score; nil for none.
    package var scoring: PromptScoring?
    /// Whether other requests come first, as they do before rollouts and measurements. It waits behind them, and a quarter of the places and of the
    /// cache stays free of low priority.
    package var isLowPriority: Bool
    /// An answer that this one may resemble, such as another arm's to the same question. It can make this one faster (``Drafting``) and never
    /// changes it.
    package var draft: [Int32]

    package init(
        prompt: Prompt, options: SamplingOptions, version: WeightVersion? = nil, scoring: PromptScoring? = nil, isLowPriority: Bool = false,
        draft: [Int32] = []
    ) {
        self.prompt = prompt
        self.options = options
        self.version = version
        self.scoring = scoring
        self.isLowPriority = isLowPriority
        self.draft = draft
    }
}

/// Selects prompt tokens whose log-probabilities are reported: those from `start` on, each given all tokens before it. The first token of a prompt
/// has no predecessor and is never scored.
package struct PromptScoring: Sendable, Equatable {
    package let start: Int
    /// The number of likeliest tokens reported per position.
    package let alternatives: Int

    /// - Parameter start: At least 1.
    package init(from start: Int = 1, alternatives: Int = 0) {
        precondition(start > 0, "the first token of a prompt has no log-probability")
        self.start = start
        self.alternatives = alternatives
    }
}

package enum FinishReason: String, Sendable {
    /// The model ended its turn, or a stop string occurred.
    case stop
    /// `maxTokens` or the end of the context was reached.
    case length
}

/// An event of a request. `choice` numbers the answers from 0.
package enum GenerationEvent: Sendable {
    /// Consecutive prompt tokens were scored. Together the events cover ``GenerationRequest/scoring``, in order.
    case prompt([TokenLogProbability])
    /// A token was chosen. `text` is the text that it completed, often part of a word, sometimes empty.
    case token(choice: Int, id: Int32, text: String, logProbability: TokenLogProbability?)
    /// An answer ended. `text` is what was still held back.
    case finished(choice: Int, reason: FinishReason, text: String)
    /// All answers ended.
    case done(GenerationTimings)
}

/// The durations of one request in seconds, and what the cache saved.
package struct GenerationTimings: Sendable, Equatable {
    /// From submission to the first forward pass.
    package var queued = 0.0
    /// Time in the audio encoder.
    package var encoding = 0.0
    /// From submission to the first token.
    package var firstToken = 0.0
    package var total = 0.0
    package var promptTokens = 0
    /// The number of prompt tokens whose keys and values were cached.
    package var cachedTokens = 0
    package var completionTokens = 0
    /// The number of guessed tokens, and how many of them the answers contain.
    package var draftTokens = 0
    package var acceptedTokens = 0

    package init() {}
}

package enum EngineError: Error, Sendable, Equatable, CustomStringConvertible {
    case queueFull(limit: Int)
    case promptTooLong(tokens: Int, limit: Int)
    case tooLargeForCache(tokens: Int, limit: Int)
    case emptyPrompt
    case unknownToken(Int, vocabulary: Int)
    case unusableOption(name: String, expected: String, found: String)
    /// The logits are not a distribution over the vocabulary.
    case noDistribution
    /// The form of an answer has more states than are kept.
    case unfollowableForm(reason: String)
    case stopped

    package var description: String {
        switch self {
        case .queueFull(let limit): "the queue already holds \(limit) requests; try again later"
        case .promptTooLong(let tokens, let limit):
            "the prompt has \(tokens) tokens; the model's context of \(limit) must hold it and at least one token of the answer"
        case .tooLargeForCache(let tokens, let limit):
            "the request may need \(tokens) cached tokens; the server's cache holds \(limit)"
        case .emptyPrompt: "the prompt has no tokens"
        case .unknownToken(let id, let vocabulary):
            "the tokenizer gives the token \(id); the model has embeddings of \(vocabulary). tokenizer.json belongs to another model"
        case .unusableOption(let name, let expected, let found): "\(name): expected \(expected), found \(found)"
        case .noDistribution:
            "the model's logits for the next token are NaN, infinite or all −∞, so no token can be chosen; the weights that answered, or the "
                + "request's penalties, leave the range of numbers"
        case .unfollowableForm(let reason): "the answer cannot be held to its form any further: \(reason)"
        case .stopped: "the engine has stopped"
        }
    }
}

/// A complete answer, for callers that do not stream.
package struct Completion: Sendable, Equatable {
    package var tokens: [Int32] = []
    package var text = ""
    package var logProbabilities: [TokenLogProbability] = []
    package var finishReason = FinishReason.length

    package init() {}
}

/// All answers to one request, assembled from its events.
package struct Answers: Sendable {
    /// In the order of their choices.
    package private(set) var answers: [Completion]
    /// The scores that ``GenerationRequest/scoring`` asks for.
    package private(set) var prompt: [TokenLogProbability] = []
    package private(set) var timings = GenerationTimings()

    /// - Parameter count: The number of answers that the request asks for.
    package init(_ count: Int = 1) { answers = Array(repeating: Completion(), count: count) }

    package mutating func take(_ event: GenerationEvent) {
        switch event {
        case .prompt(let scored): prompt += scored
        case .token(let choice, let id, let text, let logProbability):
            answers[choice].tokens.append(id)
            answers[choice].text += text
            if let logProbability { answers[choice].logProbabilities.append(logProbability) }
        case .finished(let choice, let reason, let text):
            answers[choice].text += text
            answers[choice].finishReason = reason
        case .done(let measured): timings = measured
        }
    }
}
