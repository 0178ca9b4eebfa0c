import Randomness

/// One paired difference with its intervals and tests. Differences and intervals are in points (percent of items).
///
/// `interval` is the one to quote: Newcombe's if all pairs are independent, the cluster-robust one if pairs share a source
/// question. The others show whether the choice matters. A number that the pairs do not support is nil, and
/// `intervalLeftOut` says why.
package struct PairedSummary: Codable, Sendable, Equatable {
    package enum Method: String, Codable, Sendable {
        case newcombe
        case clusterRobust = "cluster_robust"
    }

    /// The text that a report has instead of a gap if there are no pairs.
    package static let notMeasured = "not measured: no item was asked both typed and spoken"

    package var isMeasured: Bool { n > 0 }

    /// The numbers of pairs and of source questions.
    package var n: Int
    package var clusters: Int
    /// accuracy(first) − accuracy(second).
    package var points: Double
    package var interval: Interval?
    /// The reason why there is no `interval`, or else no `bootstrap`; nil if there are both.
    package var intervalLeftOut: String?
    package var method: Method
    package var confidence: Double
    /// The pairs whose first is right and whose second is wrong; the reverse.
    package var b: Int
    package var c: Int
    /// McNemar's exact test, which assumes independent pairs.
    package var mcnemarP: Double
    /// The exact sign-flip test over clusters; equal to `mcnemarP` if no cluster has two pairs.
    package var signFlipP: Double
    package var durkalskiP: Double?
    package var newcombe: Interval
    package var wald: Interval
    package var bootstrap: Interval?
    package var clusterRobust: Interval?
    package var clusterStandardError: Double?
    /// Clustered by source question and by voice at once; nil with fewer than two voices.
    package var twoWay: Interval?

    package init(
        _ pairs: [(key: String, first: Bool, second: Bool)], voices: [String] = [], confidence: Double = 0.95, resamples: Int = 2000,
        seed: UInt64 = 0
    ) {
        let counts = PairedCounts(pairs.map { ($0.first, $0.second) })
        let clustered = ClusteredPairs(pairs)
        var generator = RandomStream(seed: seed)
        n = counts.count
        clusters = clustered.clusters.count
        points = 100 * counts.difference
        b = counts.b
        c = counts.c
        self.confidence = confidence
        mcnemarP = counts.mcNemarP
        signFlipP = clustered.signFlipP
        durkalskiP = clustered.durkalski?.p
        newcombe = counts.newcombe(confidence: confidence).scaled(by: 100)
        wald = counts.wald(confidence: confidence).scaled(by: 100)
        bootstrap = clustered.bootstrap(resamples: resamples, confidence: confidence, using: &generator)?.scaled(by: 100)
        clusterRobust = clustered.interval(confidence: confidence)?.scaled(by: 100)
        clusterStandardError = clustered.standardError.map { 100 * $0 }
        twoWay = Self.twoWay(pairs, voices, counts.difference, confidence)
        // Newcombe's interval assumes independent pairs. Its width is right for n pairs even if all of them agree.
        method = clusters < n ? .clusterRobust : .newcombe
        interval = clusters < n ? clusterRobust : n > 0 ? newcombe : nil
        intervalLeftOut = n == 0 ? Self.notMeasured : clustered.withoutSpread
    }

    /// difference ± t · two-way standard error, with t of one less than the smaller number of clusters.
    private static func twoWay(
        _ pairs: [(key: String, first: Bool, second: Bool)], _ voices: [String], _ difference: Double, _ confidence: Double
    ) -> Interval? {
        let groups = min(Set(voices).count, Set(pairs.map(\.key)).count)
        guard voices.count == pairs.count, groups > 1,
            let error = ClusteredPairs.twoWayStandardError(
                zip(pairs, voices).map { ($0.key, $1, ($0.first ? 1 : 0) - ($0.second ? 1 : 0)) })
        else { return nil }
        let half = Distributions.studentQuantile(0.5 + confidence / 2, freedom: Double(groups - 1)) * error
        return Interval(lower: max(-1, difference - half), upper: min(1, difference + half)).scaled(by: 100)
    }

    enum CodingKeys: String, CodingKey {
        case n, clusters, points, interval, method, confidence, b, c, newcombe, wald, bootstrap
        case mcnemarP = "mcnemar_p"
        case signFlipP = "sign_flip_p"
        case durkalskiP = "durkalski_p"
        case clusterRobust = "cluster_robust"
        case intervalLeftOut = "interval_left_out"
        case clusterStandardError = "cluster_standard_error"
        case twoWay = "two_way"
    }
}
