package import Randomness

/// Paired outcomes in clusters. One source question spoken by several voices gives several correlated
/// pairs, and an interval that counts them as independent is too narrow.
///
///     cluster k: n_k pairs, S_k = Σ (first − second) over its pairs = b_k − c_k
///     difference = Σ S_k / Σ n_k
package struct ClusteredPairs: Sendable {
    package struct Cluster: Sendable, Equatable {
        package var sum: Int
        package var count: Int

        package init(sum: Int, count: Int) {
            self.sum = sum
            self.count = count
        }
    }

    package let clusters: [Cluster]
    /// The range of a difference: ±1 between two outcomes, ±4 between two scores from 1 to 5.
    package let range: ClosedRange<Double>

    package init(clusters: [Cluster], range: ClosedRange<Double> = -1...1) {
        self.clusters = clusters
        self.range = range
    }

    /// Groups pairs by key, in the order in which keys first appear, so that a seeded resampling is reproducible.
    package init(_ pairs: some Sequence<(key: String, first: Bool, second: Bool)>) {
        self.init(differences: pairs.map { ($0.key, ($0.first ? 1 : 0) - ($0.second ? 1 : 0)) })
    }

    /// Groups differences that are not only ±1 or 0, such as those of two scores.
    package init(differences: some Sequence<(key: String, difference: Int)>, range: ClosedRange<Double> = -1...1) {
        var places: [String: Int] = [:]
        var clusters: [Cluster] = []
        for pair in differences {
            let place = places[pair.key, default: clusters.count]
            if place == clusters.count {
                places[pair.key] = place
                clusters.append(Cluster(sum: 0, count: 0))
            }
            clusters[place].sum += pair.difference
            clusters[place].count += 1
        }
        self.init(clusters: clusters, range: range)
    }

    package var count: Int { clusters.reduce(0) { $0 + $1.count } }
    package var sum: Int { clusters.reduce(0) { $0 + $1.sum } }
    package var difference: Double { count == 0 ? 0 : Double(sum) / Double(count) }

    /// The cluster-robust (sandwich) standard error of the difference, with the small-sample factor G/(G−1); the same number
    /// as a regression on a constant with clustered covariance. Nil with fewer than two clusters.
    package var standardError: Double? {
        guard clusters.count > 1 else { return nil }
        let residuals = clusters.reduce(0.0) { total, cluster in
            let residual = Double(cluster.sum) - Double(cluster.count) * difference
            return total + residual * residual
        }
        let groups = Double(clusters.count)
        return (groups / (groups - 1) * residuals).squareRoot() / Double(count)
    }

    /// The standard error for pairs clustered in two crossing ways, such as by source question and by voice: the variance
    /// by the first plus that by the second minus that by both (Cameron, Gelbach and Miller, Journal of Business & Economic
    /// Statistics 29 (2011) 238–249). Nil with fewer than two clusters of either kind, or where the difference is negative.
    package static func twoWayStandardError(_ pairs: [(first: String, second: String, difference: Int)]) -> Double? {
        func variance(_ key: ((first: String, second: String, difference: Int)) -> String) -> Double? {
            ClusteredPairs(pairs.map { (key($0), $0.difference > 0, $0.difference < 0) }).standardError.map { $0 * $0 }
        }
        guard let first = variance({ $0.first }), let second = variance({ $0.second }), let both = variance({ $0.first + "\0" + $0.second }),
            first + second >= both
        else { return nil }
        return (first + second - both).squareRoot()
    }

    /// The reason why these clusters support no interval although there are differences: their spread is unknown. Nil if they do.
    package var withoutSpread: String? {
        if clusters.count < 2 { return "all pairs come from one source question" }
        let first = clusters[0]
        return clusters.allSatisfy { $0.sum * first.count == first.sum * $0.count } ? "every source question gave the same difference" : nil
    }

    /// difference ± t · standard error, with t of G − 1 degrees of freedom. Nil ``withoutSpread``, because an interval without width would claim certainty.
    package func interval(confidence: Double = 0.95) -> Interval? {
        guard withoutSpread == nil, let error = standardError else { return nil }
        let t = Distributions.studentQuantile(0.5 + confidence / 2, freedom: Double(clusters.count - 1))
        return Interval(lower: max(range.lowerBound, difference - t * error), upper: min(range.upperBound, difference + t * error))
    }

    /// The percentile bootstrap over whole clusters. With clusters of one pair it is the plain paired bootstrap. Nil ``withoutSpread``.
    package func bootstrap(
        resamples: Int = 2000, confidence: Double = 0.95, using generator: inout RandomStream
    ) -> Interval? {
        guard withoutSpread == nil else { return nil }
        precondition(resamples > 0, "a bootstrap needs resamples, found \(resamples)")
        var differences: [Double] = []
        differences.reserveCapacity(resamples)
        for _ in 0..<resamples {
            var sum = 0
            var count = 0
            for _ in clusters.indices {
                let cluster = clusters[generator.index(below: clusters.count)]
                sum += cluster.sum
                count += cluster.count
            }
            differences.append(Double(sum) / Double(count))
        }
        differences.sort()
        let tail = (1 - confidence) / 2
        return Interval(
            lower: Percentile.of(sorted: differences, at: tail), upper: Percentile.of(sorted: differences, at: 1 - tail))
    }

    /// Durkalski, Palesch, Lipsitz and Rust's McNemar test for clustered pairs (Statistics in Medicine 22 (2003) 2417–2428):
    /// χ² = (Σ S_k/n_k)² / Σ (S_k/n_k)², one degree of freedom. Nil if no cluster is discordant.
    package var durkalski: (statistic: Double, p: Double)? {
        let means = clusters.map { Double($0.sum) / Double($0.count) }
        let spread = means.reduce(0) { $0 + $1 * $1 }
        guard spread > 0 else { return nil }
        let total = means.reduce(0, +)
        let statistic = total * total / spread
        return (statistic, Distributions.chiSquaredTail(statistic))
    }

    /// The exact two-sided sign-flip test on the clusters' sums: without a difference, S_k and −S_k are equally likely.
    ///
    /// The distribution of the flipped total is built cluster by cluster, so nothing is sampled. With clusters of one pair
    /// it is McNemar's exact test.
    package var signFlipP: Double {
        let sums = clusters.map { abs($0.sum) }.filter { $0 > 0 }
        let reach = sums.reduce(0, +)
        guard reach > 0 else { return 1 }
        // probability[i] is that of a total of i − reach; only totals within ±filled are possible so far.
        var probability = [Double](repeating: 0, count: 2 * reach + 1)
        probability[reach] = 1
        var filled = 0
        for step in sums {
            var next = [Double](repeating: 0, count: 2 * reach + 1)
            for place in (reach - filled)...(reach + filled) where probability[place] > 0 {
                next[place + step] += probability[place] / 2
                next[place - step] += probability[place] / 2
            }
            filled += step
            probability = next
        }
        let observed = abs(sum)
        var p = 0.0
        for (place, mass) in probability.enumerated() where abs(place - reach) >= observed { p += mass }
        return min(1, p)
    }
}
