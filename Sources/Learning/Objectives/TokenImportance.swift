/// Importance weights of the positions of a rollout (CORD, equations 4 to 6):
///
///     w^KL_t  = α where D_t is among the K largest of the rollout, else 1
///     w^pos_t = β − (β − 1)(t − 1)/(T − 1)
///     w_t     = w^KL_t · w^pos_t
///
/// Weights are constants: no gradient flows through the selection of positions.
package struct TokenImportance: Sendable, Equatable {
    /// K, a number of positions. Among equal divergences the earlier position ranks higher.
    package var topK: Int
    /// K as a share of the rollout's length, rounded up, instead of ``topK``.
    package var topKShare: Double?
    package var alpha: Double
    package var beta: Double

    package init(topK: Int = 20, topKShare: Double? = nil, alpha: Double = 2, beta: Double = 2) {
        self.topK = topK
        self.topKShare = topKShare
        self.alpha = alpha
        self.beta = beta
    }

    /// The number of positions with weight α in a rollout of T tokens. If T ≤ K these are all positions, and α only scales the loss.
    package func largestCount(_ length: Int) -> Int {
        min(length, topKShare.map { Int(($0 * Double(length)).rounded(.up)) } ?? topK)
    }

    /// The weight of each position, computed from the divergences. A rollout of one token has w^pos = β.
    package func weights(divergences: [Float]) -> [Float] {
        let count = divergences.count
        let ranked = divergences.indices.sorted { (-divergences[$0], $0) < (-divergences[$1], $1) }
        let largest = Set(ranked.prefix(largestCount(count)))
        return divergences.indices.map { t in
            let place = count > 1 ? Double(t) / Double(count - 1) : 0
            return Float((largest.contains(t) ? alpha : 1) * (beta - (beta - 1) * place))
        }
    }
}
