/// How a transcript differs from what was said, in words: the fewest substitutions, deletions and insertions that make one of the other
/// (Levenshtein's distance), after ``TranscriptText`` has written both alike.
package struct WordErrors: Codable, Sendable, Equatable {
    package var substitutions = 0
    package var deletions = 0
    package var insertions = 0
    /// Of the reference.
    package var words: Int

    /// Counts that come from a file stay within what sums can hold.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func bounded(_ key: CodingKeys) throws -> Int {
            let value = try container.decode(Int.self, forKey: key)
            if (0...Reply.mostTokens).contains(value) { return value }
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container, debugDescription: "expected 0 to \(Reply.mostTokens), found \(value)")
        }
        substitutions = try bounded(.substitutions)
        deletions = try bounded(.deletions)
        insertions = try bounded(.insertions)
        words = try bounded(.words)
    }

    package var count: Int { substitutions + deletions + insertions }

    /// Errors for each word of the reference, above 1 where words were made up; without a word in the reference, 0 or 1.
    package var rate: Double { words == 0 ? (count == 0 ? 0 : 1) : Double(count) / Double(words) }

    /// - Parameters:
    ///   - heard: the transcript.
    ///   - said: the reference.
    package init(heard: String, said: String) {
        let (heard, said) = (TranscriptText.words(heard), TranscriptText.words(said))
        words = said.count
        // Of the first words of both, the fewest errors; of equally few, those with the most substitutions.
        var above = (0...heard.count).map { Cell(insertions: $0) }
        for (row, word) in said.enumerated() {
            var line = [Cell(deletions: row + 1)]
            for (column, other) in heard.enumerated() {
                var best = above[column]
                if word != other { best.substitutions += 1 }
                var deleted = above[column + 1]
                deleted.deletions += 1
                var inserted = line[column]
                inserted.insertions += 1
                if deleted.count < best.count { best = deleted }
                if inserted.count < best.count { best = inserted }
                line.append(best)
            }
            above = line
        }
        let least = above[heard.count]
        (substitutions, deletions, insertions) = (least.substitutions, least.deletions, least.insertions)
    }

    private struct Cell {
        var substitutions = 0
        var deletions = 0
        var insertions = 0
        var count: Int { substitutions + deletions + insertions }
    }
}
