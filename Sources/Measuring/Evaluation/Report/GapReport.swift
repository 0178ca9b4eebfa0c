import Foundation

/// The audio-text gap of one model on one question set, with its statistics, its failures and every item.
///
///     gap = accuracy(text) − accuracy(audio), in points, over the items that both arms were asked
///
/// Everything is computed from `items`, so that a reader can check every number. Nothing is rounded.
package struct GapReport: Codable, Sendable, Equatable {
    package var object = "gap.report"
    package var id: String
    /// Unix seconds.
    package var created: Int
    /// The number of items, asked or not.
    package var n: Int
    package var arms: [Arm: ArmSummary]
    package var gap: PairedSummary
    package var categories: [CategorySummary]
    /// The same by voice, if the set names at least two.
    package var voices: [CategorySummary]?
    /// The ratings, if a judge scores answers from 1 to 5.
    package var rating: RatingSummary?
    /// The followed instructions, if items have any.
    package var instructions: InstructionSummary?
    package var agreement: AgreementSummary
    package var mrr: Retention
    /// The mean over categories of 1 − audio ÷ text accuracy.
    package var averageDrop: Double?
    package var power: PowerSummary
    package var divergence: DivergenceSummary?
    /// The parts of the gap, if the arm `transcript` was asked.
    package var hearing: HearingSummary?
    /// Second sets, asked in addition to the benchmark to measure what a training forgets.
    package var retention: [RetainedSet]?
    package var reproducibility: Reproducibility
    package var items: [ItemResult]

    /// - Parameters:
    ///   - baseText: the base model's text accuracy (a fraction) for MRR; without it the model is its own base.
    ///   - retained: the items of each second set that `reproducibility` names.
    package init(
        id: String, created: Int = Int(Date().timeIntervalSince1970), items: [ItemResult], reproducibility: Reproducibility,
        baseText: Double? = nil, divergence: DivergenceSummary? = nil, retained: [[ItemResult]] = [], confidence: Double = 0.95,
        resamples: Int = 2000
    ) {
        self.id = id
        self.created = created
        self.items = items
        self.reproducibility = reproducibility
        self.divergence = divergence
        n = items.count
        var arms: [Arm: ArmSummary] = [:]
        for arm in Arm.allCases where items.contains(where: { $0.arms[arm] != nil }) {
            arms[arm] = ArmSummary(items, arm: arm, confidence: confidence)
        }
        self.arms = arms
        let gap = PairedSummary(
            Self.pairs(items), voices: Self.voices(items), confidence: confidence, resamples: resamples, seed: reproducibility.seed)
        self.gap = gap
        let seed = reproducibility.seed
        categories = CategorySummary.all(items, by: \.category, confidence: confidence, resamples: resamples, seed: seed)
        if Set(items.map(\.voice)).count > 1 {
            voices = CategorySummary.all(items, by: { $0.voice ?? "unnamed" }, confidence: confidence, resamples: resamples, seed: seed)
        }
        rating = RatingSummary(items, confidence: confidence, resamples: resamples, seed: seed)
        instructions = InstructionSummary(items, confidence: confidence, resamples: resamples, seed: seed)
        hearing = HearingSummary(items, confidence: confidence, resamples: resamples, seed: seed)
        if let facts = reproducibility.retained {
            retention = zip(facts, retained).map { RetainedSet($0, items: $1, confidence: confidence) }
        }
        agreement = AgreementSummary(items)
        let (text, audio) = (arms[.text]?.accuracy ?? 0, arms[.audio]?.accuracy ?? 0)
        mrr = Retention(
            value: GapRatio.retention(audio: audio, baseText: baseText ?? text), baseTextAccuracy: baseText ?? text,
            base: baseText == nil ? "own" : "given")
        averageDrop = GapRatio.averageDrop(categories.map { ($0.audio.accuracy, $0.text.accuracy) })
        power = PowerSummary(gap)
    }

    enum CodingKeys: String, CodingKey {
        case object, id, created, n, arms, gap, categories, voices, rating, instructions, agreement, mrr, power, divergence, hearing, retention,
            reproducibility,
            items
        case averageDrop = "average_drop"
    }

    /// The voice of each of ``pairs(_:)``.
    private static func voices(_ items: [ItemResult]) -> [String] {
        items.filter { $0.asked(.text) != nil && $0.asked(.audio) != nil }.map { $0.voice ?? "" }
    }

    /// The outcomes of text and audio on the items that both arms were asked.
    static func pairs(_ items: [ItemResult]) -> [(key: String, first: Bool, second: Bool)] {
        items.compactMap { item in
            guard let text = item.asked(.text), let audio = item.asked(.audio) else { return nil }
            return (item.sourceQuestion, text.correct, audio.correct)
        }
    }
}

