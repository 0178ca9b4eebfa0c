extension GapReport {
    /// The whole report as one page that needs nothing else: plots are inline SVG, the style and the filter travel in it.
    ///
    /// - Parameter clip: where an item's audio is, as a relative link or a `data:` URI; nil leaves the player out. A link of
    ///   another kind is left out too, so that the page can reach nothing outside.
    package func html(clip: (ItemResult) -> String? = { $0.audio }) -> String {
        let title = "Audio-text gap: \(reproducibility.model) on \(reproducibility.benchmark)"
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="referrer" content="no-referrer">
            <title>\(Markup.escape(title))</title>
            <style>\(ReportPage.style)</style>
            </head>
            <body>
            <main>
            \(heading)
            \(accuracySection)
            \(categorySection)
            \(divergenceSection)
            <section><h2>Other readings</h2>\(Markup.table(["measure", "value"], readings))</section>
            <section><h2>Reproducibility</h2>\(Markup.table(["what", "value"], reproducibility.entries.map { [$0.name, $0.value] }, style: "facts"))</section>
            \(itemSection(clip))
            </main>
            <script>\(ReportPage.script)</script>
            </body>
            </html>

            """
    }

    private var heading: String {
        let confidence = Format.fixed(100 * gap.confidence, 0)
        let method = gap.method == .newcombe ? "Newcombe" : "cluster-robust"
        var tiles = [
            ("gap", Format.signed(gap.points), "points, \(confidence) % \(Format.interval(gap.interval)) \(method)", "gap"),
            ("text", accuracy(.text), accuracyNote(.text), "text"), ("audio", accuracy(.audio), accuracyNote(.audio), "audio"),
            (
                "discordant pairs", "\(gap.b) : \(gap.c)",
                "lost : won by hearing, exact McNemar p \(Format.equals(gap.mcnemarP))", "control"
            ),
        ]
        if gap.clusters < gap.n {
            tiles.append(
                ("source questions", "\(gap.clusters)", "for \(gap.n) pairs, sign-flip p \(Format.equals(gap.signFlipP))", "control"))
        }
        let cells = tiles.map { name, value, note, style in
            "<div class=\"tile \(style)\"><span>\(Markup.escape(name))</span><strong>\(Markup.escape(value))</strong><small>\(Markup.escape(note))</small></div>"
        }
        return """
            <header>
            <h1>The audio-text gap of \(Markup.escape(reproducibility.model))</h1>
            <p>\(Markup.escape(reproducibility.benchmark)), weights \(Markup.escape(reproducibility.weightVersion)), \(n) items, \(Markup.escape(Format.date(created))). Report \(Markup.escape(id)).</p>
            </header>
            <div class="tiles">\(cells.joined())</div>
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
        return "<section><h2>Accuracy by arm</h2><figure>\(plot)</figure>\(table)</section>"
    }

    private func mark(_ summary: ArmSummary, _ arm: Arm) -> Plots.Mark {
        let style = arm == .text ? "text" : arm == .audio ? "audio" : "control"
        let label = "\(Format.name(arm)): \(Format.percent(summary.accuracy)) % \(Format.interval(summary.interval, scale: 100)), n = \(summary.n)"
        return Plots.Mark(
            value: 100 * summary.accuracy, interval: summary.interval.scaled(by: 100), style: style, label: label)
    }

    private var categorySection: String {
        let accuracies = Plots.forest(
            categories.map { Plots.Row(name: $0.category, marks: [mark($0.text, .text), mark($0.audio, .audio)]) },
            title: "Accuracy by category", unit: "accuracy, % of items", range: 0...100)
        let all = [("all", gap)] + categories.map { ($0.category, $0.gap) }
        let low = min(0, all.map { $0.1.interval.lower }.min() ?? 0)
        let high = max(0, all.map { $0.1.interval.upper }.max() ?? 0)
        let margin = max(1, (high - low) * 0.04)
        let gaps = Plots.forest(
            all.map { name, gap in
                let label = "\(name): \(Format.signed(gap.points)) points \(Format.interval(gap.interval)), b = \(gap.b), c = \(gap.c)"
                return Plots.Row(
                    name: name, marks: [Plots.Mark(value: gap.points, interval: gap.interval, style: "gap", label: label)])
            }, title: "Gap by category", unit: "gap, points (right of zero: audio is worse)",
            range: (low - margin)...(high + margin), zero: true)
        let table = Markup.table(
            ["category", "pairs", "text %", "audio %", "gap", "interval", "b", "c", "p", "p (Holm)"],
            categories.map {
                [
                    $0.category, "\($0.gap.n)", Format.percent($0.text.accuracy), Format.percent($0.audio.accuracy),
                    Format.signed($0.gap.points), Format.interval($0.gap.interval), "\($0.gap.b)", "\($0.gap.c)",
                    Format.p($0.gap.signFlipP), Format.p($0.adjustedP),
                ]
            })
        let legend = "<p class=\"legend\"><i class=\"text\"></i>text <i class=\"audio\"></i>audio</p>"
        return """
            <section><h2>By category</h2>\(legend)<figure>\(accuracies)</figure>
            <h3>Gap</h3><figure>\(gaps)</figure>\(table)</section>
            """
    }

    private var divergenceSection: String {
        guard let divergence else { return "" }
        let points = { (value: KeyPath<DivergenceSummary.Position, Double>) in
            divergence.positions.map { (x: Double($0.position), y: $0[keyPath: value]) }
        }
        let plot = Plots.curves(
            [
                Plots.Curve(name: "mean", style: "audio", points: points(\.mean)),
                Plots.Curve(name: "median", style: "control", points: points(\.p50)),
                Plots.Curve(name: "80th percentile", style: "text", points: points(\.p80)),
            ], title: "Divergence by position", across: "position in the answer, tokens", up: "D_t, nats")
        let tokens = Markup.table(
            ["token", "n", "mean D_t", "max D_t"],
            divergence.tokens.map { [$0.token, "\($0.n)", Format.fixed($0.mean, 3), Format.fixed($0.max, 3)] })
        return """
            <section><h2>Divergence along the answer</h2><figure>\(plot)</figure>
            <div class="columns">\(Markup.table(["measure", "value"], divergence.readings))\(tokens)</div></section>
            """
    }
}
