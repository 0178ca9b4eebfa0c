extension GapReport {
    /// The report's tables as Markdown, without the items.
    package func markdown() -> String {
        var lines = [
            "# Audio-text gap: \(Markdown.inline(reproducibility.measured)) on \(Markdown.inline(reproducibility.benchmark))", "",
            headline,
            "", "## Accuracy", "",
        ]
        lines += Markdown.table(
            ["arm", "n", "correct", "accuracy %", "\(confidence) % Wilson", "extraction failures", "not asked"],
            Arm.allCases.compactMap { arm in
                arms[arm].map {
                    [
                        Format.name(arm), "\($0.n)", "\($0.correct)", Format.percent($0.accuracy),
                        Format.interval($0.interval, scale: 100), Format.counts($0.failures), Format.counts($0.errors),
                    ]
                }
            })
        lines += ["", "## By category", ""]
        lines += Markdown.table(CategorySummary.header("category"), categories.map(\.row))
        if let voices {
            lines += ["", "## By voice", ""]
            lines += Markdown.table(CategorySummary.header("voice"), voices.map(\.row))
        }
        if let rating {
            lines += ["", "## Ratings", "", rating.headline(confidence), ""]
            lines += Markdown.table(RatingSummary.header, rating.rows)
        }
        if let instructions {
            lines += ["", "## Instructions", ""]
            lines += Markdown.table(InstructionSummary.header(confidence), instructions.rows) + [""]
            lines += Markdown.table(InstructionSummary.kindHeader, instructions.kindRows)
        }
        if let hearing {
            lines += ["", "## Where the gap arises", "", HearingSummary.explanation, "", hearing.headline, ""]
            if !hearing.splitRows.isEmpty { lines += Markdown.table(HearingSummary.splitHeader(confidence), hearing.splitRows) + [""] }
            lines += Markdown.table(HearingSummary.binHeader, hearing.binRows)
        }
        if let retention {
            lines += ["", "## What is kept", "", RetainedSet.explanation, ""]
            lines += Markdown.table(RetainedSet.header(confidence), retention.map(\.row))
        }
        lines += ["", "## Other readings", ""]
        lines += Markdown.table(["measure", "value"], readings)
        if let divergence {
            lines += ["", "## Divergence", ""]
            lines += Markdown.table(["measure", "value"], divergence.readings)
            lines += [""]
            lines += Markdown.table(
                ["token", "n", "mean D_t", "max D_t"],
                divergence.tokens.map { [Format.token($0.token), "\($0.n)", Format.fixed($0.mean, 3), Format.fixed($0.max, 3)] })
        }
        lines += ["", "## Reproducibility", ""]
        lines += Markdown.table(["", ""], reproducibility.entries.map { [$0.name, $0.value] })
        return lines.joined(separator: "\n") + "\n"
    }

    /// The confidence level of the intervals, in percent.
    var confidence: String { Format.fixed(100 * gap.confidence, 0) }

    private var headline: String {
        guard gap.isMeasured else { return "**The gap was \(PairedSummary.notMeasured).**" }
        return "**\(Format.signed(gap.points)) points** (\(gap.quoted)); n = \(gap.n) pairs from \(gap.clusters) source questions; "
            + "b = \(gap.b), c = \(gap.c); exact McNemar p \(Format.equals(gap.mcnemarP)), "
            + "sign-flip over source questions p \(Format.equals(gap.signFlipP))."
    }

    /// The remaining numbers, each with its name.
    var readings: [[String]] {
        guard gap.isMeasured else {
            // If the base's text accuracy was given, the share of hearing is known without a text arm.
            let hasShare = arms[.audio] != nil && mrr.base == "given"
            return [["gap", PairedSummary.notMeasured]] + (hasShare ? [retainedByHearing] : [])
        }
        var rows = [
            ["Newcombe interval", Format.interval(gap.newcombe)],
            ["Wald interval, continuity-corrected", Format.interval(gap.wald)],
            ["bootstrap interval over source questions", gap.bootstrap.map { Format.interval($0) } ?? "– (\(gap.intervalLeftOut ?? "unknown"))"],
            ["cluster-robust interval", Format.interval(gap.clusterRobust)],
            ["interval clustered by source question and voice", Format.interval(gap.twoWay)],
            ["cluster-robust standard error", Format.optional(gap.clusterStandardError, 2)],
            ["Durkalski p", gap.durkalskiP.map(Format.p) ?? "–"],
            ["equal answers, share", "\(Format.fixed(agreement.answers.share, 3)) of \(agreement.answers.n)"],
            ["equal answers, κ", Format.optional(agreement.answers.kappa)],
            ["equally right, κ", Format.optional(agreement.correctness.kappa)],
            retainedByHearing,
            ["average drop over categories", Format.optional(averageDrop)],
            ["discordant share", Format.fixed(power.discordantShare, 3)],
            ["detectable gap (level 0.05, power 0.8)", power.detectableGap.map { Format.fixed($0, 1) + " points" } ?? "–"],
        ]
        if let items = power.itemsForObservedGap { rows.append(["pairs that the observed gap needs", "\(items)"]) }
        return rows
    }

    private var retainedByHearing: [String] {
        ["MRR (\(mrr.base) base, text \(Format.percent(mrr.baseTextAccuracy)) %)", Format.optional(mrr.value)]
    }
}

extension PairedSummary {
    /// The interval to quote and how it was made, or why there is none.
    var quoted: String {
        guard let interval else { return "no interval: \(intervalLeftOut ?? "unknown")" }
        return "\(Format.fixed(100 * confidence, 0)) % interval \(Format.interval(interval)), \(method == .newcombe ? "Newcombe" : "cluster-robust")"
    }
}

