/// A spoken and a typed form of one question, and the answer along which they are compared.
package struct InspectRequest: WireObject, Equatable, Sendable {
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

    package init(_ fields: Fields) throws {
        model = try fields.model()
        audio = try fields.required("audio", "an object with `data`, `file_id` or `path`")
        text = try fields.name("text", maxLength: 1 << 20)
        continuation = try fields.text("continuation")
        maxTokens = try fields.integer("max_tokens", in: 1...100_000)
        top = try fields.integer("top", in: 0...20) ?? 5
        objective = try fields.optional("objective", "an object") ?? CordObjective()
    }
}
