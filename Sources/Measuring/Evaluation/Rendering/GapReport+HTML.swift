extension GapReport {
    /// The whole report as one self-contained page. It contains its plots as SVG, its style and its filter.
    ///
    /// - Parameter clip: The place of an item's audio, as a relative link or a `data:` URI; nil for no player. A link of
    ///   another kind is ignored, so that the page cannot load anything from outside.
    package func html(clip: (ItemResult) -> String? = { $0.audio }) -> String {
        ReportPage.page(
            "Audio-text gap: \(reproducibility.measured) on \(reproducibility.benchmark)",
            """
            \(heading)
            \(accuracySection)
            \(hearingSection)
            \(categorySection)
            \(voiceSection)
            \(ratingSection)
            \(instructionSection)
            \(retentionSection)
            \(divergenceSection)
            \(readingSection)
            <section><h2>Reproducibility</h2>\(Markup.table(["what", "value"], reproducibility.entries.map { [$0.name, $0.value] }, style: "facts"))</section>
            \(itemSection(clip))
            """)
    }

    private var heading: String {
        var tiles = [
            gap.isMeasured
                ? ("gap", Format.signed(gap.points), "points, \(gap.quoted)", "gap")
                : ("gap", "–", PairedSummary.notMeasured, "gap"),
            ("text", accuracy(.text), accuracyNote(.text), "text"), ("audio", accuracy(.audio), accuracyNote(.audio), "audio"),
        ]
        if gap.isMeasured {
            tiles.append(
                (
                    "discordant pairs", "\(gap.b) : \(gap.c)",
                    "lost : won by hearing, exact McNemar p \(Format.equals(gap.mcnemarP))", "control"
                ))
        }
        if gap.clusters < gap.n {
            tiles.append(
                (
                    "source questions", "\(gap.clusters)", "for \(gap.n) pairs, sign-flip p \(Format.equals(gap.signFlipP))",
                    "control"
                ))
        }
        return """
            <header>
            <h1>\(gap.isMeasured ? "The audio-text gap" : "Accuracy") of \(Markup.escape(reproducibility.measured))</h1>
            <p>\(Markup.escape(reproducibility.benchmark)), \(n) items, \(Markup.escape(Format.date(created))). Report \(Markup.escape(id)).</p>
            </header>
            \(Markup.tiles(tiles))
            """
    }

    private func accuracy(_ arm: Arm) -> String { arms[arm].map { Format.percent($0.accuracy) + " %" } ?? "–" }

    private func accuracyNote(_ arm: Arm) -> String {
        arms[arm].map { "\($0.correct) of \($0.n), Wilson \(Format.interval($0.interval, scale: 100))" } ?? "not asked"
    }

    private var accuracySection: String {
        let present = Arm.allCases.compactMap { arm in arms[arm].map { (arm, $0) } }
        let plot = Plots.forest(
            present.map { Plots.Row(name: Format.name($0), marks: [mark($1, $0)]) }, title: "Accuracy by arm",
            unit: "accuracy, % of items", range: 0...100)
        let table = Markup.table(
            ["arm", "n", "correct", "accuracy %", "Wilson", "extraction failures", "not asked", "tokens", "seconds"],
            present.map { arm, summary in
                [
                    Format.name(arm), "\(summary.n)", "\(summary.correct)", Format.percent(summary.accuracy),
                    Format.interval(summary.interval, scale: 100), Format.counts(summary.failures),
                    Format.counts(summary.errors), "\(summary.tokens)", Format.fixed(summary.seconds, 1),
                ]
            })
        let controls =
            present.contains { $0.0 == .noAudio || $0.0 == .shuffledAudio }
            ? " Controls: no audio is an empty turn, shuffled audio the clip of another question; what they reach, guessing reaches."
            : ""
        return """
            <section><h2>Accuracy by arm</h2><figure>\(plot)<figcaption>Share of items answered rightly, with \(confidence) % Wilson score \
            intervals. An answer from which nothing could be extracted is wrong and counted by reason; an item that could not be asked is \
            left out and counted as not asked.\(controls)</figcaption></figure>\(table)</section>
            """
    }

    private func mark(_ summary: ArmSummary, _ arm: Arm) -> Plots.Mark {
        let label =
            "\(Format.name(arm)): \(Format.percent(summary.accuracy)) % \(Format.interval(summary.interval, scale: 100)), n = \(summary.n)"
        return Plots.Mark(
            value: 100 * summary.accuracy, interval: summary.interval.scaled(by: 100), style: arm.style, label: label)
    }

    /// The arms that were asked.
    private func marks(_ group: CategorySummary) -> [Plots.Mark] {
        [(group.text, Arm.text), (group.audio, .audio)].filter { $0.0.n > 0 }.map(mark)
    }

    private var categorySection: String {
        let accuracies = Plots.forest(
            categories.map { Plots.Row(name: $0.category, marks: marks($0)) }, title: "Accuracy by category",
            unit: "accuracy, % of items", range: 0...100)
        let table = Markup.table(CategorySummary.header("category"), categories.map(\.row))
        guard gap.isMeasured else {
            return "<section><h2>By category</h2>\(Markup.legend)<figure>\(accuracies)</figure>\(table)</section>"
        }
        let all = [("all", gap)] + categories.filter(\.gap.isMeasured).map { ($0.category, $0.gap) }
        let low = min(0, all.map { $0.1.interval?.lower ?? $0.1.points }.min() ?? 0)
        let high = max(0, all.map { $0.1.interval?.upper ?? $0.1.points }.max() ?? 0)
        let margin = max(1, (high - low) * 0.04)
        let gaps = Plots.forest(
            all.map { name, gap in
                let label =
                    "\(name): \(Format.signed(gap.points)) points \(Format.interval(gap.interval)), b = \(gap.b), c = \(gap.c)"
                return Plots.Row(
                    name: name, marks: [Plots.Mark(value: gap.points, interval: gap.interval, style: "gap", label: label)])
            }, title: "Gap by category", unit: "gap, points (right of zero: audio is worse)",
            range: (low - margin)...(high + margin), zero: true)
        return """
            <section><h2>By category</h2>\(Markup.legend)<figure>\(accuracies)</figure>
            <h3>Gap</h3><figure>\(gaps)<figcaption>Accuracy typed minus accuracy spoken, paired by item. b counts items right when typed and \
            wrong when spoken, c the reverse. p is the exact sign-flip test over source questions, p (Holm) corrected over all \
            categories.</figcaption></figure>\(table)</section>
            """
    }

    private var retentionSection: String {
        guard let retention else { return "" }
        return """
            <section><h2>What is kept</h2><p>\(RetainedSet.explanation)</p>\
            \(Markup.table(RetainedSet.header(confidence), retention.map(\.row)))</section>
            """
    }

    private var hearingSection: String {
        guard let hearing else { return "" }
        let split = hearing.splitRows.isEmpty ? "" : Markup.table(HearingSummary.splitHeader(confidence), hearing.splitRows)
        return """
            <section><h2>Where the gap arises</h2><p>\(HearingSummary.explanation)</p>\(split)<p>\(Markup.escape(hearing.headline)) \
            The filter of the items below shows them.</p>\(Markup.table(HearingSummary.binHeader, hearing.binRows))</section>
            """
    }

    private var voiceSection: String {
        guard let voices else { return "" }
        let plot = Plots.forest(
            voices.map { Plots.Row(name: $0.category, marks: marks($0)) }, title: "Accuracy by voice",
            unit: "accuracy, % of items", range: 0...100)
        return """
            <section><h2>By voice</h2>\(Markup.legend)<figure>\(plot)</figure>\(Markup.table(CategorySummary.header("voice"), voices.map(\.row)))</section>
            """
    }

    private var ratingSection: String {
        guard let rating else { return "" }
        let plot = Plots.forest(
            Arm.allCases.compactMap { arm in
                rating.arms[arm].map { mean in
                    let label = "\(Format.name(arm)): \(Format.fixed(mean.mean, 2)), n = \(mean.n)"
                    return Plots.Row(
                        name: Format.name(arm), marks: [Plots.Mark(value: mean.mean, interval: mean.interval, style: arm.style, label: label)])
                }
            }, title: "Mean score by arm", unit: "mean score of 1 to 5", range: 1...5)
        return """
            <section><h2>Ratings</h2><figure>\(plot)<figcaption>\(Markup.escape(rating.headline(confidence)))</figcaption></figure>\
            \(Markup.table(RatingSummary.header, rating.rows))</section>
            """
    }

    private var instructionSection: String {
        guard let instructions else { return "" }
        return """
            <section><h2>Instructions</h2>\(Markup.table(InstructionSummary.header(confidence), instructions.rows))
            <p>Strictly: by the answer as it stands. Loosely: by it without its first or last line, or without asterisks. The report's accuracies \
            and its gap are those of whole prompts, strictly.</p>\(Markup.table(InstructionSummary.kindHeader, instructions.kindRows))</section>
            """
    }

    private var readingSection: String {
        let half = (readings.count + 1) / 2
        let tables = [readings.prefix(half), readings.dropFirst(half)].map { Markup.table(["measure", "value"], Array($0)) }
        return "<section><h2>Other readings</h2><div class=\"columns\">\(tables.joined())</div></section>"
    }

    private var divergenceSection: String {
        guard let divergence else { return "" }
        // The mean of one or two long answers is too noisy for a curve.
        let positions = divergence.positions.filter { 4 * $0.n >= divergence.answers }
        let points = { (value: KeyPath<DivergenceSummary.Position, Double>) in
            positions.map { (x: Double($0.position), y: $0[keyPath: value]) }
        }
        let plot = Plots.curves(
            [
                Plots.Curve(name: "mean", style: "audio", points: points(\.mean)),
                Plots.Curve(name: "median", style: "control", points: points(\.p50)),
                Plots.Curve(name: "80th percentile", style: "text", points: points(\.p80)),
            ], title: "Divergence by position", across: "position in the answer, tokens", up: "D_t, nats")
        let tokens = Markup.table(
            ["token", "n", "mean D_t", "max D_t"],
            divergence.tokens.map { [Format.token($0.token), "\($0.n)", Format.fixed($0.mean, 3), Format.fixed($0.max, 3)] })
        return """
            <section><h2>Divergence along the answer</h2><figure>\(plot)<figcaption>D_t = KL(spoken ‖ typed) between the model's \
            distributions of the next token after the same words, one conditioned on the clip and one on the text, along \
            \(divergence.answers) answers to clips, as far as a quarter of them reach.</figcaption></figure>
            <div class="columns">\(Markup.table(["measure", "value"], divergence.readings))\(tokens)</div></section>
            """
    }
}
