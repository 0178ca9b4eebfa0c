import Randomness

/// Sums of products: what is bought, what has legs, how far one goes. A product is a depth.
///
///     Ella buys 3 pens at 4 dollars each and 2 books at 7 dollars each. How much does she pay?
///     →  3 x 4 = 12. 2 x 7 = 14. 12 + 14 = 26. The answer is 26.
///     How many legs do 2 spiders and 3 ducks have together?  →  2 x 8 = 16. 3 x 2 = 6. 16 + 6 = 22. The answer is 22.
enum Products {
    private static let payments = ["How much does % pay?", "How much is that?", "What does % pay in all?", "How much does it cost?"]
    private static let changes = ["% pays with a 100 dollar bill. How much change is there?", "% had 100 dollars. How much is left?"]

    static func shopping(depth: Int, _ random: inout RandomStream) -> Question {
        let person = random.pick(Vocabulary.people)
        let isPriced = random.integer(0...1) == 0
        let kinds = random.sample(min(depth, 6), of: Vocabulary.things)
        let pairs = kinds.map { _ in (random.integer(2...9), random.integer(2...9)) }
        let items = zip(kinds, pairs).map { kind, pair in
            isPriced ? "\(pair.0) \(kind) at \(pair.1) dollars each" : "\(pair.0) \(kind) for \(pair.1) dollars each"
        }
        var working = Working(&random)
        var total = sum(pairs, &working)
        var text = "\(person.name) buys \(items.listed). "
        if total < 99, random.integer(0...2) == 0 {
            text += random.pick(changes).filled(person.pronoun)
            total = working.step(100, .minus, total)
        } else {
            let phrasing = random.pick(payments)
            text += phrasing.contains("%") ? phrasing.filled(person.pronoun.lowercased()) : phrasing
        }
        return Question(family: .shopping, task: .number, text: text, steps: working.text, answer: String(total), depth: depth)
    }

    static func legs(depth: Int, _ random: inout RandomStream) -> Question {
        var kinds: [(String, Int)] = []
        for animal in random.shuffled(Vocabulary.animals) where kinds.count < min(depth, 6) && animal.1 > 0 {
            if !kinds.contains(where: { $0.0 == animal.0 }) { kinds.append(animal) }
        }
        let pairs = kinds.map { (random.integer(2...9), $0.1) }
        let herd = zip(kinds, pairs).map { "\($1.0) \(Vocabulary.plural($0.0))" }.listed
        var working = Working(&random)
        let total = sum(pairs, &working)
        let text = random.pick([
            "How many legs do % have together?", "How many legs do % have?", "There are %. How many legs are there?",
            "In a field there are %. How many legs do they have?",
        ]).filled(herd)
        return Question(family: .legs, task: .number, text: text, steps: working.text, answer: String(total), depth: depth)
    }

    static func travel(depth: Int, _ random: inout RandomStream) -> Question {
        let person = random.pick(Vocabulary.people)
        let pairs = (0..<min(depth, 6)).map { _ in (random.integer(2...9), random.integer(2...9)) }
        let legs = pairs.map { "\($0.0) miles an hour for \($0.1) hours" }
        var working = Working(&random)
        let total = sum(pairs, &working)
        let text =
            "\(person.name) walks \(legs.joined(separator: ", then ")). "
            + random.pick([
                "How far does % go?", "How many miles does % walk?", "How many miles is that for %?",
            ]).filled(person.pronoun == "He" ? "he" : "she").replacing("for he?", with: "for him?").replacing("for she?", with: "for her?")
        return Question(family: .travel, task: .number, text: text, steps: working.text, answer: String(total), depth: depth)
    }

    /// The products one by one, each added to those before.
    private static func sum(_ pairs: [(Int, Int)], _ working: inout Working) -> Int {
        let products = pairs.map { working.step($0.0, .times, $0.1) }
        return products.dropFirst().reduce(products[0]) { working.step($0, .plus, $1) }
    }
}
