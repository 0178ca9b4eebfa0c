import Evaluation
import Foundation
import Randomness
import TestSupport
import Testing

/// Every statistic against the value that scipy, statsmodels or numpy gave for the same data
/// (Tests/Fixtures/evaluation/make.py), and against each other where two must coincide.
@Suite(.ownThread) struct StatisticsTests {
    let golden: Golden

    init() throws {
        golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: Fixtures.file("statistics.json")))
    }

    @Test func generatorGivesThePublishedSequence() throws {
        try #require(!golden.splitmix64.outputs.isEmpty)
        var generator = RandomStream(seed: golden.splitmix64.seed)
        for expected in golden.splitmix64.outputs { #expect(String(generator.next()) == expected) }
    }

    @Test func wilsonAgreesWithStatsmodels() throws {
        try #require(!golden.wilson.isEmpty)
        for row in golden.wilson {
            let interval = Proportion(successes: row.successes, count: row.count).wilson(confidence: row.confidence)
            expectClose([interval.lower, interval.upper], row.interval, 1e-12)
        }
        #expect(Proportion(successes: 0, count: 0).wilson() == Interval(lower: 0, upper: 1))
    }

    @Test func pairedIntervalsAndMcNemarAgreeWithReference() throws {
        try #require(!golden.paired.isEmpty)
        for row in golden.paired {
            let counts = PairedCounts(both: row.both, b: row.b, c: row.c, neither: row.neither)
            #expect(abs(counts.difference - row.difference) < 1e-15)
            let newcombe = counts.newcombe(confidence: row.confidence)
            let wald = counts.wald(confidence: row.confidence)
            expectClose([newcombe.lower, newcombe.upper], row.newcombe, 1e-12)
            expectClose([wald.lower, wald.upper], row.wald, 1e-12)
            expectClose([counts.mcNemarP], [row.mcnemar], 1e-10)
        }
    }

    @Test func clusteredStatisticsAgreeWithReference() throws {
        let row = golden.clustered
        let pairs = ClusteredPairs(zip(row.keys, zip(row.first, row.second)).map { ($0, $1.0, $1.1) })
        #expect(abs(pairs.difference - row.difference) < 1e-12)
        expectClose([try #require(pairs.standardError)], [row.standard_error], 1e-12)
        let interval = try #require(pairs.interval())
        expectClose([interval.lower, interval.upper], row.interval, 1e-10)
        let durkalski = try #require(pairs.durkalski)
        expectClose([durkalski.statistic, durkalski.p], [row.durkalski, row.durkalski_p], 1e-12)
        expectClose([pairs.signFlipP], [row.sign_flip_p], 1e-12)
        var generator = RandomStream(seed: row.bootstrap_seed)
        let bootstrap = try #require(pairs.bootstrap(resamples: row.bootstrap_resamples, using: &generator))
        expectClose([bootstrap.lower, bootstrap.upper], row.bootstrap, 1e-12)
    }

    @Test func scoresHaveThePairedTIntervalAndTheExactPermutationTest() throws {
        let row = golden.ratings
        let rated = zip(row.text, row.audio).enumerated().map { place, scores in
            Samples.rated("q\(place)", text: scores.0, audio: scores.1)
        }
        let report = GapReport(id: "r", created: 1, items: rated, reproducibility: Samples.facts())
        let rating = try #require(report.rating)
        let gap = try #require(rating.gap)
        let (interval, mean) = (try #require(gap.interval), try #require(rating.arms[.text]))
        expectClose([gap.points, gap.signFlipP, mean.mean], [row.points, row.sign_flip_p, row.mean], 1e-12)
        expectClose([interval.lower, interval.upper], row.interval, 1e-9)
        let around = try #require(mean.interval)
        // Scores end at 5, whatever t says.
        expectClose([around.lower, around.upper], row.mean_interval.map { min(5, max(1, $0)) }, 1e-9)
        let drawn = try #require(gap.bootstrap)
        #expect(drawn.lower < gap.points && gap.points < drawn.upper && drawn.upper - drawn.lower < 3)
        #expect(report.arms[.text]?.correct == row.text.count { $0 >= 4 } && mean.counts == (1...5).map { score in row.text.count { $0 == score } })
    }

    @Test func clustersOfOneGiveTheUnclusteredTests() throws {
        let counts = PairedCounts(both: 40, b: 17, c: 6, neither: 12)
        let outcomes =
            Array(repeating: (true, true), count: 40) + Array(repeating: (true, false), count: 17)
            + Array(repeating: (false, true), count: 6) + Array(repeating: (false, false), count: 12)
        let pairs = ClusteredPairs(outcomes.enumerated().map { (String($0.offset), $0.element.0, $0.element.1) })
        expectClose([pairs.signFlipP], [counts.mcNemarP], 1e-12)
        // Durkalski's statistic is then McNemar's without continuity correction.
        expectClose([try #require(pairs.durkalski).statistic], [Double(11 * 11) / 23], 1e-12)
        #expect(pairs.difference == counts.difference)
    }

    @Test func repeatingEveryPairDoesNotAddEvidence() throws {
        let outcomes = (0..<30).map { ($0 % 3 != 0, $0 % 2 == 0) }
        let once = ClusteredPairs(outcomes.enumerated().map { (String($0.offset), $0.element.0, $0.element.1) })
        let thrice = ClusteredPairs((outcomes + outcomes + outcomes).enumerated().map { (String($0.offset % 30), $0.element.0, $0.element.1) })
        expectClose([try #require(thrice.standardError)], [try #require(once.standardError)], 1e-12)
        expectClose([thrice.signFlipP], [once.signFlipP], 1e-12)
    }

    @Test func errorsClusteredInTwoWaysAgreeWithReference() throws {
        let row = golden.clustered
        let pairs = row.keys.indices.map { place in
            (row.keys[place], row.voices[place], (row.first[place] ? 1 : 0) - (row.second[place] ? 1 : 0))
        }
        expectClose([try #require(ClusteredPairs.twoWayStandardError(pairs))], [row.two_way_standard_error], 1e-12)
        #expect(ClusteredPairs.twoWayStandardError(pairs.map { ($0.0, "one", $0.2) }) == nil)
        let oneEach = row.keys.indices.map { (String($0), "v\($0)", pairs[$0].2) }
        let plain = ClusteredPairs(oneEach.map { ($0.0, $0.2 > 0, $0.2 < 0) })
        expectClose([try #require(ClusteredPairs.twoWayStandardError(oneEach))], [try #require(plain.standardError)], 1e-12)
    }

    @Test func holmKappaAndCorrelationsAgreeWithReference() throws {
        expectClose(MultipleTests.holm(golden.holm.raw), golden.holm.adjusted, 1e-15)
        let agreement = Agreement(zip(golden.kappa.first, golden.kappa.second).map { ($0, $1) })
        expectClose([agreement.share, try #require(agreement.kappa)], [golden.kappa.share, golden.kappa.kappa], 1e-12)
        let row = golden.correlation
        try #require(!row.percentiles.isEmpty)
        expectClose([try #require(Correlation.pearson(row.x, row.y))], [row.pearson], 1e-12)
        expectClose([try #require(Correlation.spearman(row.x, row.y))], [row.spearman], 1e-12)
        for percentile in row.percentiles {
            expectClose([Percentile.of(row.y, at: percentile.at)], [percentile.value], 1e-12)
        }
        #expect(Correlation.pearson([1, 1, 1], [1, 2, 3]) == nil)
    }

    @Test func powerAgreesWithReferenceAndInverts() throws {
        try #require(!golden.power.isEmpty)
        for row in golden.power {
            let power = Power(level: row.level, power: row.power)
            #expect(power.items(gap: row.gap, discordant: row.discordant) == row.items)
            let detectable = try #require(power.detectableGap(items: row.items, discordant: row.discordant))
            #expect(detectable <= row.gap && detectable > row.gap * 0.98)
            #expect(abs(row.simulated - row.power) < 0.09)
        }
        #expect(Power().items(gap: 0, discordant: 0.2) == nil)
        #expect(Power().items(gap: 0.3, discordant: 0.2) == nil)
        #expect(Power().detectableGap(items: 3, discordant: 0.01) == nil)
    }

    @Test func ratiosFollowTheirDefinitions() throws {
        #expect(GapRatio.retention(audio: 0.36, baseText: 0.45) == 0.36 / 0.45)
        #expect(GapRatio.retention(audio: 0.36, baseText: 0) == nil)
        expectClose([try #require(GapRatio.averageDrop([(0.5, 1.0), (0.3, 0.4), (0.1, 0)]))], [0.375], 1e-12)
        // The paper's mean over Qwen2-Audio's three benchmarks: 15.25 points before, 8.90 after.
        expectClose([try #require(GapRatio.reduction(before: 15.25, after: 8.90))], [0.416], 5e-4)
    }
}

struct Golden: Decodable {
    struct Sequence: Decodable { var seed: UInt64; var outputs: [String] }
    struct Wilson: Decodable { var successes: Int; var count: Int; var confidence: Double; var interval: [Double] }
    struct Paired: Decodable {
        var both: Int; var b: Int; var c: Int; var neither: Int; var confidence: Double
        var difference: Double; var newcombe: [Double]; var wald: [Double]; var mcnemar: Double
    }
    struct Clustered: Decodable {
        var keys: [String]; var first: [Bool]; var second: [Bool]
        var difference: Double; var standard_error: Double; var interval: [Double]
        var durkalski: Double; var durkalski_p: Double; var sign_flip_p: Double
        var bootstrap_seed: UInt64; var bootstrap_resamples: Int; var bootstrap: [Double]
        var voices: [String]; var two_way_standard_error: Double
    }
    struct Ratings: Decodable {
        var text: [Int]; var audio: [Int]; var points: Double; var interval: [Double]
        var mean: Double; var mean_interval: [Double]; var sign_flip_p: Double
    }
    struct Holm: Decodable { var raw: [Double]; var adjusted: [Double] }
    struct Kappa: Decodable { var first: [String]; var second: [String]; var kappa: Double; var share: Double }
    struct Percentiles: Decodable { var at: Double; var value: Double }
    struct Correlations: Decodable {
        var x: [Double]; var y: [Double]; var pearson: Double; var spearman: Double; var percentiles: [Percentiles]
    }
    struct Powers: Decodable {
        var gap: Double; var discordant: Double; var level: Double; var power: Double; var items: Int; var simulated: Double
    }

    var splitmix64: Sequence
    var wilson: [Wilson]
    var paired: [Paired]
    var clustered: Clustered
    var ratings: Ratings
    var holm: Holm
    var kappa: Kappa
    var correlation: Correlations
    var power: [Powers]
}
