import Randomness

/// Small numbers, one to three operations, asked in one breath; an operation is a depth.
///
///     What is 8 plus 5?  →  8 + 5 = 13. The answer is 13.
///     How much is 3 times 4 plus 2?  →  3 x 4 = 12. 12 + 2 = 14. The answer is 14.
enum Sums {
    private static let openings = [
        "What is %?", "What's %?", "How much is %?", "Tell me what % is.", "What does % make?", "What do you get for %?", "% is what?",
        "Calculate %.", "Work out %.", "%?", "%, please.", "Can you tell me what % is?",
    ]
    private static let plus = ["plus", "plus", "and", "added to"]
    private static let doubles = ["Double %.", "What is double %?", "What is twice %?", "How much is two times %?"]
    private static let halves = ["What is half of %?", "Halve %.", "How much is half of %?"]
    private static let most = 99

    static func draw(depth: Int, _ random: inout RandomStream) -> Question {
        var working = Working(&random)
        if depth == 1, random.integer(0...11) == 0 {
            let half = random.integer(1...20)
            let isDouble = random.integer(0...1) == 0
            let value = isDouble ? working.step(half, .times, 2) : working.step(half * 2, .divided, 2)
            let text = random.pick(isDouble ? doubles : halves).filled(String(isDouble ? half : half * 2))
            return question(text, working, value, depth)
        }
        // Read from the left as it is worked: a product or a quotient stands first or not at all.
        var value: Int
        var asked: String
        var left = min(depth, 3)
        switch random.integer(0...9) {
        case 0...2:
            let (first, second) = (random.integer(2...12), random.integer(2...min(12, 9 + random.integer(0...3))))
            asked = "\(first) times \(second)"
            value = working.step(first, .times, second)
            left -= 1
        case 3:
            let (divisor, quotient) = (random.integer(2...10), random.integer(1...10))
            asked = "\(divisor * quotient) divided by \(divisor)"
            value = working.step(divisor * quotient, .divided, divisor)
            left -= 1
        default:
            value = random.integer(left == 1 && random.integer(0...3) == 0 ? 10...20 : 1...10)
            asked = String(value)
        }
        for _ in 0..<left {
            if value > 1, value > most - 12 || random.integer(0...4) < 2 {
                let amount = random.integer(1...min(12, value))
                asked += " minus \(amount)"
                value = working.step(value, .minus, amount)
            } else {
                let amount = random.integer(1...12)
                asked += " \(random.pick(plus)) \(amount)"
                value = working.step(value, .plus, amount)
            }
        }
        return question(random.pick(openings).filled(asked), working, value, depth)
    }

    private static func question(_ text: String, _ working: Working, _ value: Int, _ depth: Int) -> Question {
        Question(family: .sums, task: .number, text: text, steps: working.text, answer: String(value), depth: depth)
    }
}
