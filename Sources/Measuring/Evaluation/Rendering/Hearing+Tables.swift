/// The parts of the gap as tables, for Markdown and for pages.
extension HearingSummary {
    static let explanation = """
        The model's own transcript of each clip was typed back to it. What that loses against the typed question was lost in hearing; what \
        speaking loses against the transcript was lost in reasoning over sound, or won where below zero. All three are over the items that \
        were asked in all three ways.
        """

    static func splitHeader(_ confidence: String) -> [String] { ["part", "points", "\(confidence) % interval", "bootstrap", "p"] }

    var splitRows: [[String]] {
        guard let split else { return [] }
        var rows = [
            ("gap: text − audio", split.gap), ("hearing: text − transcript", split.hearing), ("reasoning: transcript − audio", split.reasoning),
        ]
        .map { name, part in
            [name, Format.signed(part.points), Format.interval(part.interval), Format.interval(part.bootstrap), Format.p(part.signFlipP)]
        }
        if let share = split.hearingShare {
            rows.append(
                [
                    "hearing's share of the gap", Format.fixed(100 * share, 0) + " %", "",
                    split.hearingShareInterval.map { Format.interval($0, scale: 100, digits: 0) + " %" } ?? "–", "",
                ])
        }
        return rows
    }

    static let binHeader = ["word error rate", "items", "text %", "transcript %", "audio %"]

    var binRows: [[String]] {
        bins.map { bin in
            let name =
                switch (bin.above, bin.upTo) {
                case (nil, _): "0"
                case (let above?, let upTo?): "\(Format.fixed(100 * above, 0))–\(Format.fixed(100 * upTo, 0)) %"
                case (let above?, nil): "above \(Format.fixed(100 * above, 0)) %"
                }
            return [name, "\(bin.n)"] + [Arm.text, .transcript, .audio].map { bin.arms[$0].map { Format.percent($0.accuracy) } ?? "–" }
        }
    }

    /// The word error rate and what it is made of, in a sentence.
    var headline: String {
        let errors = wordErrors
        return "Word error rate \(Format.percent(errors.rate)) % \(Format.interval(errors.interval, scale: 100)) over \(errors.words) words of "
            + "\(errors.n) clips (\(errors.substitutions) substituted, \(errors.deletions) left out, \(errors.insertions) added; numbers in digits, "
            + "punctuation and case left out, much as Whisper's English normaliser does). \(heardRightly) clips were heard without a wrong word; of those \(misreasoned.count) "
            + "were answered rightly typed and wrongly spoken."
    }
}

extension HearingComparison {
    static let header = ["part of the gap", "before", "after", "closed", "bootstrap", "p"]

    var rows: [[String]] {
        [("gap", gap), ("hearing", hearing), ("reasoning over sound", reasoning)].map { name, part in
            [
                name, Format.signed(part.before), Format.signed(part.after), Format.signed(part.closed.points),
                Format.interval(part.closed.bootstrap), Format.p(part.closed.signFlipP),
            ]
        }
    }

    var headline: String {
        "Over \(n) items asked typed, spoken and by their transcripts in both runs. Word error rate \(Format.percent(wordErrorsBefore)) % before, "
            + "\(Format.percent(wordErrorsAfter)) % after."
    }
}
