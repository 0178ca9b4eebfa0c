extension GapReport {
    /// The items, each of which unfolds to its answers. The filter above them needs the page's script.
    func itemSection(_ clip: (ItemResult) -> String?) -> String {
        let options = categories.map { "<option>\(Markup.escape($0.category))</option>" }.joined()
        return """
            <section id="items"><h2>Items</h2>
            <form class="filter">
            <label>Outcome <select name="outcome"><option value="">all</option><option value="b">text right, audio wrong</option>\
            <option value="c">text wrong, audio right</option><option value="both">both right</option>\
            <option value="neither">both wrong</option><option value="unpaired">not asked both ways</option>\
            \(hearing == nil ? "" : "<option value=\"misreasoned\">heard rightly, answered wrongly</option>")</select></label>
            <label>Category <select name="category"><option value="">all</option>\(options)</select></label>
            <label>Search <input name="search" type="search"></label>
            <output></output>
            </form>
            \(items.map { fold($0, clip($0)) }.joined(separator: "\n"))
            </section>
            """
    }

    private func fold(_ item: ItemResult, _ clip: String?) -> String {
        let outcome =
            switch (item.asked(.text)?.correct, item.asked(.audio)?.correct) {
            case (true?, true?): "both"
            case (true?, false?): "b"
            case (false?, true?): "c"
            case (false?, false?): "neither"
            default: "unpaired"
            }
        let answers = Arm.allCases.compactMap { arm in item.arms[arm].map { Markup.answer(Format.name(arm), arm.style, $0) } }.joined()
        var facts = "reference <b>\(Markup.escape(item.answer))</b>"
        if let voice = item.voice { facts += " · voice \(Markup.escape(voice))" }
        if let heard = item.arms[.transcript]?.heard { facts += " · heard “\(Markup.escape(heard))”" }
        if item.sourceQuestion != item.id { facts += " · source question \(Markup.escape(item.sourceQuestion))" }
        return """
            <details data-outcome="\(outcome)\(item.isMisreasoned ? " misreasoned" : "")" data-category="\(Markup.escape(item.category))"><summary>\
            <span class="outcome">\(verdict(item, .text))\(verdict(item, .audio))</span>\
            <code>\(Markup.escape(item.id))</code> <em>\(Markup.escape(item.category))</em> \(Markup.escape(item.question))</summary>
            <p>\(facts)</p>\(Markup.player(clip))
            <div class="answers">\(answers)</div></details>
            """
    }

    private func verdict(_ item: ItemResult, _ arm: Arm) -> String {
        let (sign, word) =
            switch item.asked(arm)?.correct {
            case true?: ("✓", "right")
            case false?: ("✗", "wrong")
            case nil: ("–", "not asked")
            }
        return "<span class=\"\(arm.rawValue)\" title=\"\(Format.name(arm)) \(word)\">\(sign)</span>"
    }

}

extension Markup {
    /// A player for a relative link or a `data:audio/` URI; any other scheme would let the page call out.
    static func player(_ clip: String?) -> String {
        guard let clip, !clip.isEmpty else { return "" }
        let relative = !clip.contains(":") && !clip.hasPrefix("/") && !clip.hasPrefix("\\")
        guard relative || clip.hasPrefix("data:audio/") else { return "" }
        return "<audio controls preload=\"none\" src=\"\(escape(clip))\"></audio>"
    }

    static let legend = "<p class=\"legend\"><i class=\"text\"></i>text <i class=\"audio\"></i>audio</p>"

    static func tiles(_ tiles: [(name: String, value: String, note: String, style: String)]) -> String {
        let cells = tiles.map { tile in
            """
            <div class="tile \(tile.style)"><span>\(escape(tile.name))</span><strong>\(escape(tile.value))</strong>\
            <small>\(escape(tile.note))</small></div>
            """
        }
        return "<div class=\"tiles\">\(cells.joined())</div>"
    }

    /// One answer in a box: the extracted answer and the whole text.
    static func answer(_ title: String, _ style: String, _ answer: ArmAnswer) -> String {
        let state = answer.error ?? answer.failure ?? (answer.correct ? "right" : "wrong")
        let extracted = answer.extracted.map { " → <b>\(escape($0))</b>" } ?? ""
        return """
            <div class="answer \(style)"><h4>\(escape(title)): \(escape(state))\(extracted)</h4>\
            <pre>\(escape(answer.text))</pre></div>
            """
    }

    static func table(_ header: [String], _ rows: [[String]], style: String = "") -> String {
        let cells = { (tag: String, cells: [String]) in
            "<tr>" + cells.map { "<\(tag)>\(escape($0))</\(tag)>" }.joined() + "</tr>"
        }
        return """
            <div class="scroll" tabindex="0" role="group" aria-label="Table: \(escape(header.joined(separator: ", ")))"><table class="\(style)"><thead>\(cells("th", header))</thead>\
            <tbody>\(rows.map { cells("td", $0) }.joined())</tbody></table></div>
            """
    }
}
