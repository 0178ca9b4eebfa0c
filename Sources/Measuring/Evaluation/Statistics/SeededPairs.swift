package import Randomness

/// Paired differences of several trainings, one a seed, on the same questions: questions and seeds are both drawn from more than were tried.
///
///     cell (question q, seed s): n pairs, their sum of differences
///     difference = Σ sums ÷ Σ pairs
///
/// The pooled interval draws questions and takes the seeds as they are: it speaks of these trainings. The hierarchical one draws seeds,
/// too: it speaks of the method.
package struct SeededPairs: Sendable {
    /// By source question, then by seed.
    private let cells: [[ClusteredPairs.Cluster]]
    private let seeds: Int

    /// - Parameter seeds: of each seed, the differences of its pairs by source question. A question that a seed did not ask has no pairs there.
    package init(_ seeds: [[(key: String, difference: Int)]]) {
        var places: [String: Int] = [:]
        var cells: [[ClusteredPairs.Cluster]] = []
        for (seed, pairs) in seeds.enumerated() {
            for pair in pairs {
                let place = places[pair.key, default: cells.count]
                if place == cells.count {
                    places[pair.key] = place
                    cells.append(Array(repeating: .init(sum: 0, count: 0), count: seeds.count))
                }
                cells[place][seed].sum += pair.difference
                cells[place][seed].count += 1
            }
        }
        self.cells = cells
        self.seeds = seeds.count
    }

    /// The pairs of all seeds, clustered by question.
    package var pooled: ClusteredPairs {
        ClusteredPairs(
            clusters: cells.map { row in
                row.reduce(into: ClusteredPairs.Cluster(sum: 0, count: 0)) {
                    $0.sum += $1.sum
                    $0.count += $1.count
                }
            })
    }

    package var difference: Double { pooled.difference }

    /// The percentile bootstrap over seeds and questions, each drawn with replacement. Nil with one seed, which says nothing of others.
    package func hierarchical(resamples: Int = 2000, confidence: Double = 0.95, using generator: inout RandomStream) -> Interval? {
        guard seeds > 1, !cells.isEmpty else { return nil }
        precondition(resamples > 0, "a bootstrap needs resamples, found \(resamples)")
        var differences: [Double] = []
        differences.reserveCapacity(resamples)
        for _ in 0..<resamples {
            let drawn = (0..<seeds).map { _ in generator.index(below: seeds) }
            var (sum, count) = (0, 0)
            for _ in cells.indices {
                let row = cells[generator.index(below: cells.count)]
                for seed in drawn {
                    sum += row[seed].sum
                    count += row[seed].count
                }
            }
            // A draw of questions that no drawn seed asked says nothing.
            if count > 0 { differences.append(Double(sum) / Double(count)) }
        }
        guard !differences.isEmpty else { return nil }
        differences.sort()
        let tail = (1 - confidence) / 2
        return Interval(
            lower: Percentile.of(sorted: differences, at: tail), upper: Percentile.of(sorted: differences, at: 1 - tail))
    }
}
