import Evaluation
import Foundation
import Testing

/// Word error rates, and the gap taken apart by what a model wrote down of its clips.
struct HearingTests {
    @Test(arguments: [
        ("Tom has 12 apples.", "tom has twelve apples", 0), ("two hundred and five", "205", 0), ("twenty first", "21st", 0),
        ("one oh five", "105", 0), ("seven dollars", "$7", 0), ("I can't.", "i can not", 0), ("Um, well", "well", 0),
        ("Mr. Smith's book", "mister smith is book", 0), ("five percent", "5%", 0), ("three point one", "3.1", 0),
        ("four thousand three hundred seventy-two", "4,372", 0), ("nineteen eighty", "1980", 0), ("café", "cafe", 0), ("minus five", "-5", 0),
        ("seven dollars and fifty cents", "$7.50", 0),
        ("What is 7 plus 8?", "What is 7 plus 9?", 1), ("a b c", "a c", 1), ("a c", "a b c", 1), ("a b", "c d", 2), ("", "a b", 2), ("", "", 0),
    ]) func errorsAreCountedInWords(said: String, heard: String, count: Int) {
        #expect(WordErrors(heard: heard, said: said).count == count, "\(said) | \(heard)")
    }

    @Test func errorsAreOfThreeKinds() {
        let errors = WordErrors(heard: "red fox green hen blue pig now", said: "red dog green blue pig cow")
        #expect(errors.words == 6 && errors.insertions == 1 && errors.deletions == 0 && errors.substitutions == 2)
        #expect(WordErrors(heard: "red blue", said: "red green blue").deletions == 1)
        #expect(abs(errors.rate - 0.5) < 1e-12)
        #expect(WordErrors(heard: "a", said: "").rate == 1 && WordErrors(heard: "", said: "").rate == 0)
    }

    private static let facts = Reproducibility(
        model: "m", modelHash: "h", weightVersion: "base", weightVersionHash: "base", promptTemplateHash: "t", decoding: [:], seed: 3,
        judge: "match", extraction: .strict, benchmark: "b", benchmarkHash: "x", softwareVersion: "0", machine: "here",
        arms: [.text, .audio, .transcript], limit: nil, divergence: 0)

    /// `counts` items of every pattern of right and wrong: (text, transcript, audio, whether it was heard rightly).
    private func report(_ counts: [(Bool, Bool, Bool, Bool, Int)], id: String = "r") -> GapReport {
        var items: [ItemResult] = []
        for (text, transcript, audio, isHeard, count) in counts {
            for _ in 0..<count {
                var relayed = ArmAnswer(text: "", extracted: nil, correct: transcript)
                relayed.heard = isHeard ? "add two and two" : "add two and you"
                relayed.wordErrors = WordErrors(heard: relayed.heard ?? "", said: "Add two and two.")
                items.append(
                    ItemResult(
                        id: "i\(items.count)", category: "c", question: "Add two and two.", answer: "4",
                        arms: [
                            .text: ArmAnswer(text: "", extracted: nil, correct: text), .audio: ArmAnswer(text: "", extracted: nil, correct: audio),
                            .transcript: relayed,
                        ]))
            }
        }
        return GapReport(id: id, created: 0, items: items, reproducibility: Self.facts)
    }

    @Test func thePartsSumToTheGap() throws {
        let report = report([
            (true, true, true, true, 60), (true, false, false, false, 20), (true, true, false, true, 12), (false, false, true, true, 8),
        ])
        let hearing = try #require(report.hearing)
        let split = try #require(hearing.split)
        #expect(split.n == 100 && abs(split.gap.points - report.gap.points) < 1e-9)
        #expect(abs(split.gap.points - 24) < 1e-9 && abs(split.hearing.points - 20) < 1e-9 && abs(split.reasoning.points - 4) < 1e-9)
        #expect(try abs(#require(split.hearingShare) - 20.0 / 24) < 1e-9)
        let interval = try #require(split.hearingShareInterval)
        #expect(interval.lower < 20.0 / 24 && interval.upper > 20.0 / 24)
        #expect(hearing.heardRightly == 80 && hearing.misreasoned == (80..<92).map { "i\($0)" })
        #expect(abs(hearing.wordErrors.rate - 0.05) < 1e-12)
        let bounds = try #require(hearing.wordErrors.interval)
        #expect(bounds.lower < 0.05 && bounds.upper > 0.05)
        #expect(hearing.bins.map(\.n) == [80, 20] && hearing.bins[1].arms[.transcript]?.correct == 0)
        for page in [report.markdown(), report.html()] {
            #expect(page.contains("Where the gap arises") && page.contains("hearing: text − transcript") && page.contains("Word error rate 5.0 %"))
        }
        #expect(report.html().contains("data-outcome=\"b misreasoned\""))
    }

    @Test func withoutAGapHearingHasNoShare() throws {
        let split = try #require(report([(true, true, true, true, 50)]).hearing?.split)
        #expect(split.gap.points == 0 && split.hearingShare == nil && split.hearingShareInterval == nil)
    }

    @Test func withoutTranscriptsThereIsNoPart() {
        let item = ItemResult(
            id: "i", category: "c", question: "q", answer: "4",
            arms: [.text: ArmAnswer(text: "", extracted: nil, correct: true), .audio: ArmAnswer(text: "", extracted: nil, correct: false)])
        let report = GapReport(id: "r", created: 0, items: [item], reproducibility: Self.facts)
        #expect(report.hearing == nil && !report.markdown().contains("Where the gap arises"))
    }

    @Test func aComparisonSaysWhichPartWasClosed() throws {
        let before = report([(true, true, true, true, 50), (true, false, false, false, 30), (true, true, false, true, 20)])
        let after = report([(true, true, true, true, 50), (true, true, true, true, 30), (true, true, false, true, 20)], id: "after")
        let hearing = try #require(try GapComparison(base: before, candidate: after).hearing)
        #expect(hearing.n == 100 && abs(hearing.hearing.before - 30) < 1e-9 && abs(hearing.hearing.after) < 1e-9)
        #expect(abs(hearing.hearing.closed.points - 30) < 1e-9 && abs(hearing.reasoning.closed.points) < 1e-9)
        #expect(abs(hearing.gap.closed.points - 30) < 1e-9 && hearing.gap.closed.signFlipP < 0.001)
        #expect(abs(hearing.wordErrorsBefore - 0.075) < 1e-12 && hearing.wordErrorsAfter == 0)
        #expect(try GapComparison(base: before, candidate: after).markdown().contains("reasoning over sound"))
    }

    @Test(arguments: [-1, 1 << 40]) func countsThatNoTranscriptHasAreRefused(count: Int) {
        let text = #"{"substitutions": \#(count), "deletions": 0, "insertions": 0, "words": 3}"#
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(WordErrors.self, from: Data(text.utf8)) }
    }

    @Test func aReportIsReadAsItWasWritten() throws {
        let report = report([(true, true, false, true, 6), (true, false, false, false, 4)])
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(GapReport.self, from: data) == report)
        #expect(String(decoding: data, as: UTF8.self).contains("\"word_errors\""))
    }
}
