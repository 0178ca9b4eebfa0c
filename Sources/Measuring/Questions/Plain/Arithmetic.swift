import Randomness

/// Sums as stories of one to three steps, with numbers up to 100.
///
///     Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?
///     →  12 + 7 = 19. 19 - 5 = 14. The answer is 14.
///
///     Mary has 6 bags of 9 apples. How many apples are there?
///     →  6 x 9 = 54. The answer is 54.
enum Arithmetic {
    static func draw(_ random: inout RandomStream) -> Question {
        let person = random.pick(Person.all)
        let object = random.pick(Lexicon.objects)
        var steps: [String] = []
        var sentences: [String] = []
        var value: Int
        let changes: Int
        let startsWithProduct = random.integer(0...3) == 0
        if startsWithProduct {
            let count = random.integer(2...9)
            let size = random.integer(2...9)
            value = count * size
            steps.append("\(count) x \(size) = \(value).")
            sentences.append("\(person.name) has \(count) \(random.pick(Lexicon.containers)) of \(size) \(object).")
            changes = random.integer(0...2)
        } else {
            value = random.integer(10...50)
            sentences.append("\(person.name) has \(value) \(object).")
            changes = random.integer(1...3)
        }

        let namesObject = changes < 3 && random.integer(0...3) == 0
        for _ in 0..<changes {
            let gains = value < 12 || (value <= 60 && random.integer(0...1) == 0)
            let amount = random.integer(2...min(gains ? 40 : 20, gains ? 99 - value : value - 1))
            let before = value
            value += gains ? amount : -amount
            steps.append("\(before) \(gains ? "+" : "-") \(amount) = \(value).")
            let action = random.pick(gains ? Lexicon.gains : Lexicon.losses).replacingHash(with: String(amount))
            sentences.append("\(person.pronoun) \(action)\(namesObject ? " \(object)" : "").")
        }
        let isPlain = startsWithProduct && random.integer(0...1) == 0
        sentences.append("How many \(object) are there\(isPlain ? "" : " now")?")
        return Question(
            family: .arithmetic, task: .number, text: sentences.joined(separator: " "),
            steps: steps.joined(separator: " "),
            answer: String(value))
    }
}
