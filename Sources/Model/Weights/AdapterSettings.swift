/// The settings of an adapter in `adapter_config.json`.
package struct AdapterSettings: Sendable, Equatable {
    /// The dropout of its training: peft's `lora_dropout`. It does not change the adapter's results.
    package var dropout: Double
    /// Whether alphas are divided by √r instead of r: peft's `use_rslora`.
    package var isRankStabilized: Bool

    package init(dropout: Double = 0, isRankStabilized: Bool = false) {
        self.dropout = dropout
        self.isRankStabilized = isRankStabilized
    }

    /// The divisor of alpha for an adapter of this rank.
    package func divisor(rank: Int) -> Double { isRankStabilized ? Double(rank).squareRoot() : Double(rank) }

    /// The alpha of an adapter, without the meaningless digits that √r leaves.
    package func alpha(scaling: Double, rank: Int) -> Double {
        let alpha = scaling * divisor(rank: rank)
        guard isRankStabilized else { return alpha }
        let short = (alpha * 1e4).rounded() / 1e4
        return Float(short / divisor(rank: rank)) == Float(scaling) ? short : alpha
    }
}
