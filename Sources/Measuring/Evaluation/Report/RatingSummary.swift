import Randomness

/// A judge's scores from 1 to 5 over the rated items: the mean of every arm, and the mean of score(text) − score(audio).
///
/// The report's accuracies and its gap count a score of 4 or more as right, so that rated items fit into one table with others.
package struct RatingSummary: Codable, Sendable, Equatable {
    package struct Mean: Codable, Sendable, Equatable {
        /// The number of rated answers.
        package var n: Int
        package var mean: Double
        /// Student's t, clustered by source question; nil with fewer than two.
        package var interval: Interval?
        /// The numbers of answers with the scores 1, 2, 3, 4 and 5.
        package var counts: [Int]
        /// Answers that count as 1 because they were empty or their score could not be read, by reason.
        package var failures: [String: Int]

        init(_ answers: [(key: String, answer: ArmAnswer, score: Int)], confidence: Double) {
            let scores = ClusteredPairs(differences: answers.map { ($0.key, $0.score) }, range: 1...5)
            n = scores.count
            mean = scores.difference
            interval = scores.interval(confidence: confidence)
            counts = (1...5).map { score in answers.count { $0.score == score } }
            failures = Dictionary(answers.compactMap(\.answer.failure).map { ($0, 1) }, uniquingKeysWith: +)
        }
    }

    package var arms: [Arm: Mean]
    /// Nil if no item was rated both typed and spoken.
    package var gap: RatedDifference?

    /// Nil if nothing is rated.
    init?(_ items: [ItemResult], confidence: Double, resamples: Int, seed: UInt64) {
        arms = [:]
        for arm in Arm.allCases {
            let answers = items.compactMap { item in
                item.asked(arm).flatMap { answer in answer.score.map { (key: item.sourceQuestion, answer: answer, score: $0) } }
            }
            if !answers.isEmpty { arms[arm] = Mean(answers, confidence: confidence) }
        }
        if arms.isEmpty { return nil }
        let differences = items.compactMap { item -> (key: String, difference: Int)? in
            guard let text = item.asked(.text)?.score, let audio = item.asked(.audio)?.score else { return nil }
            return (item.sourceQuestion, text - audio)
        }
        if !differences.isEmpty { gap = RatedDifference(differences, confidence: confidence, resamples: resamples, seed: seed) }
    }
}

/// A mean difference of scores from 1 to 5, in points of their scale.
package struct RatedDifference: Codable, Sendable, Equatable {
    package var n: Int
    package var clusters: Int
    package var points: Double
    /// Student's t over source questions; the paired t interval if all pairs are independent.
    package var interval: Interval?
    /// Percentiles of the paired bootstrap over source questions.
    package var bootstrap: Interval?
    /// The reason why there is no interval; nil if there is one.
    package var intervalLeftOut: String?
    /// The exact test that flips the sign of every source question's difference.
    package var signFlipP: Double

    /// - Parameter reach: The largest difference of an item: 4 between two scores, 8 between two differences of scores.
    init(_ differences: [(key: String, difference: Int)], reach: Double = 4, confidence: Double, resamples: Int, seed: UInt64) {
        let pairs = ClusteredPairs(differences: differences, range: -reach...reach)
        var generator = RandomStream(seed: seed)
        n = pairs.count
        clusters = pairs.clusters.count
        points = pairs.difference
        interval = pairs.interval(confidence: confidence)
        bootstrap = pairs.bootstrap(resamples: resamples, confidence: confidence, using: &generator)
        intervalLeftOut = pairs.withoutSpread
        signFlipP = pairs.signFlipP
    }

    enum CodingKeys: String, CodingKey {
        case n, clusters, points, interval, bootstrap
        case intervalLeftOut = "interval_left_out"
        case signFlipP = "sign_flip_p"
    }
}
