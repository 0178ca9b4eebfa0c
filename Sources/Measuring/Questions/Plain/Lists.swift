import Randomness

/// Numbers read out, and one thing asked of them.
///
///     What is the largest of 17, 73, 99 and 41?  →  99, 73, 41, 17. The answer is 99.
///     Find the last number in 54, 85 and 16.     →  54, 85, 16. The answer is 16.
///     Add 15, 6 and 10.                          →  15 + 6 = 21. 21 + 10 = 31. The answer is 31.
///
/// The largest and smallest are found by sorting; no two of their numbers share the tens.
enum Lists {
    private enum Asked: String, CaseIterable {
        case largest, smallest, sum, last, second
    }

    private static let searches = [
        "What is the % of %?", "What is the % number: %?", "Find the % number: %.", "Find the % number in %.",
        "What is the % number in %?", "Find the % number of %.",
    ]
    private static let sums = ["What is the sum of %?", "Tell me the sum of %.", "Add %.", "Add the numbers %."]

    static func draw(_ random: inout RandomStream) -> Question {
        let asked = random.pick(Asked.allCases)
        let count = asked == .sum ? 3 : random.integer(3...4)
        // A sum stays below 100 after its second term.
        let numbers =
            asked == .sum ? random.sample(3, of: Array(2...29)) : distinctTens(count, &random)
        let hasAnd = asked == .sum || asked == .second || count == 4 || random.integer(0...1) == 0
        let list = spoken(numbers, withAnd: hasAnd)
        let text =
            asked == .sum
            ? random.pick(sums).filled(list) : random.pick(searches).filled(asked.rawValue, list)

        let steps: [Int]
        let answer: Int
        switch asked {
        case .largest:
            steps = numbers.sorted(by: >)
            answer = steps[0]
        case .smallest:
            steps = numbers.sorted()
            answer = steps[0]
        case .last:
            steps = numbers
            answer = numbers[count - 1]
        case .second:
            steps = numbers
            answer = numbers[1]
        case .sum:
            let partial = numbers[0] + numbers[1]
            answer = partial + numbers[2]
            return Question(
                family: .lists, task: .number, text: text,
                steps: "\(numbers[0]) + \(numbers[1]) = \(partial). \(partial) + \(numbers[2]) = \(answer).",
                answer: String(answer))
        }
        return Question(
            family: .lists, task: .number, text: text, steps: steps.map(String.init).joined(separator: ", ") + ".",
            answer: String(answer))
    }

    private static func distinctTens(_ count: Int, _ random: inout RandomStream) -> [Int] {
        random.sample(count, of: Array(1...9)).map { $0 * 10 + random.integer(0...9) }
    }

    private static func spoken(_ numbers: [Int], withAnd: Bool) -> String {
        let words = numbers.map(String.init)
        guard withAnd else { return words.joined(separator: ", ") }
        return words.dropLast().joined(separator: ", ") + " and " + words[words.count - 1]
    }
}
