package import Randomness

/// The manner of a question: as written, with fillers and politeness around it, with numbers in words, or typed carelessly. The question stays the same.
package enum Manner: String, Sendable, CaseIterable {
    case plain, polite, words, careless

    private static let before = [
        "Please tell me.", "Can you help me?", "I have a question.", "Um,", "Well,", "Okay,", "So,", "Hello.", "Hi there.", "Listen.",
        "Here is a question.", "Excuse me.", "Let me ask you something.", "Try this one.", "Please,", "Hey,", "Here is one for you.",
    ]
    private static let behind = ["Please.", "Thank you.", "Thanks.", "Can you tell me?", "Do you know?", "Please think first."]

    /// The question put this way. Its identifier is its new text's; its split stays that of the text as written.
    package func applied(to question: Question, _ random: inout RandomStream) -> Question {
        switch self {
        case .plain: return question
        case .polite:
            let choice = random.integer(0...2)
            var text = question.text
            if choice != 1 { text = random.pick(Self.before) + " " + text }
            if choice != 0 { text += " " + random.pick(Self.behind) }
            return question.put(text)
        case .words: return question.put(Self.inWords(question.text, &random))
        case .careless: return question.put(Self.careless(question.text, &random))
        }
    }

    /// Numbers below 100 in words, all or some.
    private static func inWords(_ text: String, _ random: inout RandomStream) -> String {
        let share = random.pick([0.5, 1.0])
        return text.replacing(/\b([0-9]{1,2})\b/) { match in
            random.unit() < share ? NumberName.of(Int(match.1) ?? 0) : String(match.0)
        }
    }

    private static let signs = [" plus ": "+", " minus ": "-", " times ": "x", " divided by ": "/"]

    /// The text without capitals and some punctuation, with a few swapped letters, and with sums in signs.
    private static func careless(_ text: String, _ random: inout RandomStream) -> String {
        let isSum = text.contains(/[0-9] (plus|minus|times|divided by) [0-9]/)
        if isSum, random.integer(0...3) > 0 {
            let space = random.pick(["", " "])
            return text.replacing(#/ (plus|minus|times|divided by) /#) { space + (signs[String($0.0)] ?? "") + space }
        }
        if random.integer(0...9) == 0 { return text.uppercased() }
        var characters = Array(random.integer(0...2) == 0 ? text : text.lowercased())
        if random.integer(0...1) == 0 { characters.removeAll { ".,?".contains($0) } }
        for _ in 0..<random.integer(0...2) {
            let place = random.index(below: max(1, characters.count - 1))
            if place + 1 < characters.count, characters[place].isLetter, characters[place + 1].isLetter {
                if random.integer(0...1) == 0 { characters.swapAt(place, place + 1) } else { characters.remove(at: place) }
            }
        }
        return String(characters)
    }
}

/// English names of 0 to 99.
package enum NumberName {
    private static let small = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
        "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    ]
    private static let tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

    package static func of(_ value: Int) -> String {
        if value < 20 { return small[value] }
        return value % 10 == 0 ? tens[value / 10] : "\(tens[value / 10])-\(small[value % 10])"
    }
}
