package import API

/// The responses of `GET /v1/models`, `POST /v1/tokenize` and `POST /v1/detokenize`.

/// What a model is of.
package struct ModelFamilyObject: Codable, Equatable, Sendable {
    /// The `model_type` of its configuration.
    package var name: String
    /// Seconds of the longest clip that the model hears; 0 where it reads text alone.
    package var longestClipSeconds: Double
    /// Tokens that a second of sound becomes; 0 where it reads text alone.
    package var audioTokensPerSecond: Double
    /// That of the family's published models.
    package var licence: String
    /// The reference that the family was held against, on random checkpoints.
    package var heldAgainst: String
}

/// A base model or a weight version over it.
package struct ModelObject: Codable, Equatable, Sendable {
    package var id: String
    package var object = "model"
    package var created: Int
    package var ownedBy = "cord"
    /// The checkpoint behind this model.
    @Nullable package var root: String? = nil
    /// The base of a weight version; null for the base itself.
    @Nullable package var parent: String? = nil
    package var maxModelLen: Int?
    /// The storage format of the weights: `bfloat16`, `int8`, `Q4_0`.
    package var dtype: String?
    package var inputModalities = ["text", "audio"]
    package var outputModalities = ["text"]
    package var weightVersion: String?
    package var family: ModelFamilyObject?
}

package struct TokenizeResponse: Codable, Equatable, Sendable {
    package var count: Int
    package var maxModelLen: Int
    package var tokens: [Int]
    package var tokenStrs: [String]?

    init(tokens: [Int], maxModelLen: Int, tokenStrs: [String]? = nil) {
        count = tokens.count
        (self.tokens, self.maxModelLen, self.tokenStrs) = (tokens, maxModelLen, tokenStrs)
    }
}

package struct DetokenizeResponse: Codable, Equatable, Sendable {
    package var prompt: String
}
