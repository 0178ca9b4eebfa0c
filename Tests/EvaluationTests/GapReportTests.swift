import Evaluation
import Foundation
import Testing

@Suite struct GapReportTests {
    @Test func reportCountsWhatItsItemsSay() throws {
        let report = Samples.report
        #expect(report.n == 100 && report.gap.n == 100)
        #expect(report.gap.b == 30 && report.gap.c == 5)
        #expect(abs(report.gap.points - 25) < 1e-12)
        #expect(report.gap.method == .newcombe)
        let bounds = try #require(report.gap.interval)
        #expect(bounds.lower > 0 && bounds.upper < 40)
        #expect(report.arms[.text]?.correct == 90 && report.arms[.audio]?.correct == 65)
        #expect(report.arms[.noAudio] == nil)
        #expect(report.categories.map(\.category) == ["arithmetic", "ordering"])
        #expect(report.categories.reduce(0) { $0 + $1.gap.b } == 30)
        #expect(report.categories.allSatisfy { $0.adjustedP >= $0.gap.signFlipP })
        #expect(report.mrr.value == 65.0 / 90.0)
        #expect(report.agreement.correctness.share == 0.65)
    }

    @Test func sharedSourceQuestionsWidenTheInterval() throws {
        let items = (0..<90).map { place in
            Samples.item("q\(place)", true, (place / 3) % 3 != 0, source: "s\(place / 3)")
        }
        let report = GapReport(id: "r", items: items, reproducibility: Samples.facts())
        #expect(report.gap.clusters == 30 && report.gap.method == .clusterRobust)
        let width = { (interval: Interval) in interval.upper - interval.lower }
        let interval = try #require(report.gap.interval)
        #expect(width(interval) > 1.4 * width(report.gap.newcombe))
        #expect(report.gap.signFlipP > 100 * report.gap.mcnemarP)
    }

    @Test func failuresCountAsWrongAndErrorsLeaveThePair() {
        var items = Samples.items
        items[0].arms[.audio] = Samples.answer(false, failure: "no_number")
        items[1].arms[.audio] = ArmAnswer(text: "", extracted: nil, correct: false, error: "undecodable_audio")
        items[2].arms[.audio] = nil
        let report = GapReport(id: "r", items: items, reproducibility: Samples.facts())
        #expect(report.n == 100 && report.gap.n == 98)
        #expect(report.arms[.audio]?.n == 98)
        #expect(report.arms[.audio]?.failures == ["no_number": 1])
        #expect(report.arms[.audio]?.errors == ["undecodable_audio": 1])
        #expect(report.agreement.answers.n == 97 && report.agreement.correctness.n == 98)
    }

    @Test func jsonSurvivesARoundTripInSnakeCase() throws {
        var report = Samples.report
        report.divergence = DivergenceSummary(
            (0..<40).map { TokenDivergence(item: "a", position: $0, token: "t\($0 % 4)", value: 1 / Double($0 + 1)) })
        report.items[0].arms[.noAudio] = Samples.answer(false)
        let json = try report.json()
        #expect(try GapReport(json: json) == report)
        let text = String(decoding: json, as: UTF8.self)
        for key in ["mcnemar_p", "no_audio", "source_question", "benchmark_hash", "average_drop", "discordant_share"] {
            #expect(text.contains("\"\(key)\""), "\(key)")
        }
        #expect(!text.contains("mcnemarP") && !text.contains("noAudio"))
    }

    @Test func sameItemsAndSeedGiveTheSameBytes() throws {
        #expect(try Samples.report.json() == Samples.report.json())
    }

    @Test func emptyRunGivesAReportWithoutNumbers() throws {
        let report = GapReport(id: "r", items: [], reproducibility: Samples.facts())
        #expect(report.gap.n == 0 && report.mrr.value == nil)
        #expect(report.gap.interval == nil && report.gap.intervalLeftOut == PairedSummary.notMeasured)
        #expect(!report.html().isEmpty && !report.markdown().isEmpty)
        _ = try report.json()
    }

