/// Guesses the intended name of an unknown one.
package enum NearestName {
    /// The shortest name that begins with the word, if that has three letters or more; or else the nearest one, nil if it differs
    /// in more than a third of its letters.
    package static func to(_ word: String, among names: [String]) -> String? {
        if word.count >= 3, let longer = names.filter({ $0.hasPrefix(word) }).min(by: { $0.count < $1.count }) { return longer }
        let near = names.map { (name: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
        guard let near, near.distance <= max(1, near.name.count / 3) else { return nil }
        return near.name
    }

    /// The least number of letters to insert, to delete, to replace or to swap with the next (Damerau and Levenshtein's, without editing twice).
    private static func distance(_ first: String, _ second: String) -> Int {
        let (first, second) = (Array(first.utf8.prefix(64)), Array(second.utf8.prefix(64)))
        var rows = [Array(0...second.count)]
        for (i, letter) in first.enumerated() {
            var row = [i + 1]
            for (j, other) in second.enumerated() {
                row.append(min(rows[i][j] + (letter == other ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1))
                if i > 0, j > 0, letter == second[j - 1], first[i - 1] == other { row[j + 1] = min(row[j + 1], rows[i - 1][j - 1] + 1) }
            }
            rows.append(row)
        }
        return rows[first.count][second.count]
    }
}
