/// The divergence between the spoken and the typed prompt along one answer, token by token.
package struct AnswerAnatomy: Sendable, Equatable {
    /// D_t in nats, by position.
    package let divergences: [Double]
    /// The rank of each D_t within the answer, 1 for the largest. Of equal values the earlier comes first.
    package let ranks: [Int]
    package let mean: Double
    package let p80: Double
    /// Pearson's correlation of D_t with t; nil if D_t does not vary.
    package let positionCorrelation: Double?
    /// Σ w_t D_t
    package let weightedSum: Double

    /// - Parameters:
    ///   - divergences: at least one.
    ///   - weights: w_t, as many.
    package init(_ divergences: [Float], weights: [Float]) {
        precondition(divergences.count == weights.count, "\(weights.count) weights of \(divergences.count) tokens")
        let values = divergences.map(Double.init)
        self.divergences = values
        var ranks = [Int](repeating: 0, count: values.count)
        let order = values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }
        for (rank, place) in order.enumerated() { ranks[place] = rank + 1 }
        self.ranks = ranks
        mean = values.reduce(0, +) / Double(values.count)
        p80 = Percentile.of(values, at: 0.8)
        positionCorrelation = Correlation.pearson(values.indices.map(Double.init), values)
        weightedSum = zip(weights, divergences).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    }
}
