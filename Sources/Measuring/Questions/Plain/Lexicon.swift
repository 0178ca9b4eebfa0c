/// The words that questions are made of.

struct Person {
    let name: String
    let pronoun: String

    static let all =
        ["Tom", "Sam", "Ben", "Jack"].map { Person(name: $0, pronoun: "He") }
        + ["Anna", "Mary", "Lucy", "Emma"].map { Person(name: $0, pronoun: "She") }
}

enum Lexicon {
    static let objects = ["books", "coins", "apples", "pens", "cards", "eggs"]
    static let containers = ["boxes", "bags"]
    static let gains = ["buys # more", "finds # more", "gets # more"]
    static let losses = ["gives away #", "loses #", "sells #"]
    static let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    static func withArticle(_ noun: String) -> String {
        ("aeiou".contains(noun.prefix(1)) ? "an " : "a ") + noun
    }
}

extension String {
    /// The template with each `%` replaced by the next value.
    func filled(_ values: String...) -> String {
        var parts = split(separator: "%", omittingEmptySubsequences: false)[...]
        precondition(
            parts.count == values.count + 1, "template '\(self)' takes \(parts.count - 1) values, not \(values.count)")
        var result = String(parts.removeFirst())
        for (value, part) in zip(values, parts) { result += value + part }
        return result
    }
}
