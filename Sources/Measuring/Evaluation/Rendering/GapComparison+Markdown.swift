extension GapComparison {
    /// The comparison as tables.
    package func markdown() -> String {
        var lines = [
            "# \(Markdown.inline(candidate)) against \(Markdown.inline(base)) on \(Markdown.inline(benchmark))", "",
            "n = \(n) items asked typed and spoken in both runs.", "",
        ]
        lines += Markdown.table(["gap", "points", "reduction"], gapRows) + [""]
        lines += Markdown.table(["arm", "change", "interval", "gained", "lost", "p"], armRows) + [""]
        if let hearing {
            lines += [hearing.headline, ""] + Markdown.table(HearingComparison.header, hearing.rows) + [""]
        }
        if let retention { lines += Markdown.table(RetentionComparison.header, retention.map(\.row)) + [""] }
        lines += Markdown.table(["category", "n", "text", "p (Holm)", "audio", "p (Holm)"], categoryRows)
        if let rating { lines += ["", "## Ratings", "", rating.headline, ""] + Markdown.table(RatingComparison.header, rating.rows) }
        if !differences.isEmpty { lines += ["", "The runs differ in:", ""] + differences.map { "- " + Markdown.inline($0) } }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension GapComparison {
    var gapRows: [[String]] {
        func share(_ value: Double?) -> String { value.map { Format.signed(100 * $0) + " %" } ?? "–" }
        return [
            ["before", Format.signed(gapBefore), ""],
            ["after, against the base's text", Format.signed(gapAfterAgainstBaseText), share(reductionAgainstBaseText)],
            ["after, against the candidate's own text", Format.signed(gapAfterOwn), share(reductionOwn)],
            [
                "closed by", Format.signed(gapClosed.points),
                "\(gapClosed.bootstrap.map { "bootstrap \(Format.interval($0))" } ?? "no interval: \(gapClosed.intervalLeftOut ?? "unknown")"), "
                    + "p \(Format.equals(gapClosed.signFlipP))",
            ],
        ]
    }

    var armRows: [[String]] {
        [("text", text), ("audio", audio)].map { name, change in
            [
                name, Format.signed(change.points), Format.interval(change.interval), "\(change.b)", "\(change.c)",
                Format.p(change.signFlipP),
            ]
        }
    }

    var categoryRows: [[String]] {
        categories.map {
            [$0.category, "\($0.n)", Format.signed($0.text), Format.p($0.textP), Format.signed($0.audio), Format.p($0.audioP)]
        }
    }
}

extension RatingComparison {
    static let header = ["mean score", "change", "bootstrap", "p"]

    var headline: String {
        "Scores from 1 to 5 by the judge, \(n) items rated typed and spoken in both runs. Mean typed minus mean spoken: "
            + "\(Format.signed(gapBefore, digits: 2)) before, \(Format.signed(gapAfter, digits: 2)) after."
    }

    var rows: [[String]] {
        [("typed", text), ("spoken", audio), ("gap closed", gapClosed)].map { name, change in
            [name, Format.signed(change.points, digits: 2), Format.interval(change.bootstrap, digits: 2), Format.p(change.signFlipP)]
        }
    }
}