    @Test func divergenceFindsItsTrendAndItsTokens() throws {
        let tokens = (0..<5).flatMap { answer in
            (0..<20).map { place in
                TokenDivergence(
                    item: "i\(answer)", position: place, token: place == 0 ? "Therefore" : "x", value: place == 0 ? 2 : 0.5 - 0.02 * Double(place))
            }
        }
        let summary = try #require(DivergenceSummary(tokens))
        #expect(summary.n == 100 && summary.answers == 5 && summary.positions.count == 20)
        #expect(summary.tokens.first?.token == "Therefore" && summary.tokens.first?.n == 5)
        #expect(try #require(summary.spearman) < -0.99)
        #expect(summary.positions[0].p80 == 2)
        #expect(DivergenceSummary([]) == nil)
    }
}

@Suite struct GapComparisonTests {
    @Test func reductionIsMeasuredAgainstBothTexts() throws {
        let base = Samples.report
        // The candidate mends ten of the lost items by ear, and forgets five typed ones.
        var items = base.items
        for place in 0..<10 { items[place].arms[.audio]?.correct = true }
        for place in 40..<45 { items[place].arms[.text]?.correct = false }
        let candidate = GapReport(id: "report-2", items: items, reproducibility: Samples.facts(version: "v2"))
        let comparison = try GapComparison(base: base, candidate: candidate)
        expectClose(
            [comparison.gapBefore, comparison.gapAfterAgainstBaseText, comparison.gapAfterOwn], [25, 15, 10], 1e-9)
        expectClose([try #require(comparison.reductionAgainstBaseText), try #require(comparison.reductionOwn)], [0.4, 0.6], 1e-9)
        #expect(comparison.audioItems.gained == (0..<10).map { "q\($0)" } && comparison.audioItems.lost.isEmpty)
        #expect(comparison.textItems.lost == (40..<45).map { "q\($0)" })
        #expect(comparison.text.points == -5 && comparison.text.c == 5)
        expectClose([comparison.text.mcnemarP, comparison.gapClosed.points], [0.0625, 15], 1e-9)
        #expect(comparison.differences.isEmpty)
        #expect(comparison.reducesGap(maximumTextDrop: 5) && !comparison.reducesGap(maximumTextDrop: 4))
        #expect(comparison.markdown().contains("against the base's text"))
    }

    @Test func whatASecondSetLosesIsForgotten() throws {
        func report(_ id: String, right: Set<Int>, hash: String = "h2", mended: Int = 0) -> GapReport {
            var facts = Samples.facts(version: id)
            facts.retained = [RetainedFacts(benchmark: "sounds", benchmarkHash: hash, arm: .audioText)]
            let kept = (0..<20).map {
                ItemResult(
                    id: "s\($0)", category: "sounds", question: "Which sound?", answer: "19", audio: "s.wav",
                    arms: [.audioText: Samples.answer(right.contains($0))])
            }
            var items = Samples.items
            for place in 0..<mended { items[place].arms[.audio]?.correct = true }
            return GapReport(id: id, items: items, reproducibility: facts, retained: [kept])
        }
        let base = report("before", right: Set(0..<15))
        let candidate = report("after", right: Set(4..<16), mended: 20)
        let comparison = try GapComparison(base: base, candidate: candidate)
        let kept = try #require(comparison.retention?.first)
        expectClose([kept.before, kept.after, kept.change.points], [0.75, 0.6, -15], 1e-9)
        #expect(kept.items.lost == ["s0", "s1", "s2", "s3"] && kept.items.gained == ["s15"])
        #expect(comparison.reducesGap(maximumTextDrop: 1))
        #expect(comparison.reducesGap(maximumTextDrop: 1, maximumRetentionDrop: 15.001))
        #expect(!comparison.reducesGap(maximumTextDrop: 1, maximumRetentionDrop: 14.9))
        #expect(comparison.markdown().contains("| sounds | audio and text | 20 | 75.0 | 60.0 | -15.0 |") || comparison.markdown().contains("−15.0"))
        #expect(comparison.html(base: base, candidate: candidate).contains("What was kept"))
        #expect(base.markdown().contains("| sounds | audio and text | 20 | 75.0 |") && base.html().contains("What is kept"))
        #expect(try GapReport(json: base.json()) == base)
        #expect(try GapComparison(base: base, candidate: report("other", right: [], hash: "h3")).retention == nil)
        #expect(try GapComparison(base: base, candidate: Samples.report).retention == nil)
    }

    @Test func ratedItemsCompareByTheirScores() throws {
        func report(_ id: String, _ scores: [(text: Int, audio: Int?)]) -> GapReport {
            let items = scores.enumerated().map { Samples.rated("q\($0)", text: $1.text, audio: $1.audio) }
            return GapReport(id: id, items: items, reproducibility: Samples.facts())
        }
        // Accuracies see which scores pass 4, means see every step; a score that cannot be read counts as 1.
        let base = report("before", [(5, 2), (4, 3), (5, 1), (4, 4), (3, nil)])
        let candidate = report("after", [(5, 4), (5, 3), (4, 3), (3, 4), (3, 5)])
        let comparison = try GapComparison(base: base, candidate: candidate)
        let rating = try #require(comparison.rating)
        #expect(rating.n == 5 && comparison.audioItems.gained == ["q0", "q4"] && comparison.textItems.lost == ["q3"])
        expectClose([rating.gapBefore, rating.gapAfter, rating.gapClosed.points], [2, 0.2, 1.8], 1e-12)
        expectClose([rating.text.points, rating.audio.points], [-0.2, 1.6], 1e-12)
        // The gap changes by 2, −1, 3, 1 and 4: of 32 choices of signs, 3 sum to 9 or more and 3 to −9 or less.
        expectClose([rating.gapClosed.signFlipP], [6 / 32], 1e-12)
        #expect(comparison.markdown().contains("| gap closed | +1.80 |") && comparison.html(base: base, candidate: candidate).contains("gap closed"))
        #expect(try GapComparison(base: Samples.report, candidate: Samples.report).rating == nil)
    }

    @Test func reportsOnDifferentSetsDoNotCompare() {
        let other = GapReport(id: "r", items: Samples.items, reproducibility: Samples.facts(benchmarkHash: "b2"))
        #expect(throws: GapComparison.Failure.differentBenchmarks(base: "b1", candidate: "b2")) {
            try GapComparison(base: Samples.report, candidate: other)
        }
        let empty = GapReport(id: "e", items: [], reproducibility: Samples.facts())
        #expect(throws: GapComparison.Failure.nothingInCommon(base: "report-1", candidate: "e")) {
            try GapComparison(base: Samples.report, candidate: empty)
        }
    }

