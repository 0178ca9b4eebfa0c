import Randomness

/// Days that are defined relative to each other. The depth is the number of relations.
///
///     The exam is on Tuesday. The party is 3 days after the exam. The trip is 2 days before the party. What day is the trip?
///     →  party: Tuesday, 1 Wednesday, 2 Thursday, 3 Friday. trip: Friday, 1 Thursday, 2 Wednesday. The answer is Wednesday.
///
/// "If that is on a weekend, it moves to Monday." is a condition on the last.
enum Agenda {
    private static let questions = ["What day is the %?", "On what day is the %?", "On which day is the %?", "When is the %?"]

    static func draw(depth: Int, _ random: inout RandomStream) -> Question {
        let events = random.sample(min(depth + 1, Vocabulary.events.count), of: Vocabulary.events)
        let days = Lexicon.days
        var day = random.index(below: 7)
        var facts = ["The \(events[0]) is on \(days[day])."]
        var steps: [String] = []
        for place in 1..<events.count {
            let (count, isAfter) = (random.integer(1...5), random.integer(0...1) == 0)
            let span = count == 1 ? random.pick(["1 day", "one day", "the day"]) : "\(count) days"
            facts.append("The \(events[place]) is \(span) \(isAfter ? "after" : "before") the \(events[place - 1]).")
            let walk = (0...count).map { step in
                let name = days[(day + (isAfter ? step : 14 - step)) % 7]
                return step == 0 ? name : "\(step) \(name)"
            }
            steps.append("\(events[place]): \(walk.joined(separator: ", ")).")
            day = (day + (isAfter ? count : 14 - count)) % 7
        }
        let last = events[events.count - 1]
        if random.integer(0...2) == 0 { facts = random.shuffled(facts) }
        if random.integer(0...3) == 0 {
            facts.append("If the \(last) is on a weekend, it moves to Monday.")
            steps.append(day > 4 ? "\(days[day]) is a weekend, Monday." : "\(days[day]) is no weekend.")
            if day > 4 { day = 0 }
        }
        facts.append(random.pick(questions).filled(last))
        return Question(
            family: .agenda, task: .day, text: facts.joined(separator: " "), steps: steps.joined(separator: " "), answer: days[day], depth: depth)
    }
}
