import Randomness

/// Several people own things; events, each a depth, change who has how many; one of them is asked for.
///
///     Tom has 12 coins, Ella has 9 coins and Sam has 5 coins. Tom gives Ella 4. Sam finds 6. Ella loses 3. How many coins does Ella have?
///     →  Ella: 9 + 4 = 13. Ella: 13 - 3 = 10. The answer is 10.
enum Owners {
    private static let gains = ["buys %", "finds %", "gets %", "wins %", "buys % more", "gets % more"]
    private static let losses = ["loses %", "sells %", "uses %", "gives away %", "throws away %"]
    private static let questions = [
        "How many % does % have?", "How many % does % have now?", "How many % does % have at the end?", "In the end, how many % does % have?",
    ]

    static func draw(depth: Int, _ random: inout RandomStream) -> Question {
        let people = random.sample(random.integer(2...min(4, depth + 1)), of: Vocabulary.people).map(\.name)
        let thing = random.pick(Vocabulary.things)
        var amounts = people.map { _ in random.integer(6...30) }
        let namesThing = random.integer(0...1) == 0
        let openings = zip(people, amounts).map { "\($0) has \($1)\(namesThing || $0 == people[0] ? " " + thing : "")" }
        var sentences = random.integer(0...1) == 0 ? [openings.listed + "."] : openings.map { $0 + "." }
        let asked = random.index(below: people.count)
        let starts = amounts
        let tellsAll = random.integer(0...3) == 0
        var working = Working(&random)
        for event in 0..<depth {
            // The last event is about the one who is asked for, if nothing was before.
            let isLast = event == depth - 1 && amounts[asked] == starts[asked]
            let actor = isLast || random.integer(0...2) == 0 ? asked : random.index(below: people.count)
            let other = (actor + random.integer(1...people.count - 1)) % people.count
            func change(_ person: Int, _ operation: Operation, _ amount: Int, _ working: inout Working) {
                let before = amounts[person]
                amounts[person] = operation.applied(before, amount)
                if person == asked || tellsAll { working.step(before, operation, amount, of: people[person]) }
            }
            let canLose = amounts[actor] > 3
            switch random.integer(0...2) {
            case 0 where canLose:
                let amount = random.integer(2...min(20, amounts[actor] - 1))
                sentences.append(
                    random.integer(0...1) == 0
                        ? "\(people[actor]) gives \(people[other]) \(amount)." : "\(people[actor]) gives \(amount) to \(people[other]).")
                change(actor, .minus, amount, &working)
                change(other, .plus, amount, &working)
            case 1 where canLose:
                let amount = random.integer(2...min(20, amounts[actor] - 1))
                sentences.append("\(people[actor]) \(random.pick(losses).filled(String(amount))).")
                change(actor, .minus, amount, &working)
            default:
                let amount = random.integer(2...20)
                sentences.append("\(people[actor]) \(random.pick(gains).filled(String(amount))).")
                change(actor, .plus, amount, &working)
            }
        }
        sentences.append(random.pick(questions).filled(thing, people[asked]))
        if working.sentences.isEmpty { working.say("\(people[asked]) has \(starts[asked]).") }
        return Question(
            family: .owners, task: .number, text: sentences.joined(separator: " "), steps: working.text, answer: String(amounts[asked]),
            depth: depth)
    }
}