extension ArmSummary {
    /// A category's share; a dash if it has no questions.
    var share: String { n == 0 ? "–" : Format.percent(accuracy) }
}

extension RatingSummary {
    static let header = ["arm", "n", "mean", "interval", "1", "2", "3", "4", "5", "failures, rated 1"]

    var rows: [[String]] {
        Arm.allCases.compactMap { arm in
            arms[arm].map {
                [Format.name(arm), "\($0.n)", Format.fixed($0.mean, 2), $0.interval.map { Format.interval($0, digits: 2) } ?? "–"]
                    + $0.counts.map(String.init) + [Format.counts($0.failures)]
            }
        }
    }

    func headline(_ confidence: String) -> String {
        let scale = "Scores from 1 to 5 by the judge; 4 and more counts as right above."
        guard let gap else { return scale }
        let interval = gap.interval.map { ", t over source questions \(Format.interval($0, digits: 2))" } ?? ""
        return "\(scale) Mean typed minus mean spoken: \(Format.signed(gap.points, digits: 2)) ("
            + "\(gap.bootstrap.map { "\(confidence) % bootstrap \(Format.interval($0, digits: 2))" } ?? "no interval: \(gap.intervalLeftOut ?? "unknown")")\(interval)); n = \(gap.n) pairs from \(gap.clusters) source questions; "
            + "sign-flip p \(Format.equals(gap.signFlipP))."
    }
}

extension InstructionSummary {
    static func header(_ confidence: String) -> [String] {
        ["followed", "text %", "audio %", "text, \(confidence) %", "audio, \(confidence) %", "gap", "interval", "p"]
    }

    /// The four levels. The gap of whole prompts, counted strictly, is the report's main gap.
    var rows: [[String]] {
        let levels: [(String, KeyPath<Levels, Share>, PairedSummary?)] = [
            ("whole prompts, strictly", \.promptStrict, nil), ("whole prompts, loosely", \.promptLoose, gaps.promptLoose),
            ("single instructions, strictly", \.instructionStrict, gaps.instructionStrict),
            ("single instructions, loosely", \.instructionLoose, gaps.instructionLoose),
        ]
        return levels.map { name, level, gap in
            let shares = [Arm.text, .audio].map { arms[$0]?[keyPath: level] }
            let measured = gap.flatMap { $0.isMeasured ? $0 : nil }
            return [name] + shares.map { $0.map { Format.percent($0.share) } ?? "–" }
                + shares.map { $0?.interval.map { Format.interval($0, scale: 100) } ?? "–" }
                + (measured.map { [Format.signed($0.points), Format.interval($0.interval), Format.p($0.signFlipP)] }
                    ?? Array(repeating: gap == nil ? "as above" : "–", count: 3))
        }
    }

    static let kindHeader = ["instruction", "text, followed", "audio, followed"]

    var kindRows: [[String]] {
        kinds.map { kind in
            [kind.id] + [Arm.text, .audio].map { arm in kind.asked[arm].map { "\(kind.followed[arm] ?? 0) of \($0)" } ?? "–" }
        }
    }
}

extension CategorySummary {
    static func header(_ what: String) -> [String] {
        [what, "pairs", "text %", "audio %", "gap", "interval", "b", "c", "p", "p (Holm)"]
    }

    var row: [String] {
        [category, "\(gap.n)", text.share, audio.share]
            + (gap.isMeasured
                ? [
                    Format.signed(gap.points), Format.interval(gap.interval), "\(gap.b)", "\(gap.c)", Format.p(gap.signFlipP),
                    Format.p(adjustedP),
                ] : Array(repeating: "–", count: 6))
    }
}

extension DivergenceSummary {
    var readings: [[String]] {
        [
            ["tokens", "\(n) in \(answers) answers"], ["mean D_t", Format.fixed(mean, 4)], ["median", Format.fixed(p50, 4)],
            ["80th percentile", Format.fixed(p80, 4)], ["95th percentile", Format.fixed(p95, 4)],
            ["99th percentile", Format.fixed(p99, 4)], ["correlation with position (Pearson)", Format.optional(pearson)],
            ["correlation with position (Spearman)", Format.optional(spearman)],
        ]
    }
}

extension Format {
    /// A p-value with its relation sign.
    static func equals(_ value: Double) -> String { value < 0.001 ? "< 0.001" : "= " + fixed(value, 3) }
}

enum Markdown {
    /// Text escaped so that it cannot end its line, its cell or its markup. Characters without a meaning at their place stay readable: an underscore
    /// within a word, a bracket that opens no link, "<" before a blank.
    static func inline(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        let hasLinks = text.contains("](") || text.contains("][") || text.contains("]:")
        let isWord = { (place: Int) in
            scalars.indices.contains(place) && (scalars[place].properties.isAlphabetic || ("0"..."9").contains(scalars[place]))
        }
        var safe = ""
        for (place, scalar) in scalars.enumerated() {
            switch scalar {
            case "\n", "\r", "\t": safe += " "
            case "<" where place + 1 < scalars.count && scalars[place + 1] != " ": safe += "&lt;"
            case "&": safe += "&amp;"
            case "[" where hasLinks, "]" where hasLinks: safe += "\\" + String(scalar)
            case "_" where !(isWord(place - 1) && isWord(place + 1)): safe += "\\_"
            case "#" where place == 0: safe += "\\#"
            case "|", "*", "`", "\\": safe += "\\" + String(scalar)
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }

    static func table(_ header: [String], _ rows: [[String]]) -> [String] {
        let line = { (cells: [String]) in "| " + cells.map(inline).joined(separator: " | ") + " |" }
        return [line(header), "|" + String(repeating: "---|", count: header.count)] + rows.map(line)
    }
}
