import Evaluation
import Foundation
import Randomness
import Testing

/// Every number here was worked out by hand.
@Suite struct GapTableTests {
    private func report(
        _ id: String, benchmark: String = "spoken reasoning", hash: String = "b1", change: (inout [ItemResult]) -> Void = { _ in }
    ) -> GapReport {
        var items = Samples.items
        change(&items)
        var facts = Samples.facts(benchmarkHash: hash)
        facts.benchmark = benchmark
        return GapReport(id: id, items: items, reproducibility: facts)
    }

    private func hearing(_ mended: Int, forgotten: Int = 0) -> (inout [ItemResult]) -> Void {
        { items in
            for place in 0..<mended { items[place].arms[.audio]?.correct = true }
            for place in 40..<40 + forgotten { items[place].arms[.text]?.correct = false }
        }
    }

    /// Text 90 and audio 65 before; over two seeds audio 75 and 85, text 90 and 85.
    private var entries: [GapTable.Entry] {
        [
            .init(method: "base", report: report("r0")), .init(method: "CORD, K = 5", report: report("r1", change: hearing(10))),
            .init(method: "CORD, K = 5", report: report("r2", change: hearing(20, forgotten: 5))), .init(method: "idle", report: report("r3")),
        ]
    }

    @Test func aRowHasTheMeansAndChangesOfItsSeeds() throws {
        let table = try GapTable(entries, base: "base")
        #expect(table.rows.map(\.method) == ["base", "CORD, K = 5", "idle"] && table.means.isEmpty)
        let (base, row, idle) = (table.rows[0], table.rows[1], table.rows[2])
        #expect(base.audioChange == nil && base.adjustedP == nil && base.numbers.gap == 25 && base.audioDeviation == nil)
        #expect(row.seeds == 2 && row.n == 100)
        let numbers = row.numbers
        expectClose([numbers.audio, numbers.text, numbers.gap], [0.8, 0.875, 7.5], 1e-9)
        expectClose([try #require(numbers.reductionAgainstBaseText), try #require(numbers.reductionOwn)], [0.6, 0.7], 1e-9)
        expectClose([try #require(numbers.mrr), try #require(numbers.textKept)], [0.8 / 0.9, 0.875 / 0.9], 1e-9)
        expectClose([try #require(row.audioDeviation), try #require(row.textDeviation)], [(0.005).squareRoot(), (0.00125).squareRoot()], 1e-9)
        let (audio, text) = (try #require(row.audioChange), try #require(row.textChange))
        expectClose([audio.points, text.points], [15, -2.5], 1e-9)
        // Ten questions gained twice and ten once: of 2²⁰ choices of signs, two are as far from 0.
        expectClose([audio.signFlipP, try #require(row.adjustedP)], [2 / 1_048_576, 4 / 1_048_576], 1e-12)
        let pooled = try #require(audio.pooled)
        #expect(pooled.lower > 0 && pooled.lower < 15 && pooled.upper > 15)
        let wide = try #require(audio.hierarchical)
        #expect(wide.lower < pooled.lower && wide.upper > pooled.upper)
        #expect(idle.audioChange?.points == 0 && idle.adjustedP == 1 && idle.audioChange?.hierarchical == nil)
        #expect(try GapTable(entries, base: "base") == table)
    }

    @Test func meansAreOverTheBasesBenchmarks() throws {
        var all = entries
        // Audio equals text there: nothing is to be closed.
        func equal(_ items: inout [ItemResult]) { for place in items.indices { items[place].arms[.audio] = items[place].arms[.text] } }
        all.append(.init(method: "base", report: report("r4", benchmark: "other", hash: "b9", change: equal)))
        all.append(.init(method: "CORD, K = 5", report: report("r5", benchmark: "other", hash: "b9", change: equal)))
        let table = try GapTable(all, base: "base")
        #expect(table.rows.map { $0.benchmark + "/" + $0.method }.suffix(2) == ["other/base", "other/CORD, K = 5"])
        // The idle method was not measured on the other benchmark.
        #expect(table.means.map(\.method) == ["base", "CORD, K = 5"])
        let mean = table.means[1]
        expectClose([mean.numbers.audio, mean.numbers.text, mean.numbers.gap], [0.85, 0.8875, 3.75], 1e-9)
        // The mean gap was 12.5; against the base's text 5 are left.
        expectClose([try #require(mean.numbers.reductionAgainstBaseText), try #require(mean.numbers.reductionOwn)], [0.6, 0.7], 1e-9)
        expectClose([try #require(mean.numbers.mrr), try #require(mean.averageDrop)], [(0.8 / 0.9 + 1) / 2, 1 - (0.8 / 0.9 + 1) / 2], 1e-9)
        #expect(table.rows.last?.numbers.reductionOwn == nil)
    }

    /// One seed gains everywhere what the other loses: the trainings together changed nothing, and the method may do either.
    @Test func onlyTheHierarchicalIntervalKnowsThatSeedsDiffer() throws {
        let questions = (0..<40).map { "q\($0)" }
        let pairs = SeededPairs([questions.map { ($0, 1) }, questions.map { ($0, -1) }])
        var generator = RandomStream(seed: 1)
        #expect(pairs.difference == 0 && pairs.pooled.bootstrap(using: &generator) == nil)
        #expect(pairs.hierarchical(using: &generator) == Interval(lower: -1, upper: 1))
        #expect(SeededPairs([questions.map { ($0, 1) }]).hierarchical(using: &generator) == nil)
        #expect(SeededPairs([[], []]).hierarchical(using: &generator) == nil)
    }

    @Test func itemsThatASeedCouldNotAskAreLeftOut() throws {
        var all = entries
        all[1] = .init(method: "CORD, K = 5", report: report("r1") { $0[99].arms[.audio]?.error = "no clip" })
        let rows = try GapTable(all, base: "base").rows
        #expect(rows.map(\.n) == [100, 99, 100])
    }

    @Test func whatCannotBeComparedIsNamed() {
        for (changed, base, words) in [
            ([], "none", "no report of the base none; there are base"),
            ([GapTable.Entry(method: "base", report: report("r6"))], "base", "several reports of spoken reasoning"),
            ([.init(method: "x", report: report("r7", hash: "b2"))], "base", "another spoken reasoning"),
            ([.init(method: "x", report: report("r8", benchmark: "unknown"))], "base", "measured on unknown, the base base only on spoken"),
            ([.init(method: "x", report: report("r9") { $0 = [] })], "base", "share no item"),
        ] {
            let error = #expect(throws: GapTable.Failure.self) { try GapTable(entries + changed, base: base) }
            #expect(error?.description.contains(words) == true, "\(String(describing: error))")
        }
    }

    @Test func everyFormHasEveryRow() throws {
        let table = try GapTable(entries, base: "base")
        let markdown = table.markdown()
        #expect(markdown.contains("| spoken reasoning | CORD, K = 5 | 2 | 100 | 87.5 ± 3.5 | 80.0 ± 7.1 | +7.5 | +15.0 ["))
        #expect(markdown.contains("| 60.0 | 70.0 | 0.889 | 0.972 |") && markdown.contains("Holm"))
        let latex = table.latex()
        #expect(latex.contains("CORD, K = 5 & 2 & 100 & 87.5 $\\pm$ 3.5 &") && latex.contains("text, \\% &"))
        #expect(latex.contains("\\toprule") && latex.components(separatedBy: "\\\\\n").count == 5)
        let lines = table.csv().split(separator: "\r\n")
        #expect(lines.count == 4 && lines[2].hasPrefix("spoken reasoning,\"CORD, K = 5\",2,100,0.875,"))
        let columns = lines[0].split(separator: ",", omittingEmptySubsequences: false).count
        #expect(lines[1].split(separator: ",", omittingEmptySubsequences: false).count == columns)
        #expect(try JSONDecoder().decode(GapTable.self, from: table.json()) == table)
    }
}
