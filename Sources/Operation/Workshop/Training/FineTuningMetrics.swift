/// OpenAI's metrics. Those with the prefix `full_valid_` come from validation on held-out pairs: a loss or a divergence, depending on the method.
/// Unknown numbers are left out.
package struct FineTuningMetrics: Codable, Equatable, Sendable {
    package var step: Double
    package var trainLoss: Double?
    package var trainMeanTokenAccuracy: Double?
    package var validLoss: Double?
    package var validMeanTokenAccuracy: Double?
    package var fullValidLoss: Double?
    package var fullValidMeanTokenAccuracy: Double?
    package var fullValidKlMean: Double?
    package var fullValidTeacherAgreement: Double?
    package var fullValidAudioAccuracy: Double?
    package var fullValidTextAccuracy: Double?
    /// The number of validation pairs.
    package var fullValidPairs: Int?

    package init(step: Int) { self.step = Double(step) }
}
