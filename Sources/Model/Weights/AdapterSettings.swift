/// The settings of an adapter in `adapter_config.json`.
package struct AdapterSettings: Sendable, Equatable {
    /// With which it was trained: peft's `lora_dropout`, which changes nothing of what the adapter computes afterwards.
    package var dropout: Double
    /// Whether alphas are divided by √r instead of r: peft's `use_rslora`.
    package var isRankStabilized: Bool

    package init(dropout: Double = 0, isRankStabilized: Bool = false) {
        self.dropout = dropout
        self.isRankStabilized = isRankStabilized
    }

    /// The divisor of alpha for an adapter of this rank.
    package func divisor(rank: Int) -> Double { isRankStabilized ? Double(rank).squareRoot() : Double(rank) }

    /// The alpha of an adapter, where √r has left digits behind the decimal that say nothing, without them.
    package func alpha(scaling: Double, rank: Int) -> Double {
        let alpha = scaling * divisor(rank: rank)
        guard isRankStabilized else { return alpha }
        let short = (alpha * 1e4).rounded() / 1e4
        return Float(short / divisor(rank: rank)) == Float(scaling) ? short : alpha
    }
}
