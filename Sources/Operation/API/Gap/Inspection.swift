/// `POST /v1/gap/inspect`: one pair, token by token.

/// A spoken and a typed form of one question, and the answer along which they are compared.
package struct InspectRequest: Decodable, Equatable, Sendable {
    package var model: String?
    package var audio: AudioReference
    package var text: String
    /// The answer to follow; decoded greedily from the audio if absent.
    package var continuation: String?
    package var maxTokens: Int?
    /// The number of likeliest tokens shown per position, for both distributions.
    package var top: Int
    /// The objective that defines the weights w_t.
    package var objective: CordObjective

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        model = try fields.model()
        audio = try fields.required("audio", "an object with `data`, `file_id` or `path`")
        text = try fields.name("text", maxLength: 1 << 20)
        continuation = try fields.text("continuation")
        maxTokens = try fields.integer("max_tokens", in: 1...100_000)
        top = try fields.integer("top", in: 0...20) ?? 5
        objective = try fields.optional("objective", "an object") ?? CordObjective()
        try fields.end()
    }
}

/// Where along an answer the audio-conditioned distribution departs from the text-conditioned one.
package struct Inspection: Codable, Equatable, Sendable {
    package var id: String
    package var object = "gap.inspection"
    package var model: String
    package var weightVersion: String
    package var continuation: String
    package var tokens: [InspectedToken]
    package var divergenceMean: Double
    package var divergenceP80: Double
    /// Pearson's correlation of D_t with t.
    package var positionCorrelation: Double?
    /// Σ w_t D_t, reduced as the objective says.
    package var tokenLoss: Double
    package var cord: CordExtension

    package init(
        id: String, model: String, weightVersion: String, continuation: String, tokens: [InspectedToken], divergenceMean: Double,
        divergenceP80: Double, positionCorrelation: Double? = nil, tokenLoss: Double, cord: CordExtension
    ) {
        (self.id, self.model, self.weightVersion, self.continuation, self.tokens) = (id, model, weightVersion, continuation, tokens)
        (self.divergenceMean, self.divergenceP80, self.positionCorrelation) = (divergenceMean, divergenceP80, positionCorrelation)
        (self.tokenLoss, self.cord) = (tokenLoss, cord)
    }
}

/// One position of the answer.
package struct InspectedToken: Codable, Equatable, Sendable {
    package var position: Int
    package var token: Int
    package var text: String
    /// D_t in nats, over the whole vocabulary.
    package var divergence: Double
    /// The rank of D_t within the answer, 1 for the largest.
    package var rank: Int
    /// w_t.
    package var weight: Double
    package var logprobAudio: Double
    package var logprobText: Double
    /// The entropy in nats.
    package var entropyAudio: Double
    package var entropyText: Double
    package var topAudio: [TopLogprob]
    package var topText: [TopLogprob]

    package init(
        position: Int, token: Int, text: String, divergence: Double, rank: Int, weight: Double, logprobAudio: Double, logprobText: Double,
        entropyAudio: Double, entropyText: Double, topAudio: [TopLogprob], topText: [TopLogprob]
    ) {
        (self.position, self.token, self.text, self.divergence, self.rank, self.weight) = (position, token, text, divergence, rank, weight)
        (self.logprobAudio, self.logprobText, self.entropyAudio, self.entropyText) = (logprobAudio, logprobText, entropyAudio, entropyText)
        (self.topAudio, self.topText) = (topAudio, topText)
    }
}
