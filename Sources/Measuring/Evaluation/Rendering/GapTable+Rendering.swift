package import Foundation

/// The forms of a table of gaps: columns that a reader sees (Markdown, LaTeX), and every number unrounded (CSV, JSON).
extension GapTable {
    private static let columns = [
        "benchmark", "method", "seeds", "n", "text, %", "audio, %", "gap, points", "audio change, points", "over seeds, too", "p (Holm)",
        "text change, points", "reduction, base text, %", "reduction, own, %", "MRR", "text kept", "average drop",
    ]

    private var cells: [[String]] {
        rows.map { row in
            [row.benchmark, row.method, "\(row.seeds)", "\(row.n)"]
                + [(row.numbers.text, row.textDeviation), (row.numbers.audio, row.audioDeviation)].map(Self.accuracy)
                + [Format.signed(row.numbers.gap)] + Self.change(row.audioChange)
                + [row.adjustedP.map(Format.p) ?? "", row.textChange.map { Self.points($0.points, $0.pooled) } ?? ""]
                + Self.ratios(row.numbers) + [""]
        }
            + means.map { mean in
                ["mean", mean.method, "", "", Format.percent(mean.numbers.text), Format.percent(mean.numbers.audio), Format.signed(mean.numbers.gap)]
                    + ["", "", "", ""] + Self.ratios(mean.numbers) + [Format.optional(mean.averageDrop)]
            }
    }

    private var note: String {
        """
        Accuracies are means over seeds ± the deviation between them, of the items that the base and every seed asked in both arms. Changes are \
        against \(base) on the same items, with 95 % intervals by a bootstrap over source questions, and over seeds and questions where there are \
        several seeds. p: exact sign-flip test of the audio change over source questions, adjusted by Holm over all methods and benchmarks; it \
        takes the seeds as they are. Reductions of the gap are against the base's text accuracy, as the paper has it, and against the method's \
        own. MRR is audio ÷ the base's text, text kept is text ÷ the base's text, the average drop is the mean of 1 − MRR over benchmarks.
        """
    }

    package func markdown() -> String {
        let lines = [Self.columns, Self.columns.map { _ in "---" }] + cells.map { $0.map { $0.replacing("|", with: "\\|") } }
        return lines.map { "| " + $0.joined(separator: " | ") + " |\n" }.joined() + "\n" + note + "\n"
    }

    /// A `tabular` for the package booktabs; each benchmark is a block of its own.
    package func latex() -> String {
        var text = "% \(note)\n\\begin{tabular}{ll" + String(repeating: "r", count: Self.columns.count - 2) + "}\n\\toprule\n"
        var block: String?
        for line in [Self.columns] + cells {
            if let block, block != line[0] { text += "\\midrule\n" }
            block = line[0]
            text += line.map(Self.escaped).joined(separator: " & ") + " \\\\\n"
        }
        return text + "\\bottomrule\n\\end{tabular}\n"
    }

    package func csv() -> String {
        func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
        func change(_ change: Change?) -> [String] {
            [change?.points, change?.pooled?.lower, change?.pooled?.upper, change?.hierarchical?.lower, change?.hierarchical?.upper].map(number)
        }
        func numbers(_ numbers: Numbers) -> [String] {
            [numbers.reductionAgainstBaseText, numbers.reductionOwn, numbers.mrr, numbers.textKept].map(number)
        }
        let changed = ["change", "lower", "upper", "seeds_lower", "seeds_upper"]
        let head =
            ["benchmark", "method", "seeds", "n", "text", "text_deviation", "audio", "audio_deviation", "gap_points"]
            + changed.map { "audio_" + $0 } + ["audio_p", "audio_adjusted_p"] + changed.map { "text_" + $0 }
            + ["reduction_against_base_text", "reduction_own", "mrr", "text_kept", "average_drop"]
        let lines =
            rows.map { row in
                [row.benchmark, row.method, "\(row.seeds)", "\(row.n)"]
                    + [row.numbers.text, row.textDeviation, row.numbers.audio, row.audioDeviation, row.numbers.gap].map(number)
                    + change(row.audioChange) + [number(row.audioChange?.signFlipP), number(row.adjustedP)] + change(row.textChange)
                    + numbers(row.numbers) + [""]
            }
            + means.map { mean in
                ["mean", mean.method, "", "", number(mean.numbers.text), "", number(mean.numbers.audio), "", number(mean.numbers.gap)]
                    + Array(repeating: "", count: 2 * changed.count + 2) + numbers(mean.numbers) + [number(mean.averageDrop)]
            }
        return ([head] + lines).map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()
    }

    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    private static func accuracy(_ value: Double, _ deviation: Double?) -> String {
        Format.percent(value) + (deviation.map { " ± " + Format.percent($0) } ?? "")
    }

    private static func change(_ change: Change?) -> [String] {
        [change.map { points($0.points, $0.pooled) } ?? "", change?.hierarchical.map { Format.interval($0) } ?? ""]
    }

    private static func points(_ value: Double, _ interval: Interval?) -> String { Format.signed(value) + " " + Format.interval(interval) }

    private static func ratios(_ numbers: Numbers) -> [String] {
        [numbers.reductionAgainstBaseText, numbers.reductionOwn].map { Format.optional($0.map { 100 * $0 }, 1) }
            + [numbers.mrr, numbers.textKept].map { Format.optional($0) }
    }

    private static func quoted(_ field: String) -> String {
        field.contains(where: { ",\"\r\n".contains($0) }) ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            switch character {
            case "\\": escaped += "\\textbackslash{}"
            case "&", "%", "$", "#", "_", "{", "}": escaped += "\\\(character)"
            case "~": escaped += "\\textasciitilde{}"
            case "^": escaped += "\\textasciicircum{}"
            case "±": escaped += "$\\pm$"
            case "−": escaped += "$-$"
            case "<": escaped += "$<$"
            case "α": escaped += "$\\alpha$"
            case "β": escaped += "$\\beta$"
            case _: escaped.append(character)
            }
        }
    }
}
