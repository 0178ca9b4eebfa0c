package import Randomness

/// Paired differences of several trainings, one per seed, on the same questions. Both questions and seeds are samples of larger populations.
///
///     cell (question q, seed s): n pairs, their sum of differences
///     difference = Σ sums ÷ Σ pairs
///
/// The pooled interval resamples questions only: it is valid for these trainings. The hierarchical one also resamples seeds:
/// it is valid for the method.
package struct SeededPairs: Sendable {
    /// Clusters by source question, then by seed.
    private let cells: [[ClusteredPairs.Cluster]]
    private let seeds: Int

    /// - Parameter seeds: For each seed, the differences of its pairs by source question. A question that a seed did not ask has no pairs there.
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

    /// The percentile bootstrap over seeds and questions, each drawn with replacement; nil with one seed.
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
            // A draw whose questions no drawn seed asked has no difference.
            if count > 0 { differences.append(Double(sum) / Double(count)) }
        }
        guard !differences.isEmpty else { return nil }
        differences.sort()
        let tail = (1 - confidence) / 2
        return Interval(
            lower: Percentile.of(sorted: differences, at: tail), upper: Percentile.of(sorted: differences, at: 1 - tail))
    }
}
