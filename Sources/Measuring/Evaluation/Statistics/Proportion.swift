/// An interval, in the unit of the bounded value.
package struct Interval: Codable, Sendable, Equatable {
    package var lower: Double
    package var upper: Double

    package init(lower: Double, upper: Double) {
        self.lower = lower
        self.upper = upper
    }

    package func scaled(by factor: Double) -> Interval { Interval(lower: lower * factor, upper: upper * factor) }
}

/// The share of right answers, with Wilson's score interval.
///
///     centre = (p + z²/2n) / (1 + z²/n)      half = z √(p(1−p)/n + z²/4n²) / (1 + z²/n)
package struct Proportion: Sendable, Equatable {
    package let successes: Int
    package let count: Int

    package init(successes: Int, count: Int) {
        precondition(count >= 0 && (0...count).contains(successes), "a proportion of \(successes) in \(count)")
        self.successes = successes
        self.count = count
    }

    /// The ratio, 0 for an empty set.
    package var value: Double { count == 0 ? 0 : Double(successes) / Double(count) }

    /// Wilson (1927), without continuity correction; [0, 1] for an empty set.
    package func wilson(confidence: Double = 0.95) -> Interval {
        guard count > 0 else { return Interval(lower: 0, upper: 1) }
        let z = Distributions.normalQuantile(0.5 + confidence / 2)
        let n = Double(count)
        let scale = 1 + z * z / n
        let centre = (value + z * z / (2 * n)) / scale
        let half = z * (value * (1 - value) / n + z * z / (4 * n * n)).squareRoot() / scale
        // At the ends the exact bound is 0 or 1; the subtraction above leaves a rounding error there.
        return Interval(
            lower: successes == 0 ? 0 : max(0, centre - half), upper: successes == count ? 1 : min(1, centre + half))
    }
}
