/// `POST /v1/gap/inspect`: one pair, token by token.

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
}
