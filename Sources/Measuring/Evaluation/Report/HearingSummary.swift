import Randomness

/// The parts of the gap, from the accuracy on the model's own transcripts (the cascade):
///
///     text − audio  =  (text − transcript)  +  (transcript − audio)
///         gap          lost in hearing          lost in reasoning over sound; a gain if below zero
///
/// All three are over the items asked in all three arms, with the same resamples of the same source questions. The
/// parts therefore sum to the gap in every resample. A transcript is a model's own reading of a clip: a word that it misspells but understands counts
/// as a loss in hearing and a gain in reasoning.
package struct HearingSummary: Codable, Sendable, Equatable {
    package var wordErrors: WordErrorSummary
    /// Nil if no item was asked typed, spoken and by its transcript.
    package var split: Split?
    /// The accuracy by the word error rate of the transcript.
    package var bins: [Bin]
    /// Items whose transcript has no wrong word.
    package var heardRightly: Int
    /// The ids of those among them whose typed answer is right and whose spoken answer is wrong.
    package var misreasoned: [String]

    package struct Split: Codable, Sendable, Equatable {
        package var n: Int
        package var clusters: Int
        package var text: Share
        package var transcript: Share
        package var audio: Share
        package var gap: PairedSummary
        package var hearing: PairedSummary
        package var reasoning: PairedSummary
        /// hearing ÷ gap, and its bootstrap interval over source questions; nil if the gap's own holds zero.
        package var hearingShare: Double?
        package var hearingShareInterval: Interval?

        enum CodingKeys: String, CodingKey {
            case n, clusters, text, transcript, audio, gap, hearing, reasoning
            case hearingShare = "hearing_share"
            case hearingShareInterval = "hearing_share_interval"
        }
    }

    /// A number of right answers, with Wilson's interval.
    package struct Share: Codable, Sendable, Equatable {
        package var n: Int
        package var correct: Int
        package var accuracy: Double
        package var interval: Interval

        init(_ outcomes: [Bool], confidence: Double) {
            let proportion = Proportion(successes: outcomes.count { $0 }, count: outcomes.count)
            (n, correct, accuracy) = (proportion.count, proportion.successes, proportion.value)
            interval = proportion.wilson(confidence: confidence)
        }
    }

    /// Items whose word error rate is above `above` and at most `upTo`. The first bin has no wrong word; the last has no upper end.
    package struct Bin: Codable, Sendable, Equatable {
        package var above: Double?
        package var upTo: Double?
        package var n: Int
        package var arms: [Arm: Share]

        enum CodingKeys: String, CodingKey {
            case above, n, arms
            case upTo = "up_to"
        }
    }

    /// Nil if nothing was heard.
    init?(_ items: [ItemResult], confidence: Double, resamples: Int, seed: UInt64) {
        let heard = items.compactMap { item in item.asked(.transcript)?.wordErrors.map { (item: item, errors: $0) } }
        guard !heard.isEmpty else { return nil }
        wordErrors = WordErrorSummary(heard.map { ($0.item.sourceQuestion, $0.errors) }, confidence: confidence, resamples: resamples, seed: seed)
        split = Split(items, confidence: confidence, resamples: resamples, seed: seed)
        let ends: [Double?] = [0, 0.1, 0.25, 0.5, nil]
        bins = zip([nil] + ends.dropLast(), ends).compactMap { above, upTo in
            let members = heard.filter { $0.errors.rate > above ?? -1 && $0.errors.rate <= upTo ?? .infinity }
            guard !members.isEmpty else { return nil }
            let arms = [Arm.text, .transcript, .audio].compactMap { arm -> (Arm, Share)? in
                let outcomes = members.compactMap { $0.item.asked(arm)?.correct }
                return outcomes.isEmpty ? nil : (arm, Share(outcomes, confidence: confidence))
            }
            return Bin(above: above, upTo: upTo, n: members.count, arms: Dictionary(uniqueKeysWithValues: arms))
        }
        heardRightly = heard.count { $0.errors.count == 0 }
        misreasoned = items.filter(\.isMisreasoned).map(\.id)
    }

    enum CodingKeys: String, CodingKey {
        case split, bins, misreasoned
        case wordErrors = "word_errors"
        case heardRightly = "heard_rightly"
    }
}

extension ItemResult {
    /// Whether the transcript is correct, the typed answer right and the spoken answer wrong.
    var isMisreasoned: Bool {
        asked(.transcript)?.wordErrors?.count == 0 && asked(.text)?.correct == true && asked(.audio)?.correct == false
    }

    /// The outcomes in the three arms that divide the gap; nil if one was not asked.
    var threeWays: (text: Bool, transcript: Bool, audio: Bool)? {
        guard let text = asked(.text), let transcript = asked(.transcript), let audio = asked(.audio) else { return nil }
        return (text.correct, transcript.correct, audio.correct)
    }
}

