/// The agreement of two arms, right or wrong: the share of equal answers, and Cohen's κ, which corrects it for the agreement by chance
/// of two arms with the same answer frequencies.
///
///     κ = (p_o − p_e) / (1 − p_e)      p_e = Σ_answer share_first(answer) · share_second(answer)
package struct Agreement: Codable, Sendable, Equatable {
    /// The number of compared pairs.
    package var n: Int
    package var share: Double
    /// Nil if both arms always give one and the same answer, which chance explains completely.
    package var kappa: Double?

    package init(_ pairs: some Sequence<(first: String, second: String)>) {
        var (count, equal) = (0, 0)
        var (first, second): ([String: Int], [String: Int]) = ([:], [:])
        for pair in pairs {
            count += 1
            if pair.first == pair.second { equal += 1 }
            first[pair.first, default: 0] += 1
            second[pair.second, default: 0] += 1
        }
        n = count
        share = count == 0 ? 0 : Double(equal) / Double(count)
        let total = Double(count) * Double(count)
        // The sum is over integers, so that the dictionary's order cannot change the last bit.
        let chance = first.reduce(0) { $0 + $1.value * second[$1.key, default: 0] }
        let expected = total == 0 ? 1 : Double(chance) / total
        kappa = expected < 1 ? (share - expected) / (1 - expected) : nil
    }
}

/// Ratios in which other papers state the gap.
package enum GapRatio {
    /// Modality retention: the audio accuracy of a model over the text accuracy of its base (arXiv 2601.05543). Nil if
    /// the base answers nothing.
    package static func retention(audio: Double, baseText: Double) -> Double? { baseText > 0 ? audio / baseText : nil }

    /// Average drop: the mean over benchmarks, or categories, of 1 − audio ÷ text (arXiv 2603.24596). Those without a right
    /// text answer have no ratio and are left out; nil if none is left.
    package static func averageDrop(_ scores: [(audio: Double, text: Double)]) -> Double? {
        let drops = scores.filter { $0.text > 0 }.map { 1 - $0.audio / $0.text }
        return drops.isEmpty ? nil : drops.reduce(0, +) / Double(drops.count)
    }

    /// The share of the base's gap that is gone: 1 − after ÷ before. Nil if there was none.
    package static func reduction(before: Double, after: Double) -> Double? { before > 0 ? 1 - after / before : nil }
}

/// Correction for several tests at once.
package enum MultipleTests {
    /// Holm's step-down adjustment (1979): p-values in the order given, each at most 1, monotone in the raw ones.
    package static func holm(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var adjusted = values
        var highest = 0.0
        for (rank, place) in order.enumerated() {
            highest = max(highest, min(1, values[place] * Double(values.count - rank)))
            adjusted[place] = highest
        }
        return adjusted
    }
}
