import Foundation

/// Texts reduced to what counts: case, diacritics, punctuation and articles removed, numbers in one writing.
enum Phrase {
    static func folded(_ text: String) -> String {
        text.folding(
            options: [.caseInsensitive, .diacriticInsensitive, .widthInsensitive], locale: Locale(identifier: "en")
        )
        .replacing("’", with: "'")
    }

    private static let articles: Set = ["a", "an", "the"]

    /// The normalised words of a text, in order.
    static func words(_ text: String) -> [String] {
        let tokens = Token.tokens(of: text)
        let numbers = NumberReader.all(in: tokens)
        var words: [String] = []
        var index = 0
        var next = numbers[...]
        while index < tokens.count {
            if let number = next.first, number.range.lowerBound == index {
                words.append(written(number.value))
                index = number.range.upperBound
                next.removeFirst()
                continue
            }
            if let word = tokens[index].word, !articles.contains(word) { words.append(word) }
            index += 1
        }
        // A text of articles alone ("A") keeps them.
        return words.isEmpty ? tokens.compactMap(\.word) : words
    }

    /// A number in its shortest writing: "14", "2.5".
    static func written(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}