extension HearingSummary.Split {
    init?(_ items: [ItemResult], confidence: Double, resamples: Int, seed: UInt64) {
        let asked = items.compactMap { item in item.threeWays.map { (key: item.sourceQuestion, ways: $0, voice: item.voice ?? "") } }
        guard !asked.isEmpty else { return nil }
        let voices = asked.map(\.voice)
        func difference(_ pair: ((text: Bool, transcript: Bool, audio: Bool)) -> (Bool, Bool)) -> PairedSummary {
            PairedSummary(
                asked.map { item in
                    let (first, second) = pair(item.ways)
                    return (item.key, first, second)
                }, voices: voices, confidence: confidence, resamples: resamples, seed: seed)
        }
        func share(_ way: ((text: Bool, transcript: Bool, audio: Bool)) -> Bool) -> HearingSummary.Share {
            HearingSummary.Share(asked.map { way($0.ways) }, confidence: confidence)
        }
        gap = difference { ($0.text, $0.audio) }
        hearing = difference { ($0.text, $0.transcript) }
        reasoning = difference { ($0.transcript, $0.audio) }
        (text, transcript, audio) = (share(\.text), share(\.transcript), share(\.audio))
        (n, clusters) = (gap.n, gap.clusters)
        guard let bounds = gap.bootstrap, bounds.lower > 0 || bounds.upper < 0 else { return }
        hearingShare = hearing.points / gap.points
        hearingShareInterval = Self.shareInterval(
            asked.map { ($0.key, ($0.ways.text ? 1 : 0) - ($0.ways.transcript ? 1 : 0), ($0.ways.text ? 1 : 0) - ($0.ways.audio ? 1 : 0)) },
            resamples: resamples, confidence: confidence, seed: seed)
    }

    /// Percentiles of Σ hearing ÷ Σ gap over resampled source questions; nil if a resample has no gap.
    private static func shareInterval(
        _ differences: [(key: String, hearing: Int, gap: Int)], resamples: Int, confidence: Double, seed: UInt64
    ) -> Interval? {
        let hearing = ClusteredPairs(differences: differences.map { ($0.key, $0.hearing) })
        let gap = ClusteredPairs(differences: differences.map { ($0.key, $0.gap) })
        var generator = RandomStream(seed: seed)
        var shares: [Double] = []
        for _ in 0..<resamples {
            var (part, whole) = (0, 0)
            for _ in gap.clusters.indices {
                let place = generator.index(below: gap.clusters.count)
                part += hearing.clusters[place].sum
                whole += gap.clusters[place].sum
            }
            if whole == 0 { return nil }
            shares.append(Double(part) / Double(whole))
        }
        let tail = (1 - confidence) / 2
        return Interval(lower: Percentile.of(shares, at: tail), upper: Percentile.of(shares, at: 1 - tail))
    }
}

/// The word error rate over all transcripts: Σ errors ÷ Σ words.
package struct WordErrorSummary: Codable, Sendable, Equatable {
    /// The number of transcripts.
    package var n: Int
    package var words: Int
    package var substitutions: Int
    package var deletions: Int
    package var insertions: Int
    package var rate: Double
    /// Percentiles of the bootstrap over source questions; nil if there is a single question or no spread.
    package var interval: Interval?
    /// The normalisation of both texts before the comparison (``TranscriptText``).
    package var normalization = "english"

    init(_ transcripts: [(key: String, errors: WordErrors)], confidence: Double, resamples: Int, seed: UInt64) {
        let errors = transcripts.map(\.errors)
        n = errors.count
        words = errors.reduce(0) { $0 + $1.words }
        substitutions = errors.reduce(0) { $0 + $1.substitutions }
        deletions = errors.reduce(0) { $0 + $1.deletions }
        insertions = errors.reduce(0) { $0 + $1.insertions }
        rate = words == 0 ? 0 : Double(substitutions + deletions + insertions) / Double(words)
        // The rate is a ratio of sums over clusters, like a mean difference: a cluster is weighted by its words.
        let groups: [String: [WordErrors]] = Dictionary(grouping: transcripts, by: \.key).mapValues { $0.map(\.errors) }
        var clusters: [ClusteredPairs.Cluster] = []
        for key in groups.keys.sorted() {
            let members = groups[key] ?? []
            let (wrong, words) = (members.map(\.count).reduce(0, +), members.map(\.words).reduce(0, +))
            if words > 0 { clusters.append(ClusteredPairs.Cluster(sum: wrong, count: words)) }
        }
        var generator = RandomStream(seed: seed)
        interval = ClusteredPairs(clusters: clusters, range: 0...1000).bootstrap(
            resamples: resamples, confidence: confidence, using: &generator)
    }
}
