import Audio
import Evaluation
import Foundation
import Hashing
import TestSupport
import Testing

@Suite(.ownThread) struct RenderingTests {
    let hostile = "<script>alert('x')</script> & \"quotes\"\n=cmd|' /C calc'!A0"

    func report(_ change: (inout ItemResult) -> Void) -> GapReport {
        var items = Samples.items
        change(&items[0])
        return GapReport(id: "r", created: 1_780_000_000, items: items, reproducibility: Samples.facts())
    }

    @Test func csvQuotesAndDisarmsFormulas() {
        let csv = report {
            $0.question = "=1+1"
            $0.answer = "-5"
            $0.arms[.text]?.text = "He said \"no\",\r\nthen yes"
            $0.voice = "@voice"
        }.csv()
        let first = csv.components(separatedBy: "\r\n")[1]
        #expect(first.hasPrefix("q0,q0,'@voice,ordering,'=1+1,-5,clips/q0.wav,\"He said \"\"no\"\","))
        #expect(csv.hasPrefix("id,source_question,voice,category,question,answer,audio,text_text,text_extracted,"))
        #expect(csv.hasSuffix("\r\n"))
    }

    @Test func ratingsStandInEveryRendering() {
        let items = [Samples.rated("a", text: 5, audio: 3), Samples.rated("b", text: 4, audio: nil), Samples.rated("c", text: 4, audio: 4)]
        let report = GapReport(id: "r", created: 1_780_000_000, items: items, reproducibility: Samples.facts())
        #expect(report.markdown().contains("| audio | 3 | 2.67 |") && report.markdown().contains("| unreadable_verdict 1 |"))
        #expect(report.markdown().contains("Mean typed minus mean spoken: +1.67"))
        #expect(report.html().contains("Mean score by arm"))
        #expect(report.csv().components(separatedBy: "\r\n")[2].hasSuffix(",false,unreadable_verdict,,0,0.0,1"))
        #expect(!Samples.report.markdown().contains("## Ratings") && Samples.report.rating == nil && !Samples.report.csv().contains("score"))
    }

    @Test func htmlEscapesWhatModelsSay() {
        let html = report {
            $0.question = hostile
            $0.arms[.audio]?.text = hostile
            $0.category = hostile
        }.html()
        #expect(!html.contains("<script>alert"))
        #expect(html.contains("&lt;script&gt;alert(&#39;x&#39;)"))
    }

    @Test func htmlReachesNothingOutside() {
        let html = report { $0.audio = "https://example.org/a.wav" }.html()
        #expect(!html.contains("example.org"))
        #expect(!html.contains("src=\"http") && !html.contains("href=") && !html.contains("@import") && !html.contains("url("))
        #expect(html.contains("src=\"clips/q1.wav\""))
        for link in ["javascript:alert(1)", "//host/a.wav", "data:text/html,x"] {
            #expect(!Samples.report.html { _ in link }.contains("<audio"))
        }
        #expect(Samples.report.html { _ in "data:audio/wav;base64,AAAA" }.contains("src=\"data:audio/wav;base64,AAAA\""))
    }

