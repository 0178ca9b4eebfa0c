extension GapReport {
    /// The items as CSV (RFC 4180: CRLF, quoted where needed), one row each, every arm's answer in its columns.
    ///
    /// A cell that a spreadsheet would read as a formula gets a leading apostrophe. Plain numbers do not.
    package func csv() -> String {
        let present = Arm.allCases.filter { arms[$0] != nil }
        let measures = ["text", "extracted", "correct", "failure", "error", "tokens", "seconds"] + (rating == nil ? [] : ["score"])
        var rows = [
            ["id", "source_question", "voice", "category", "question", "answer", "audio"]
                + present.flatMap { arm in measures.map { "\(arm.rawValue)_\($0)" } }
        ]
        for item in items {
            var row = [
                item.id, item.sourceQuestion, item.voice ?? "", item.category, item.question, item.answer, item.audio ?? "",
            ]
            for arm in present {
                guard let answer = item.arms[arm] else {
                    row += Array(repeating: "", count: measures.count)
                    continue
                }
                row += [
                    answer.text, answer.extracted ?? "", String(answer.correct), answer.failure ?? "", answer.error ?? "",
                    String(answer.tokens), String(answer.seconds),
                ]
                if rating != nil { row.append(answer.score.map(String.init) ?? "") }
            }
            rows.append(row)
        }
        return rows.map { $0.map(CSV.cell).joined(separator: ",") + "\r\n" }.joined()
    }
}

/// One cell of a comma-separated file.
enum CSV {
    static func cell(_ text: String) -> String {
        var text = text
        // Unicode scalars, not characters: "\r\n" is one Character and would hide its carriage return.
        if let first = text.unicodeScalars.first, "=+-@\t\r\n".unicodeScalars.contains(first), Double(text) == nil {
            text = "'" + text
        }
        guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
