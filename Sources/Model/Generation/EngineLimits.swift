package import Models

/// The limits of an engine's memory and concurrency.
package struct EngineLimits: Sendable, Equatable {
    /// The number of answers that grow at the same time.
    package var sequences = 64
    /// The number of requests that may wait; further ones are refused.
    package var queue = 256
    /// Rows of one forward pass. Longer prompts are read in pieces, between which other answers continue.
    package var batchTokens = 1024
    /// Log-mel frames encoded between two forward passes; a single longer clip is still encoded whole.
    package var encoderFrames = 3000
    /// Memory for keys and values, shared by running answers and cached prefixes.
    package var cacheBytes = 1 << 30
    /// How keys and values are kept.
    package var cacheFormat = KeyValueFormat.float32
    /// Memory for cached audio embeddings.
    package var embeddingBytes = 64 << 20
    package var drafting = Drafting.off

    package init() {}
}

/// Counters since the start, for `/metrics`.
package struct EngineStatistics: Sendable, Equatable {
    package var requests = 0
    /// The number of growing answers.
    package var running = 0
    package var runningRequests = 0
    package var waiting = 0
    /// The ids of weight versions that running and waiting requests use, without the base.
    package var runningVersions: Set<String> = []
    package var waitingVersions: Set<String> = []
    package var promptTokens = 0
    package var cachedTokens = 0
    package var completionTokens = 0
    package var audioSeconds = 0.0
    /// The number of clips that the encoder computed.
    package var encodedClips = 0
    package var forwardPasses = 0
    package var cacheBlocks = 0
    package var cacheBlockLimit = 0
    package var blockBytes = 0
    package var embeddingBytes = 0
    package var cancelled = 0
    /// The number of guesses computed, their tokens, and how many of those the answers contain.
    package var drafts = 0
    package var draftTokens = 0
    package var acceptedTokens = 0
}
