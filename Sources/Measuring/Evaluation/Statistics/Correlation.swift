/// Percentiles, means and correlations of plain lists.
package enum Percentile {
    /// The value at `fraction` (0...1) of a sorted list, linear between neighbours: numpy's default.
    package static func of(sorted values: [Double], at fraction: Double) -> Double {
        precondition(!values.isEmpty, "a percentile needs at least one value")
        precondition((0...1).contains(fraction), "a percentile's fraction lies in 0...1, found \(fraction)")
        let place = fraction * Double(values.count - 1)
        let below = Int(place)
        let above = min(below + 1, values.count - 1)
        return values[below] + (values[above] - values[below]) * (place - Double(below))
    }

    package static func of(_ values: [Double], at fraction: Double) -> Double { of(sorted: values.sorted(), at: fraction) }
}

package enum Correlation {
    /// Pearson's r; nil if one list is constant or shorter than two.
    package static func pearson(_ x: [Double], _ y: [Double]) -> Double? {
        precondition(x.count == y.count, "a correlation of \(x.count) with \(y.count) values")
        guard x.count > 1 else { return nil }
        let n = Double(x.count)
        let (meanX, meanY) = (x.reduce(0, +) / n, y.reduce(0, +) / n)
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for (a, b) in zip(x, y) {
            xx += (a - meanX) * (a - meanX)
            yy += (b - meanY) * (b - meanY)
            xy += (a - meanX) * (b - meanY)
        }
        return xx > 0 && yy > 0 ? xy / (xx.squareRoot() * yy.squareRoot()) : nil
    }

    /// Spearman's ρ: Pearson's r of the ranks, ties sharing their mean rank.
    package static func spearman(_ x: [Double], _ y: [Double]) -> Double? { pearson(ranks(x), ranks(y)) }

    static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start
            while end + 1 < order.count && values[order[end + 1]] == values[order[start]] { end += 1 }
            for place in start...end { ranks[order[place]] = Double(start + end) / 2 + 1 }
            start = end + 1
        }
        return ranks
    }
}
