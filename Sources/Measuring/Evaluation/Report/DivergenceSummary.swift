/// The divergence of one generated token: D_t = KL(audio ‖ text) at a position of an answer, in nats.
package struct TokenDivergence: Codable, Sendable, Equatable {
    package var item: String
    /// The index in the answer, from 0.
    package var position: Int
    package var token: String
    package var value: Double

    package init(item: String, position: Int, token: String, value: Double) {
        self.item = item
        self.position = position
        self.token = token
        self.value = value
    }
}

/// The divergences of all answers: their sizes by position and by token (arXiv 2601.16547).
package struct DivergenceSummary: Codable, Sendable, Equatable {
    package struct Position: Codable, Sendable, Equatable {
        package var position: Int
        package var n: Int
        package var mean: Double
        package var p50: Double
        package var p80: Double
        package var p95: Double
    }

    package struct Token: Codable, Sendable, Equatable {
        package var token: String
        package var n: Int
        package var mean: Double
        package var max: Double
    }

    /// The numbers of measured tokens and of answers.
    package var n: Int
    package var answers: Int
    package var mean: Double
    package var p50: Double
    package var p80: Double
    package var p95: Double
    package var p99: Double
    /// Pearson's correlation of D_t with its position; nil if one of them does not vary.
    package var pearson: Double?
    package var spearman: Double?
    package var positions: [Position]
    /// The tokens with the largest mean D_t first, among those that occur at least `minimum` times.
    package var tokens: [Token]

    /// Nil without tokens.
    /// - Parameters:
    ///   - top: The number of tokens to list.
    ///   - minimum: The occurrences that a token needs to be listed, so that a single outlier does not lead the list.
    package init?(_ divergences: [TokenDivergence], top: Int = 20, minimum: Int = 3) {
        guard !divergences.isEmpty else { return nil }
        let values = divergences.map(\.value)
        let sorted = values.sorted()
        n = values.count
        answers = Set(divergences.map(\.item)).count
        mean = values.reduce(0, +) / Double(values.count)
        p50 = Percentile.of(sorted: sorted, at: 0.5)
        p80 = Percentile.of(sorted: sorted, at: 0.8)
        p95 = Percentile.of(sorted: sorted, at: 0.95)
        p99 = Percentile.of(sorted: sorted, at: 0.99)
        let places = divergences.map { Double($0.position) }
        pearson = Correlation.pearson(places, values)
        spearman = Correlation.spearman(places, values)
        positions = Dictionary(grouping: divergences, by: \.position).sorted { $0.key < $1.key }.map { position, group in
            let sorted = group.map(\.value).sorted()
            return Position(
                position: position, n: sorted.count, mean: sorted.reduce(0, +) / Double(sorted.count),
                p50: Percentile.of(sorted: sorted, at: 0.5), p80: Percentile.of(sorted: sorted, at: 0.8),
                p95: Percentile.of(sorted: sorted, at: 0.95))
        }
        tokens = Array(
            Dictionary(grouping: divergences, by: \.token).compactMap { token, group -> Token? in
                guard group.count >= minimum else { return nil }
                let sum = group.reduce(0.0) { $0 + $1.value }
                return Token(
                    token: token, n: group.count, mean: sum / Double(group.count),
                    max: group.reduce(0) { Swift.max($0, $1.value) })
            }.sorted { $0.mean != $1.mean ? $0.mean > $1.mean : $0.token < $1.token }.prefix(top))
    }
}