/// Audio accuracy as a share of a base's text accuracy.
package struct Retention: Codable, Sendable, Equatable {
    package var value: Double?
    package var baseTextAccuracy: Double
    /// `own`, or `given` if the caller gave the base's accuracy.
    package var base: String

    enum CodingKeys: String, CodingKey {
        case value, base
        case baseTextAccuracy = "base_text_accuracy"
    }
}

/// One arm's accuracy with Wilson's interval, and its failures by name.
package struct ArmSummary: Codable, Sendable, Equatable {
    /// The number of items asked.
    package var n: Int
    package var correct: Int
    package var accuracy: Double
    package var interval: Interval
    /// Answers from which nothing could be extracted, by reason; they count as wrong.
    package var failures: [String: Int]
    /// Items that could not be asked, by reason; they are not in `n`.
    package var errors: [String: Int]
    package var tokens: Int
    package var seconds: Double

    init(_ items: [ItemResult], arm: Arm, confidence: Double) {
        let answers = items.compactMap { $0.arms[arm] }
        let asked = answers.filter { $0.error == nil }
        let proportion = Proportion(successes: asked.count { $0.correct }, count: asked.count)
        n = proportion.count
        correct = proportion.successes
        accuracy = proportion.value
        interval = proportion.wilson(confidence: confidence)
        failures = Dictionary(asked.compactMap(\.failure).map { ($0, 1) }, uniquingKeysWith: +)
        errors = Dictionary(answers.compactMap(\.error).map { ($0, 1) }, uniquingKeysWith: +)
        tokens = asked.reduce(0) { $0 + $1.tokens }
        seconds = asked.reduce(0) { $0 + $1.seconds }
    }
}

/// The gap within one category, or of one voice, with the sign-flip test's p corrected by Holm over all of them.
package struct CategorySummary: Codable, Sendable, Equatable {
    package var category: String
    package var text: ArmSummary
    package var audio: ArmSummary
    package var gap: PairedSummary
    package var adjustedP: Double

    static func all(
        _ items: [ItemResult], by group: (ItemResult) -> String, confidence: Double, resamples: Int, seed: UInt64
    ) -> [CategorySummary] {
        let groups = Dictionary(grouping: items, by: group).sorted { $0.key < $1.key }
        var summaries = groups.map { category, items in
            CategorySummary(
                category: category, text: ArmSummary(items, arm: .text, confidence: confidence),
                audio: ArmSummary(items, arm: .audio, confidence: confidence),
                gap: PairedSummary(GapReport.pairs(items), confidence: confidence, resamples: resamples, seed: seed),
                adjustedP: 1)
        }
        for (place, p) in MultipleTests.holm(summaries.map(\.gap.signFlipP)).enumerated() { summaries[place].adjustedP = p }
        return summaries
    }

    enum CodingKeys: String, CodingKey {
        case category, text, audio, gap
        case adjustedP = "adjusted_p"
    }
}

/// The agreement of the arms, right or wrong.
package struct AgreementSummary: Codable, Sendable, Equatable {
    /// Over the items for which both arms have an extracted answer.
    package var answers: Agreement
    /// Over right and wrong, on all items asked in both arms.
    package var correctness: Agreement

    init(_ items: [ItemResult]) {
        let pairs = items.compactMap { item -> (text: ArmAnswer, audio: ArmAnswer)? in
            guard let text = item.asked(.text), let audio = item.asked(.audio) else { return nil }
            return (text, audio)
        }
        answers = Agreement(
            pairs.compactMap { pair in
                guard let text = pair.text.extracted, let audio = pair.audio.extracted else { return nil }
                return (text, audio)
            })
        correctness = Agreement(pairs.map { ($0.text.correct ? "right" : "wrong", $0.audio.correct ? "right" : "wrong") })
    }
}

/// The gaps that a set of this size and discordance detects at level 0.05 with power 0.8, in points.
package struct PowerSummary: Codable, Sendable, Equatable {
    package var discordantShare: Double
    package var detectableGap: Double?
    /// The number of pairs needed to detect a gap of the observed size.
    package var itemsForObservedGap: Int?

    init(_ gap: PairedSummary) {
        let discordant = gap.n == 0 ? 0 : Double(gap.b + gap.c) / Double(gap.n)
        discordantShare = discordant
        detectableGap = Power().detectableGap(items: gap.n, discordant: discordant).map { 100 * $0 }
        itemsForObservedGap = Power().items(gap: gap.points / 100, discordant: discordant)
    }

    enum CodingKeys: String, CodingKey {
        case discordantShare = "discordant_share"
        case detectableGap = "detectable_gap"
        case itemsForObservedGap = "items_for_observed_gap"
    }
}
