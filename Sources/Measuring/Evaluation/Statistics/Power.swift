import Foundation

/// The number of pairs that a paired comparison needs, by Connor's formula for McNemar's test (Biometrics 43 (1987) 207–211).
///
///     n = ( z_{1−α/2} √ψ + z_{1−β} √(ψ − δ²) )² / δ²
///
/// ψ is the share of discordant pairs, δ the gap (both fractions, δ ≤ ψ). n counts independent pairs; multiply it by the design
/// effect if questions come in clusters.
package struct Power: Codable, Sendable, Equatable {
    /// Two-sided level of the test.
    package var level = 0.05
    /// The probability of detecting an existing gap.
    package var power = 0.8

    package init(level: Double = 0.05, power: Double = 0.8) {
        precondition(level > 0 && level < 1 && power > 0 && power < 1, "level \(level) and power \(power) lie in 0..<1")
        self.level = level
        self.power = power
    }

    /// The pairs needed to detect `gap` if the share `discordant` of the pairs differs; nil if no number suffices (gap 0, or more
    /// gap than discordance).
    package func items(gap: Double, discordant: Double) -> Int? {
        let gap = abs(gap)
        guard gap > 0, discordant <= 1, gap <= discordant else { return nil }
        let needed = exactItems(gap: gap, discordant: discordant).rounded(.up)
        return needed < 1e15 ? Int(needed) : nil
    }

    /// The smallest gap that `items` pairs detect; nil if not even a gap as large as the discordance is detected.
    package func detectableGap(items: Int, discordant: Double) -> Double? {
        guard items > 0, discordant > 0, discordant <= 1 else { return nil }
        guard exactItems(gap: discordant, discordant: discordant) <= Double(items) else { return nil }
        var low = 0.0
        var high = discordant
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if exactItems(gap: middle, discordant: discordant) > Double(items) { low = middle } else { high = middle }
        }
        return high
    }

    private func exactItems(gap: Double, discordant: Double) -> Double {
        let zLevel = Distributions.normalQuantile(1 - level / 2)
        let zPower = Distributions.normalQuantile(power)
        let root = zLevel * discordant.squareRoot() + zPower * max(0, discordant - gap * gap).squareRoot()
        return root * root / (gap * gap)
    }
}
