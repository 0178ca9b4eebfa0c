import Randomness

/// Amounts that are defined relative to each other, in any order and with unneeded ones. The depth is the number of relations needed for the answer.
///
///     Ella is 3 years older than Sam. Ben is 4 years old. Sam is twice as old as Ben. How old is Ella?
///     →  Ben 4. Sam: 4 x 2 = 8. Ella: 8 + 3 = 11. The answer is 11.
enum Derived {
    private struct Relation {
        let operation: Operation
        let amount: Int
    }

    static func draw(depth: Int, _ random: inout RandomStream) -> Question {
        let isAge = random.integer(0...1) == 0
        let thing = random.pick(Vocabulary.things)
        let hasDistractor = random.integer(0...2) == 0
        let people = random.sample(min(depth + 2, 14), of: Vocabulary.people).map(\.name)
        var value = random.integer(3...25)
        var facts = [isAge ? "\(people[0]) is \(value) years old." : "\(people[0]) has \(value) \(thing)."]
        var working = Working(&random)
        working.say("\(people[0]) \(value).")
        for place in 1...depth {
            let relation = Self.relation(value, &random)
            facts.append(tell(people[place], people[place - 1], relation, isAge ? nil : thing))
            value = working.step(value, relation.operation, relation.amount, of: people[place])
        }
        if hasDistractor {
            facts.append(tell(people[depth + 1], people[random.index(below: depth)], Self.relation(20, &random), isAge ? nil : thing))
        }
        if random.integer(0...1) == 0 { facts = random.shuffled(facts) }
        facts.append(
            isAge
                ? random.pick(["How old is %?", "What is the age of %?", "How many years old is %?"]).filled(people[depth])
                : random.pick(["How many % does % have?", "How many % has %?"]).filled(thing, people[depth]))
        return Question(
            family: .derived, task: .number, text: facts.joined(separator: " "), steps: working.text, answer: String(value), depth: depth)
    }

    private static func relation(_ value: Int, _ random: inout RandomStream) -> Relation {
        switch random.integer(0...4) {
        case 0 where value <= 40: Relation(operation: .times, amount: 2)
        case 1 where value <= 20: Relation(operation: .times, amount: 3)
        case 2...3 where value > 4: Relation(operation: .minus, amount: random.integer(2...min(15, value - 1)))
        default: Relation(operation: .plus, amount: random.integer(2...15))
        }
    }

    private static func tell(_ person: String, _ other: String, _ relation: Relation, _ thing: String?) -> String {
        let amount = relation.amount
        switch relation.operation {
        case .times:
            let factor = amount == 2 ? "twice" : "three times"
            return thing.map { "\(person) has \(factor) as many \($0) as \(other)." } ?? "\(person) is \(factor) as old as \(other)."
        case .minus:
            return thing.map { "\(person) has \(amount) \($0) less than \(other)." } ?? "\(person) is \(amount) years younger than \(other)."
        case .plus, .divided:
            return thing.map { "\(person) has \(amount) \($0) more than \(other)." } ?? "\(person) is \(amount) years older than \(other)."
        }
    }
}
