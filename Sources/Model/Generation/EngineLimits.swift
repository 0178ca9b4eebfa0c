/// What an engine may hold and do at once.
package struct EngineLimits: Sendable, Equatable {
    /// Answers that grow at the same time.
    package var sequences = 64
    /// Requests that wait for a place; more are refused.
    package var queue = 256
    /// Rows of one forward pass: prompts longer than this are read in pieces, between which other answers go on.
    package var batchTokens = 1024
    /// Log-mel frames encoded between two forward passes, unless a single clip has more.
    package var encoderFrames = 3000
    /// Memory for keys and values, shared by running answers and remembered prefixes.
    package var cacheBytes = 1 << 30
    /// Memory for remembered audio embeddings.
    package var embeddingBytes = 64 << 20
    package var drafting = Drafting.off

    package init() {}
}

/// Counters since the start, for `/metrics`.
package struct EngineStatistics: Sendable, Equatable {
    package var requests = 0
    /// Answers.
    package var running = 0
    package var runningRequests = 0
    package var waiting = 0
    /// Ids of the weight versions that requests are answered with and wait for; not of the base.
    package var runningVersions: Set<String> = []
    package var waitingVersions: Set<String> = []
    package var promptTokens = 0
    package var cachedTokens = 0
    package var completionTokens = 0
    package var audioSeconds = 0.0
    package var forwardPasses = 0
    package var cacheBlocks = 0
    package var cacheBlockLimit = 0
    package var blockBytes = 0
    package var embeddingBytes = 0
    package var cancelled = 0
    /// Guesses of an answer's next tokens that a pass computed, how many tokens they had, and how many of these the answers have.
    package var drafts = 0
    package var draftTokens = 0
    package var acceptedTokens = 0
}
