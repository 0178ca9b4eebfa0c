/// Whether a sentence offers several numbers as its answer, of which none may be taken for it.
///
///     3 or 4   3 and 7   5, 6 or 7   2, 5        alternatives and lists
///     10-20   15–18 hours   10 to 20   7 ± 2     ranges
///     3 h 20 min   5 feet 11 inches   5'11"      one quantity in two units
///     12/25/2023   2024-03-05   July 4, 1776     dates
///
/// Two that are equal are one ("3/4 or 0.75"), and so is a number with a note: "7, since the total is 12", "60 minutes (1 hour)".
enum SeveralNumbers {
    /// - Parameter numbers: Those of the sentence, in order.
    static func areOffered(in sentence: Substring, _ numbers: [NumberReading]) -> Bool {
        guard let first = numbers.first, numbers.count > 1, let other = numbers.dropFirst().first(where: { $0.value != first.value }) else {
            return false
        }
        let between = sentence[first.range.upperBound..<other.range.lowerBound]
        guard !between.contains("%"), !between.contains("("), between.count <= 24 else { return false }
        let words = between.split { !$0.isLetter }.map { $0.lowercased() }
        switch words {
        case ["or"], ["and"], ["to"], ["through"]: return true
        case []:
            let signs = between.filter { !$0.isWhitespace && !"*_\"”$)".contains($0) }
            // After a comma, a number may also begin a note: "12, 7 of them red".
            if signs == "," || signs == ";" { return ends(sentence[other.range.upperBound...]) }
            return ["-", "–", "—", "±", "/", "~", "'", "'", "’", "′"].contains(signs)
        default: return isUnit(words[0]) && (words.count == 1 || words == [words[0], "and"]) && !between.contains(",") && isUnit(other, in: sentence)
        }
    }

    /// Whether a list ends here or goes on: nothing is said of the number before.
    private static func ends(_ rest: Substring) -> Bool {
        let rest = rest.drop { $0.isWhitespace || "*_)}$\"”".contains($0) }
        return rest.isEmpty || ".,;!?".contains(rest[rest.startIndex]) || rest.hasPrefix("or ") || rest.hasPrefix("and ")
    }

    private static func isUnit(_ number: NumberReading, in sentence: Substring) -> Bool {
        sentence[number.range.upperBound...].split { !$0.isLetter }.first.map { isUnit($0.lowercased()) } ?? false
    }

    private static func isUnit(_ word: String) -> Bool { units.contains(word) || word.hasSuffix("s") && units.contains(String(word.dropLast())) }

    /// Units that are counted together with smaller ones.
    private static let units: Set = [
        "h", "hr", "hour", "m", "min", "minute", "s", "sec", "second", "day", "week", "month", "year", "foot", "feet", "ft", "inch", "inche", "in",
        "yard", "mile", "pound", "lb", "ounce", "oz", "stone", "kg", "g", "km", "cm", "dollar", "cent", "euro", "penny", "pence",
    ]
}