    @Test func differingDecodingIsNamed() throws {
        var facts = Samples.facts()
        facts.decoding["temperature"] = "1"
        let other = GapReport(id: "r", items: Samples.items, reproducibility: facts)
        let comparison = try GapComparison(base: Samples.report, candidate: other)
        #expect(comparison.differences.count == 1 && comparison.differences[0].contains("temperature=1"))
    }

    @Test func whatShowsNoSpreadHasNoIntervalButAReason() throws {
        // Two voices of five questions, all answered rightly both ways: the pairs are not independent, and the questions do not differ.
        let pairs = (0..<10).map { (key: "q\($0 / 2)", first: true, second: true) }
        let alike = PairedSummary(pairs)
        #expect(alike.points == 0 && alike.interval == nil && alike.bootstrap == nil && alike.method == .clusterRobust)
        #expect(alike.intervalLeftOut == "every source question gave the same difference")
        let one = PairedSummary([("q", true, false), ("q", true, true)])
        #expect(one.interval == nil && one.intervalLeftOut == "all pairs come from one source question")
        // Ten independent pairs that agree bound what the next may show.
        let apart = PairedSummary((0..<10).map { (key: "q\($0)", first: true, second: true) })
        let bounds = try #require(apart.interval)
        #expect(bounds.lower < -20 && bounds.upper > 20 && apart.bootstrap == nil && apart.intervalLeftOut != nil)
        let mixed = PairedSummary(pairs.dropLast() + [("q4", true, false)])
        #expect(mixed.interval != nil && mixed.bootstrap != nil && mixed.intervalLeftOut == nil)
    }
}
