/// The results of second sets as tables, for Markdown and for pages.
extension RetainedSet {
    static let explanation = """
        Second sets, asked in one arm each: what they lose from one version to the next, a training that closes the gap has forgotten.
        """

    static func header(_ confidence: String) -> [String] { ["set", "arm", "n", "accuracy %", "\(confidence) % Wilson", "not asked"] }

    var row: [String] {
        [
            benchmark, Format.name(arm), "\(summary.n)", summary.share, summary.n == 0 ? "–" : Format.interval(summary.interval, scale: 100),
            Format.counts(summary.errors),
        ]
    }
}

extension RetentionComparison {
    static let header = ["second set", "arm", "n", "before %", "after %", "change", "interval", "gained", "lost", "p"]

    var row: [String] {
        [
            benchmark, Format.name(arm), "\(change.n)", Format.percent(before), Format.percent(after), Format.signed(change.points),
            Format.interval(change.interval), "\(change.b)", "\(change.c)", Format.p(change.signFlipP),
        ]
    }
}
