import Randomness

/// The changes from a base version to a candidate, both measured on the same question set.
///
///     paper's reduction   1 − (text_base − audio_candidate) ÷ (text_base − audio_base)
///     own reduction       1 − (text_candidate − audio_candidate) ÷ (text_base − audio_base)
///
/// The paper measures against the base's text accuracy, which hides a loss in text; the own reduction counts a candidate that
/// merely forgot its text as an improvement. Read them together with `text`, the paired change of the text arm.
package struct GapComparison: Codable, Sendable, Equatable {
    package var object = "gap.comparison"
    package var base: String
    package var candidate: String
    package var benchmark: String
    /// Items that both reports asked in both arms.
    package var n: Int
    /// Points.
    package var gapBefore: Double
    package var gapAfterAgainstBaseText: Double
    package var gapAfterOwn: Double
    /// Fractions of the gap before; nil if there was none.
    package var reductionAgainstBaseText: Double?
    package var reductionOwn: Double?
    /// The reduction of the gap in points: base's gap − candidate's gap, with a bootstrap over source questions and the
    /// sign-flip test.
    package var gapClosed: Closing
    /// Candidate − base, in points: positive is better. `b` counts items gained, `c` items lost.
    package var text: PairedSummary
    package var audio: PairedSummary
    package var textItems: ChangedItems
    package var audioItems: ChangedItems
    package var categories: [Category]
    /// The closed part of the gap by cause; nil unless both runs asked the arm `transcript`.
    package var hearing: HearingComparison?
    /// The retention on each second set that both runs asked in the same way; nil if there is none.
    package var retention: [RetentionComparison]?
    /// Nil if no judge rated.
    package var rating: RatingComparison?
    /// Settings in which the two runs differ, beyond the weights: a comparison of versions should have none.
    package var differences: [String]

    package struct Closing: Codable, Sendable, Equatable {
        /// Before − after: positive if the gap became smaller.
        package var points: Double
        /// Nil if every source question changed by the same amount; `intervalLeftOut` then says so.
        package var bootstrap: Interval?
        package var intervalLeftOut: String?
        package var signFlipP: Double

        init(_ changes: ClusteredPairs, confidence: Double, resamples: Int, using generator: inout RandomStream) {
            points = 100 * changes.difference
            bootstrap = changes.bootstrap(resamples: resamples, confidence: confidence, using: &generator)?.scaled(by: 100)
            intervalLeftOut = changes.withoutSpread
            signFlipP = changes.signFlipP
        }

        enum CodingKeys: String, CodingKey {
            case points, bootstrap
            case intervalLeftOut = "interval_left_out"
            case signFlipP = "sign_flip_p"
        }
    }

    /// Ids of the items that became right or wrong.
    package struct ChangedItems: Codable, Sendable, Equatable {
        package var gained: [String]
        package var lost: [String]
    }

    package struct Category: Codable, Sendable, Equatable {
        package var category: String
        package var n: Int
        package var text: Double
        package var audio: Double
        package var textInterval: Interval?
        package var audioInterval: Interval?
        package var textP: Double
        package var audioP: Double

        enum CodingKeys: String, CodingKey {
            case category, n, text, audio
            case textInterval = "text_interval"
            case audioInterval = "audio_interval"
            case textP = "text_adjusted_p"
            case audioP = "audio_adjusted_p"
        }
    }

    package enum Failure: Error, Equatable, CustomStringConvertible {
        case differentBenchmarks(base: String, candidate: String)
        case nothingInCommon(base: String, candidate: String)

        package var description: String {
            switch self {
            case .differentBenchmarks(let base, let candidate):
                """
                two reports compare only on the same question set: the base was measured on one with hash \(base), the \
                candidate on \(candidate); run both on one set
                """
            case .nothingInCommon(let base, let candidate):
                "reports \(base) and \(candidate) share no item that both asked typed and spoken; run both arms on the same items"
            }
        }
    }

    package init(base: GapReport, candidate: GapReport, confidence: Double = 0.95, resamples: Int = 2000) throws(Failure) {
        let (first, second) = (base.reproducibility, candidate.reproducibility)
        guard first.benchmarkHash == second.benchmarkHash else {
            throw .differentBenchmarks(base: first.benchmarkHash, candidate: second.benchmarkHash)
        }
        let common = Self.askedInBoth(base, candidate)
        let pairs = common.map(ComparedItem.init)
        guard !pairs.isEmpty else { throw .nothingInCommon(base: base.id, candidate: candidate.id) }
        self.base = base.id
        self.candidate = candidate.id
        benchmark = first.benchmark
        n = pairs.count
        let share = { (outcome: KeyPath<ComparedItem, Bool>) in
            Double(pairs.count { $0[keyPath: outcome] }) / Double(pairs.count)
        }
        gapBefore = 100 * (share(\.baseText) - share(\.baseAudio))
        gapAfterAgainstBaseText = 100 * (share(\.baseText) - share(\.candidateAudio))
        gapAfterOwn = 100 * (share(\.candidateText) - share(\.candidateAudio))
        reductionAgainstBaseText = GapRatio.reduction(before: gapBefore, after: gapAfterAgainstBaseText)
        reductionOwn = GapRatio.reduction(before: gapBefore, after: gapAfterOwn)
        let changes = ComparedItem.closings(pairs)
        var generator = RandomStream(seed: second.seed)
        gapClosed = Closing(changes, confidence: confidence, resamples: resamples, using: &generator)
        func summary(_ pairs: [ComparedItem], _ after: KeyPath<ComparedItem, Bool>, _ before: KeyPath<ComparedItem, Bool>) -> PairedSummary {
            PairedSummary(
                pairs.map { ($0.sourceQuestion, $0[keyPath: after], $0[keyPath: before]) }, confidence: confidence,
                resamples: resamples, seed: second.seed)
        }
        text = summary(pairs, \.candidateText, \.baseText)
        audio = summary(pairs, \.candidateAudio, \.baseAudio)
        textItems = ChangedItems(
            gained: pairs.filter { $0.candidateText && !$0.baseText }.map(\.id),
            lost: pairs.filter { !$0.candidateText && $0.baseText }.map(\.id))
        audioItems = ChangedItems(
            gained: pairs.filter { $0.candidateAudio && !$0.baseAudio }.map(\.id),
            lost: pairs.filter { !$0.candidateAudio && $0.baseAudio }.map(\.id))
        let groups = Dictionary(grouping: pairs, by: \.category).sorted { $0.key < $1.key }.map { category, pairs in
            (category, summary(pairs, \.candidateText, \.baseText), summary(pairs, \.candidateAudio, \.baseAudio))
        }
        let textP = MultipleTests.holm(groups.map { $0.1.signFlipP })
        let audioP = MultipleTests.holm(groups.map { $0.2.signFlipP })
        categories = groups.enumerated().map { place, group in
            Category(
                category: group.0, n: group.1.n, text: group.1.points, audio: group.2.points, textInterval: group.1.interval,
                audioInterval: group.2.interval, textP: textP[place], audioP: audioP[place])
        }
        hearing = HearingComparison(common, confidence: confidence, resamples: resamples, seed: second.seed)
        let kept = (base.retention ?? []).compactMap { before in
            (candidate.retention ?? []).lazy.compactMap {
                RetentionComparison(base: before, candidate: $0, confidence: confidence, resamples: resamples, seed: second.seed)
            }.first
        }
        retention = kept.isEmpty ? nil : kept
        rating = RatingComparison(common, confidence: confidence, resamples: resamples, seed: second.seed)
        let fixed: Set = ["model hash", "prompt template hash", "decoding", "seed", "judge", "extraction", "software version", "machine"]
        differences = zip(first.entries, second.entries).filter { fixed.contains($0.name) && $0.value != $1.value }.map {
            "\($0.name): \($0.value) against \($1.value)"
        }
    }

    private static func askedInBoth(_ base: GapReport, _ candidate: GapReport) -> [(base: ItemResult, candidate: ItemResult)] {
        let others = Dictionary(candidate.items.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        return base.items.compactMap { item in
            guard let other = others[item.id], [item, other].allSatisfy({ $0.asked(.text) != nil && $0.asked(.audio) != nil }) else { return nil }
            return (item, other)
        }
    }

    /// The rule by which a version is promoted: its own gap is smaller (sign-flip test over source questions, p < 0.05), the text
    /// arm lost at most `maximumTextDrop` points, and no second set more than `maximumRetentionDrop`.
    package func reducesGap(maximumTextDrop: Double, maximumRetentionDrop: Double = .infinity) -> Bool {
        gapClosed.points > 0 && gapClosed.signFlipP < 0.05 && text.points >= -maximumTextDrop
            && (retention ?? []).allSatisfy { $0.change.points >= -maximumRetentionDrop }
    }

    enum CodingKeys: String, CodingKey {
        case object, base, candidate, benchmark, n, text, audio, categories, hearing, retention, rating, differences
        case gapBefore = "gap_before"
        case gapAfterAgainstBaseText = "gap_after_against_base_text"
        case gapAfterOwn = "gap_after_own"
        case reductionAgainstBaseText = "reduction_against_base_text"
        case reductionOwn = "reduction_own"
        case gapClosed = "gap_closed"
        case textItems = "text_items"
        case audioItems = "audio_items"
    }
}

/// One item's four outcomes.
private struct ComparedItem {
    var id: String
    var category: String
    var sourceQuestion: String
    var baseText: Bool
    var baseAudio: Bool
    var candidateText: Bool
    var candidateAudio: Bool

    init(_ base: ItemResult, _ candidate: ItemResult) {
        id = base.id
        category = base.category
        sourceQuestion = base.sourceQuestion
        let right = { (item: ItemResult, arm: Arm) in item.asked(arm)?.correct == true }
        (baseText, baseAudio) = (right(base, .text), right(base, .audio))
        (candidateText, candidateAudio) = (right(candidate, .text), right(candidate, .audio))
    }

    /// Per source question, the sum of (gap before − gap after) over its items.
    static func closings(_ pairs: [ComparedItem]) -> ClusteredPairs {
        ClusteredPairs(
            differences: pairs.map { pair in
                let before = (pair.baseText ? 1 : 0) - (pair.baseAudio ? 1 : 0)
                return (pair.sourceQuestion, before - (pair.candidateText ? 1 : 0) + (pair.candidateAudio ? 1 : 0))
            }, range: -2...2)
    }
}
