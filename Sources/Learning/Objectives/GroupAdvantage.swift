/// Advantages of a group of rollouts of one prompt: A_i = r_i − mean(r), as in Dr. GRPO (Liu et al., 2025; CORD, equation 9).
package struct GroupAdvantage: Sendable, Equatable {
    /// Whether to divide by the sample standard deviation + 1e-4, as GRPO (Shao et al., 2024) does.
    package var dividesByDeviation: Bool

    package init(dividesByDeviation: Bool = false) { self.dividesByDeviation = dividesByDeviation }

    package func advantages(rewards: [Float]) -> [Float] {
        guard !rewards.isEmpty else { return [] }
        // Equal rewards have no advantage, but their rounded mean could differ from them.
        if rewards.allSatisfy({ $0 == rewards[0] }) { return rewards.map { _ in 0 } }
        let mean = rewards.reduce(0.0) { $0 + Double($1) } / Double(rewards.count)
        let differences = rewards.map { Double($0) - mean }
        guard dividesByDeviation else { return differences.map { Float($0) } }
        let variance = differences.reduce(0) { $0 + $1 * $1 } / Double(rewards.count - 1)
        return differences.map { Float($0 / (variance.squareRoot() + 1e-4)) }
    }
}
