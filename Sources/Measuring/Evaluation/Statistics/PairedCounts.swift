/// The outcomes of questions asked in two ways, as a two by two table.
///
///                    second right   second wrong
///     first right       both             b
///     first wrong        c            neither
///
/// The difference of the two accuracies depends only on the discordant pairs: (b − c)/n. For the audio-text gap the first
/// way is text and the second is audio, so that b counts the losses by audio and c the gains.
package struct PairedCounts: Sendable, Equatable {
    package var both = 0
    package var b = 0
    package var c = 0
    package var neither = 0

    package init(both: Int, b: Int, c: Int, neither: Int) {
        self.both = both
        self.b = b
        self.c = c
        self.neither = neither
    }

    /// Counts pairs of outcomes.
    package init(_ pairs: some Sequence<(first: Bool, second: Bool)>) {
        for pair in pairs {
            switch (pair.first, pair.second) {
            case (true, true): both += 1
            case (true, false): b += 1
            case (false, true): c += 1
            case (false, false): neither += 1
            }
        }
    }

    package var count: Int { both + b + c + neither }
    package var first: Proportion { Proportion(successes: both + b, count: count) }
    package var second: Proportion { Proportion(successes: both + c, count: count) }

    /// accuracy(first) − accuracy(second), as a fraction.
    package var difference: Double { count == 0 ? 0 : Double(b - c) / Double(count) }
    package var discordantShare: Double { count == 0 ? 0 : Double(b + c) / Double(count) }

    /// Newcombe's hybrid score interval for paired proportions: method 10 of Newcombe, Statistics in Medicine 17 (1998)
    /// 2635–2650. Wilson's intervals of the two proportions are joined with the pairs' correlation φ, whose numerator carries
    /// a continuity correction if it is positive. The interval keeps its coverage with few discordant pairs; Wald's does not.
    package func newcombe(confidence: Double = 0.95) -> Interval {
        guard count > 0 else { return Interval(lower: -1, upper: 1) }
        let (e, f, g, h, n) = (Double(both), Double(b), Double(c), Double(neither), Double(count))
        let determinant = e * h - f * g
        let corrected = determinant > n / 2 ? determinant - n / 2 : min(determinant, 0)
        let margins = (e + f) * (g + h) * (e + g) * (f + h)
        let phi = margins == 0 ? 0 : corrected / margins.squareRoot()
        let (wide1, wide2) = (first.wilson(confidence: confidence), second.wilson(confidence: confidence))
        func half(_ x: Double, _ y: Double) -> Double { max(0, x * x - 2 * phi * x * y + y * y).squareRoot() }
        return Interval(
            lower: difference - half(first.value - wide1.lower, wide2.upper - second.value),
            upper: difference + half(wide1.upper - first.value, second.value - wide2.lower))
    }

    /// Wald's interval for the paired difference with a continuity correction of 1/n: the textbook form, for
    /// comparison with other reports (Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 13.1).
    package func wald(confidence: Double = 0.95) -> Interval {
        guard count > 0 else { return Interval(lower: -1, upper: 1) }
        let n = Double(count)
        let z = Distributions.normalQuantile(0.5 + confidence / 2)
        let discordant = Double(b - c)
        let half = z * (Double(b + c) - discordant * discordant / n).squareRoot() / n + 1 / n
        return Interval(lower: max(-1, difference - half), upper: min(1, difference + half))
    }

    /// McNemar's exact test: were the discordant pairs tosses of a fair coin? Two-sided, twice the smaller tail, at most 1.
    package var mcNemarP: Double { min(1, 2 * Distributions.fairBinomialCDF(min(b, c), of: b + c)) }
}
