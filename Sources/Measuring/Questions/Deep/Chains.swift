import Randomness

/// A number changed again and again, in words; a change is a depth.
///
///     Start with 7. Add 5. Double it. Take away 4. What do you get?  →  7 + 5 = 12. 12 x 2 = 24. 24 - 4 = 20. The answer is 20.
enum Chains {
    private static let openings = [
        "Start with %.", "Take the number %.", "Think of the number %.", "Begin with %.", "I have the number %.", "Take %.",
    ]
    private static let additions = ["Add %.", "Then add %.", "Now add %.", "Add % to it.", "Add % more."]
    private static let subtractions = ["Subtract %.", "Take away %.", "Then take away %.", "Now subtract %.", "Take % from it."]
    private static let products = ["Multiply by %.", "Multiply it by %.", "Then multiply by %."]
    private static let doublings = ["Double it.", "Then double it.", "Now double it.", "Take it twice."]
    private static let halvings = ["Halve it.", "Take half of it.", "Divide by 2.", "Then divide it by 2."]
    private static let questions = [
        "What do you get?", "What is the result?", "What number is it now?", "Where do you end?", "How much is it now?",
        "What is it at the end?",
    ]
    private static let most = 199

    static func draw(depth: Int, _ random: inout RandomStream) -> Question {
        var value = random.integer(2...60)
        var sentences = [random.pick(openings).filled(String(value))]
        var working = Working(&random)
        for _ in 0..<depth {
            switch random.integer(0...9) {
            case 0 where value * 2 <= most:
                sentences.append(random.pick(doublings))
                value = working.step(value, .times, 2)
            case 1 where value % 2 == 0 && value > 3:
                sentences.append(random.pick(halvings))
                value = working.step(value, .divided, 2)
            case 2 where value <= 20:
                let factor = random.integer(3...9)
                sentences.append(random.pick(products).filled(String(factor)))
                value = working.step(value, .times, factor)
            case 3...6 where value > 5:
                let amount = random.integer(2...min(40, value - 1))
                sentences.append(random.pick(subtractions).filled(String(amount)))
                value = working.step(value, .minus, amount)
            default:
                let amount = random.integer(2...max(2, min(40, most - value)))
                sentences.append(random.pick(additions).filled(String(amount)))
                value = working.step(value, .plus, amount)
            }
        }
        sentences.append(random.pick(questions))
        return Question(
            family: .chains, task: .number, text: sentences.joined(separator: " "), steps: working.text, answer: String(value), depth: depth)
    }
}
