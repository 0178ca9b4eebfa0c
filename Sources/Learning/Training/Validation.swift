/// How weights perform on held-out pairs, in the terms of their training.
///
///     a method that imitates gold    loss, tokenAccuracy         of the gold tokens behind the spoken question
///     all others                     klMean, teacherAgreement    D_t along the weights' own greedy spoken answers; the teacher is the
///                                                                training's: the frozen first weights, or the current ones (absent for one
///                                                                behind an address, of which whole distributions are unknown)
///     pairs with a right answer      audioAccuracy, textAccuracy of greedy answers to the question spoken and typed
package struct Validation: Sendable, Equatable, Codable {
    /// The number of validated pairs.
    package var pairs = 0
    /// The mean −log π of gold tokens, in nats.
    package var loss: Double?
    /// The share of gold tokens that are the likeliest.
    package var tokenAccuracy: Double?
    /// Mean D_t, in nats.
    package var klMean: Double?
    /// The share of positions where student and teacher have the same likeliest token.
    package var teacherAgreement: Double?
    /// The number of pairs with a reference answer, whose answers were judged.
    package var judged: Int?
    package var audioAccuracy: Double?
    package var textAccuracy: Double?

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case pairs, loss, judged
        case tokenAccuracy = "token_accuracy"
        case klMean = "kl_mean"
        case teacherAgreement = "teacher_agreement"
        case audioAccuracy = "audio_accuracy"
        case textAccuracy = "text_accuracy"
    }

    /// The numbers by name, for logs.
    package var values: [(name: String, value: Double)] {
        [
            ("loss", loss), ("token_accuracy", tokenAccuracy), ("kl_mean", klMean), ("teacher_agreement", teacherAgreement),
            ("audio_accuracy", audioAccuracy), ("text_accuracy", textAccuracy),
        ].compactMap { name, value in value.map { (name, $0) } }
    }
}
