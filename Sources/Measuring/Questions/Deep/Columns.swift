import Randomness

/// Sums and differences of long numbers, worked column by column from the right; a column after the first is a depth.
///
///     What is 478 plus 56?  →  8 + 6 = 14, write 4, carry 1. 7 + 5 + 1 = 13, write 3, carry 1. 4 + 0 + 1 = 5. The answer is 534.
///     Take 58 away from 123.  →  3 - 8, borrow, 13 - 8 = 5. 2 - 1 - 5, borrow, 11 - 5 = 6. 1 - 1 - 0 = 0. The answer is 65.
enum Columns {
    private static let sums = [
        "What is % plus %?", "Add % and %.", "How much is % plus %?", "What is the sum of % and %?", "% plus %, what is that?",
        "What do % and % make together?",
    ]
    private static let differences = ["What is % minus %?", "How much is % minus %?", "% minus %, what is that?"]
    private static let removals = ["Subtract % from %.", "Take % away from %.", "How much is left when you take % from %?"]

    static func draw(depth: Int, _ random: inout RandomStream) -> Question {
        let digits = min(depth, 6) + 1
        let range = power(digits - 1)...(power(digits) - 1)
        let first = random.integer(range)
        let second = random.integer(power(max(1, digits - random.integer(1...2)))...first)
        if random.integer(0...1) == 0 {
            let other = random.integer(0...1) == 0 ? second : random.integer(range)
            let text = random.pick(sums).filled(String(first), String(other))
            return question(text, sum(first, other, columns: digits), first + other, depth)
        }
        let text =
            random.integer(0...1) == 0
            ? random.pick(differences).filled(String(first), String(second)) : random.pick(removals).filled(String(second), String(first))
        return question(text, difference(first, second, columns: digits), first - second, depth)
    }

    private static func question(_ text: String, _ steps: String, _ answer: Int, _ depth: Int) -> Question {
        Question(family: .columns, task: .number, text: text, steps: steps, answer: String(answer), depth: depth)
    }

    private static func sum(_ a: Int, _ b: Int, columns: Int) -> String {
        var carry = 0
        return (0..<columns).map { column in
            let (x, y) = (digit(a, column), digit(b, column))
            let total = x + y + carry
            let text = "\(x) + \(y)\(carry > 0 ? " + 1" : "") = \(total)"
            carry = total / 10
            return carry == 0 || column == columns - 1 ? text + "." : text + ", write \(total % 10), carry 1."
        }.joined(separator: " ")
    }

    private static func difference(_ a: Int, _ b: Int, columns: Int) -> String {
        var borrow = 0
        return (0..<columns).map { column in
            let (x, y) = (digit(a, column), digit(b, column))
            let text = "\(x)\(borrow > 0 ? " - 1" : "") - \(y)"
            let left = x - borrow
            borrow = left < y ? 1 : 0
            return borrow == 0 ? text + " = \(left - y)." : text + ", borrow, \(left + 10) - \(y) = \(left + 10 - y)."
        }.joined(separator: " ")
    }

    private static func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { value, _ in value * 10 } }

    private static func digit(_ value: Int, _ column: Int) -> Int { value / power(column) % 10 }
}
