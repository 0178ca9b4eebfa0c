/// The word errors of a transcript: the fewest substitutions, deletions and insertions between it and the reference
/// (Levenshtein's distance), after ``TranscriptText`` has normalised both.
package struct WordErrors: Codable, Sendable, Equatable {
    package var substitutions = 0
    package var deletions = 0
    package var insertions = 0
    /// The number of words in the reference.
    package var words: Int

    /// Bounds the counts of a file, so that their sums cannot overflow.
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

    /// Errors per word of the reference; more than 1 if the transcript has many additional words. If the reference is empty, 0 or 1.
    package var rate: Double { words == 0 ? (count == 0 ? 0 : 1) : Double(count) / Double(words) }

    /// - Parameters:
    ///   - heard: the transcript.
    ///   - said: the reference.
    package init(heard: String, said: String) {
        let (heard, said) = (TranscriptText.words(heard), TranscriptText.words(said))
        words = said.count
        // The fewest errors between the first words of both. Ties go to the path with the most substitutions.
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