    @Test func titlesNameTheWeights() throws {
        let (base, candidate) = (Samples.report, GapReport(id: "c", items: Samples.items, reproducibility: Samples.facts(version: "v2")))
        #expect(
            candidate.html().contains("weights v2 on ") && candidate.markdown().hasPrefix("# Audio-text gap: ")
                && candidate.markdown().contains(", weights v2 on "))
        let page = try GapComparison(base: base, candidate: candidate).html(base: base, candidate: candidate)
        let title = try #require(page.firstMatch(of: /<title>(.*?)<\/title>/)?.1)
        #expect(title.contains("weights v2 against ") && title.contains("weights \(base.reproducibility.weightVersion) on "))
    }

    /// Closed by a positive number of points, where the gap became smaller.
    @Test func whatClosesTheGapHasThatSign() throws {
        var items = Samples.items
        for place in items.indices { items[place].arms[.audio]?.correct = true }
        let candidate = GapReport(id: "c", items: items, reproducibility: Samples.facts(version: "v2"))
        let change = try GapComparison(base: Samples.report, candidate: candidate)
        #expect(change.gapAfterOwn < change.gapBefore && change.gapClosed.points == change.gapBefore - change.gapAfterOwn)
        #expect(change.markdown().contains("| closed by | +"))
    }

    @Test func clipsOfPagesAreOpus() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let samples = (0..<32_000).map { Float(0.3 * sin(Double($0) * 0.1)) }
        try Data(WAVWriter.bytes(samples)).write(to: folder.appending(path: "clip.wav"))
        try Data("no sound".utf8).write(to: folder.appending(path: "broken.wav"))
        let set = QuestionSet(name: "set", folder: folder, items: [])
        var items = Array(Samples.items.prefix(2))
        (items[0].audio, items[1].audio) = ("clip.wav", "broken.wav")
        let clips = try set.embeddedClips(of: items)
        let link = try #require(clips(items[0]))
        let bytes = try #require(Data(base64Encoded: String(link.trimmingPrefix("data:audio/ogg;base64,"))))
        #expect(bytes.prefix(4) == Data("OggS".utf8) && bytes.count < 64_044 / 4)
        #expect(abs(try AudioDecoder.decode([UInt8](bytes), limits: AudioLimits(maxSeconds: 9)).samples.count - samples.count) < 400)
        #expect(clips(items[1]) == nil)
    }

    @Test func markdownCellsCannotBreakTheirTable() {
        let text = report { $0.category = "a|b\n# c" }.markdown()
        #expect(text.contains("| a\\|b # c |"))
    }

    @Test(arguments: [
        ("[44.5, 71.6]", "[44.5, 71.6]"), ("no_yes_no 8", "no_yes_no 8"), ("< 0.001", "< 0.001"), ("D_t", "D_t"),
        ("_a_", "\\_a\\_"),
        ("[x](http://y)", "\\[x\\](http://y)"), ("<b>", "&lt;b>"), ("# a", "\\# a"), ("*a*`b`", "\\*a\\*\\`b\\`"),
    ])
    func markdownEscapesWhatHasAMeaningAlone(_ category: String, _ expected: String) {
        #expect(report { $0.category = category }.markdown().contains("| \(expected) | 1 |"))
    }

    @Test func comparisonPageHasEveryItemThatChangedAndNothingElse() throws {
        var items = Samples.items
        for place in 0..<10 { items[place].arms[.audio]?.correct = true }
        items[40].arms[.text] = ArmAnswer(text: hostile, extracted: nil, correct: false, failure: "no_number")
        let (base, candidate) = (
            Samples.report, GapReport(id: hostile, items: items, reproducibility: Samples.facts(version: "v2"))
        )
        let comparison = try GapComparison(base: base, candidate: candidate)
        let html = comparison.html(base: base, candidate: candidate)
        #expect(html.components(separatedBy: "<details").count == 12)
        #expect(comparison.changed(base).map(\.id) == (0..<10).map { "q\($0)" } + ["q40"])
        #expect(html.contains("data-outcome=\"text-lost\"") && html.contains("audio gained (10)"))
        #expect(!html.contains("<script>alert") && html.contains("src=\"clips/q1.wav\""))
        checkTags(html)
    }

    @Test(arguments: [Arm.text, .audio])
    func aReportOfOneArmSaysThatTheGapWasNotMeasured(arm: Arm) {
        var items = Samples.items
        for place in items.indices {
            items[place].arms = items[place].arms.filter { $0.key == arm }
            items[place].voice = place % 2 == 0 ? "deep" : "high"
        }
        let report = GapReport(id: "r", created: 1_780_000_000, items: items, reproducibility: Samples.facts())
        let (markdown, html) = (report.markdown(), report.html())
        for page in [markdown, html] {
            #expect(page.contains("not measured: no item was asked both typed and spoken"))
            #expect(
                !page.contains("100.0, 100.0]") && !page.contains("p = 1.000") && !page.contains("κ") && !page.contains("MRR"))
        }
        let row = markdown.split(separator: "\n").first { $0.hasPrefix("| arithmetic |") }
        let share = arm == .text ? "| 90.9 | – |" : "| – | 65.2 |"
        #expect(
            row.map { $0.hasPrefix("| arithmetic | 0 \(share)") && $0.hasSuffix("| – | – | – | – | – | – |") } == true,
            "\(row ?? "")")
        #expect(!html.contains("Gap by category") && !html.contains("discordant pairs") && html.contains("By voice"))
        checkTags(html)
    }

    /// A page's policy names its style and script by what stands between their tags.
    @Test func policyAdmitsThePagesOwnStyleAndScriptAlone() throws {
        let html = Samples.report.html()
        for (tag, source) in [("style", ReportPage.styleSource), ("script", ReportPage.scriptSource)] {
            let parts = html.components(separatedBy: "<\(tag)>")
            #expect(parts.count == 2)
            let digits = SHA256.hex(Data((parts.last?.components(separatedBy: "</\(tag)>").first ?? "").utf8))
            let bytes = stride(from: 0, to: 64, by: 2).compactMap { UInt8(digits.dropFirst($0).prefix(2), radix: 16) }
            #expect(source == "'sha256-\(Data(bytes).base64EncodedString())'")
            #expect(ReportPage.contentSecurityPolicy.contains("\(tag)-src \(source);"))
        }
        #expect(!html.contains(" style=") && !html.contains(" onclick="))
    }

    @Test func voicesAreReportedWhereThereAreSeveral() {
        #expect(!Samples.report.html().contains("By voice") && Samples.report.gap.twoWay == nil)
        let several = report { $0.voice = "deep" }
        #expect(several.voices?.map(\.category) == ["deep", "en-gb"] && several.gap.twoWay != nil)
        #expect(several.html().contains("By voice") && several.markdown().contains("| deep | 1 |"))
    }

    @Test func htmlIsWellFormedAndHasEveryItem() throws {
        let html = Samples.report.html()
        #expect(html.components(separatedBy: "<details").count == 101)
        checkTags(html)
        // For looking at, where a folder is named.
        if let folder = ProcessInfo.processInfo.environment["CORD_REPORT_FOLDER"] {
            try html.write(to: URL(filePath: folder).appending(path: "report.html"), atomically: true, encoding: .utf8)
        }
    }

    private func checkTags(_ html: String) {
        for tag in ["div", "section", "table", "svg", "details", "g", "figure", "form", "select"] {
            let opened = html.components(separatedBy: "<\(tag)>").count + html.components(separatedBy: "<\(tag) ").count - 2
            #expect(opened == html.components(separatedBy: "</\(tag)>").count - 1, "\(tag)")
        }
    }
}
