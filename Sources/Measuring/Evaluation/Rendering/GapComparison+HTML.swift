extension GapComparison {
    /// The comparison as one self-contained page: what changed, by how much, and every gained or lost item with both
    /// runs' answers.
    ///
    /// - Parameters:
    ///   - base, candidate: the reports that were compared.
    ///   - clip: where an item's audio is, as at ``GapReport/html(clip:)``.
    package func html(base: GapReport, candidate: GapReport, clip: (ItemResult) -> String? = { $0.audio }) -> String {
        ReportPage.page(
            "\(candidate.reproducibility.measured) against \(base.reproducibility.measured) on \(benchmark)",
            """
            \(heading(base, candidate))
            <section><h2>Gap</h2><figure>\(accuracies(base, candidate))<figcaption>Accuracy on the \(n) items that both runs asked typed and \
            spoken, with Wilson score intervals.</figcaption></figure>\(Markup.table(["gap", "points", "reduction"], gapRows))</section>
            <section><h2>By arm</h2>\(Markup.table(["arm", "change", "interval", "gained", "lost", "p"], armRows))</section>
            \(hearing.map { "<section><h2>Where it was closed</h2><p>\($0.headline)</p>\(Markup.table(HearingComparison.header, $0.rows))</section>" } ?? "")
            \(retentionSection)
            \(categorySection)
            \(ratingSection)
            \(differenceSection)
            \(itemSection(base, candidate, clip))
            """)
    }

    /// Items that one arm gained or lost.
    package func changed(_ report: GapReport) -> [ItemResult] {
        let ids = Set(textItems.gained + textItems.lost + audioItems.gained + audioItems.lost)
        return report.items.filter { ids.contains($0.id) }
    }

    private func heading(_ base: GapReport, _ candidate: GapReport) -> String {
        let share = { (value: Double?) in value.map { Format.signed(100 * $0) + " %" } ?? "–" }
        let tiles = [
            (
                "gap", "\(Format.signed(gapBefore)) → \(Format.signed(gapAfterOwn))", "points, sign-flip p \(Format.equals(gapClosed.signFlipP))",
                "gap"
            ),
            ("gap reduction", share(reductionOwn), "against the candidate's own text; \(share(reductionAgainstBaseText)) against the base's", "gap"),
            ("text", "\(Format.signed(text.points))", "points \(Format.interval(text.interval)), p \(Format.equals(text.signFlipP))", "text"),
            ("audio", "\(Format.signed(audio.points))", "points \(Format.interval(audio.interval)), p \(Format.equals(audio.signFlipP))", "audio"),
        ]
        let name = { (report: GapReport) in
            "\(Markup.escape(report.reproducibility.measured)), report \(Markup.escape(report.id))"
        }
        return """
            <header><h1>What changed: \(Markup.escape(candidate.reproducibility.measured)) against \(Markup.escape(base.reproducibility.measured))</h1>
            <p>\(Markup.escape(benchmark)), \(n) items. Base: \(name(base)). Candidate: \(name(candidate)).</p></header>
            \(Markup.tiles(tiles))
            """
    }

    private func accuracies(_ base: GapReport, _ candidate: GapReport) -> String {
        let asked = { (item: ItemResult) in item.asked(.text) != nil && item.asked(.audio) != nil }
        let common = Set(base.items.filter(asked).map(\.id)).intersection(candidate.items.filter(asked).map(\.id))
        let rows = [("base", base), ("candidate", candidate)].map { name, report in
            let items = report.items.filter { common.contains($0.id) }
            return Plots.Row(
                name: name,
                marks: [Arm.text, .audio].map { arm in
                    let share = Proportion(successes: items.count { $0.asked(arm)?.correct == true }, count: items.count)
                    let interval = share.wilson(confidence: text.confidence).scaled(by: 100)
                    return Plots.Mark(
                        value: 100 * share.value, interval: interval, style: arm.style,
                        label: "\(name), \(Format.name(arm)): \(Format.percent(share.value)) % \(Format.interval(interval))")
                })
        }
        return Markup.legend + Plots.forest(rows, title: "Accuracy before and after", unit: "accuracy, % of items", range: 0...100)
    }

    private var categorySection: String {
        let rows =
            [("all", text.points, text.interval, audio.points, audio.interval)]
            + categories.map { ($0.category, $0.text, $0.textInterval, $0.audio, $0.audioInterval) }
        let low = rows.map { min($0.2?.lower ?? $0.1, $0.4?.lower ?? $0.3) }.min() ?? 0
        let high = rows.map { max($0.2?.upper ?? $0.1, $0.4?.upper ?? $0.3) }.max() ?? 0
        let margin = max(1, (high - low) * 0.04)
        let plot = Plots.forest(
            rows.map { name, text, textInterval, audio, audioInterval in
                let mark = { (arm: Arm, points: Double, interval: Interval?) in
                    Plots.Mark(
                        value: points, interval: interval, style: arm.style,
                        label: "\(name), \(Format.name(arm)): \(Format.signed(points)) points \(Format.interval(interval))")
                }
                return Plots.Row(name: name, marks: [mark(.text, text, textInterval), mark(.audio, audio, audioInterval)])
            }, title: "Change by category", unit: "change of accuracy, points (right of zero: better)",
            range: (min(0, low) - margin)...(max(0, high) + margin), zero: true)
        return """
            <section><h2>By category</h2>\(Markup.legend)<figure>\(plot)<figcaption>Candidate minus base, paired by item. p is the exact sign-flip \
            test over source questions, p (Holm) corrected over all categories.</figcaption></figure>\
            \(Markup.table(["category", "n", "text", "p (Holm)", "audio", "p (Holm)"], categoryRows))</section>
            """
    }

    private var retentionSection: String {
        guard let retention else { return "" }
        return "<section><h2>What was kept</h2>\(Markup.table(RetentionComparison.header, retention.map(\.row)))</section>"
    }

    private var ratingSection: String {
        guard let rating else { return "" }
        return """
            <section><h2>Ratings</h2><p>\(Markup.escape(rating.headline))</p>\(Markup.table(RatingComparison.header, rating.rows))</section>
            """
    }

    private var differenceSection: String {
        guard !differences.isEmpty else { return "" }
        return """
            <section><h2>The runs differ in</h2><ul>\(differences.map { "<li>\(Markup.escape($0))</li>" }.joined())</ul></section>
            """
    }

    private func itemSection(_ base: GapReport, _ candidate: GapReport, _ clip: (ItemResult) -> String?) -> String {
        let changes: [(String, Set<String>)] = [
            ("audio gained", Set(audioItems.gained)), ("audio lost", Set(audioItems.lost)), ("text gained", Set(textItems.gained)),
            ("text lost", Set(textItems.lost)),
        ]
        let after = Dictionary(candidate.items.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let folds = base.items.compactMap { item -> String? in
            let kinds = changes.filter { $0.1.contains(item.id) }.map(\.0)
            guard !kinds.isEmpty, let other = after[item.id] else { return nil }
            let answers = [Arm.text, .audio].flatMap { arm in
                [("base", item), ("candidate", other)].compactMap { name, result in
                    result.arms[arm].map { Markup.answer("\(Format.name(arm)), \(name)", arm.style, $0) }
                }
            }
            return """
                <details data-outcome="\(kinds.map { $0.replacing(" ", with: "-") }.joined(separator: " "))" data-category="\(Markup.escape(item.category))"><summary>\
                <em>\(kinds.joined(separator: ", "))</em> <code>\(Markup.escape(item.id))</code> \(Markup.escape(item.question))</summary>
                <p>reference <b>\(Markup.escape(item.answer))</b></p>\(Markup.player(clip(item)))
                <div class="answers">\(answers.joined())</div></details>
                """
        }
        let outcomes = changes.map { "<option value=\"\($0.0.replacing(" ", with: "-"))\">\($0.0) (\($0.1.count))</option>" }.joined()
        let options = categories.map { "<option>\(Markup.escape($0.category))</option>" }.joined()
        return """
            <section id="items"><h2>Items that changed</h2>
            <form class="filter"><label>Change <select name="outcome"><option value="">all</option>\(outcomes)</select></label>
            <label>Category <select name="category"><option value="">all</option>\(options)</select></label>
            <label>Search <input name="search" type="search"></label> <output></output></form>
            \(folds.joined(separator: "\n"))</section>
            """
    }
}
