/// A second set, measured in addition to the gap, on which a training may forget something.
///
/// A set with clips is asked in the arm `audio_text`, like questions about sounds and music; a set without clips is typed. The built-in sets,
/// whose clips contain the words, are asked by clip alone.
package struct RetainedSet: Codable, Sendable, Equatable {
    package var benchmark: String
    package var benchmarkHash: String
    package var arm: Arm
    package var summary: ArmSummary
    package var items: [ItemResult]

    init(_ facts: RetainedFacts, items: [ItemResult], confidence: Double) {
        benchmark = facts.benchmark
        benchmarkHash = facts.benchmarkHash
        arm = facts.arm
        summary = ArmSummary(items, arm: facts.arm, confidence: confidence)
        self.items = items
    }

    enum CodingKeys: String, CodingKey {
        case benchmark, arm, summary, items
        case benchmarkHash = "benchmark_hash"
    }
}

/// A run's settings for a second set.
package struct RetainedFacts: Codable, Sendable, Equatable {
    package var benchmark: String
    package var benchmarkHash: String
    package var arm: Arm

    package init(benchmark: String, benchmarkHash: String, arm: Arm) {
        self.benchmark = benchmark
        self.benchmarkHash = benchmarkHash
        self.arm = arm
    }

    enum CodingKeys: String, CodingKey {
        case benchmark, arm
        case benchmarkHash = "benchmark_hash"
    }
}

/// A candidate's retention on a second set.
package struct RetentionComparison: Codable, Sendable, Equatable {
    package var benchmark: String
    package var arm: Arm
    /// Accuracies over the items that both runs asked.
    package var before: Double
    package var after: Double
    /// Candidate − base, in points; below zero, something was forgotten. `b` counts gained items, `c` lost ones.
    package var change: PairedSummary
    package var items: GapComparison.ChangedItems

    /// Nil if the reports asked different sets or arms, or have no item in common.
    init?(base: RetainedSet, candidate: RetainedSet, confidence: Double, resamples: Int, seed: UInt64) {
        guard base.benchmarkHash == candidate.benchmarkHash, base.arm == candidate.arm else { return nil }
        let arm = base.arm
        let others = Dictionary(candidate.items.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let pairs = base.items.compactMap { item -> (id: String, key: String, before: Bool, after: Bool)? in
            guard let before = item.asked(arm), let after = others[item.id]?.asked(arm) else { return nil }
            return (item.id, item.sourceQuestion, before.correct, after.correct)
        }
        guard !pairs.isEmpty else { return nil }
        benchmark = base.benchmark
        self.arm = arm
        before = Double(pairs.count { $0.before }) / Double(pairs.count)
        after = Double(pairs.count { $0.after }) / Double(pairs.count)
        change = PairedSummary(pairs.map { ($0.key, $0.after, $0.before) }, confidence: confidence, resamples: resamples, seed: seed)
        items = GapComparison.ChangedItems(
            gained: pairs.filter { $0.after && !$0.before }.map(\.id), lost: pairs.filter { $0.before && !$0.after }.map(\.id))
    }
}
