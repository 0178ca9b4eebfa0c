import Randomness

/// Three or four people ordered by one adjective, described pair by pair, in order or not. The question is who is at one end.
///
///     Tom is taller than Sam. Sam is taller than Ben. Who is the shortest?  →  Tom, Sam, Ben. The answer is Ben.
enum Ordering {
    private static let scales = [
        ("taller", "tallest", "shortest"), ("older", "oldest", "youngest"), ("faster", "fastest", "slowest"),
    ]
    private static let questions = ["Who is the %?", "Who is %?", "Which is the %?", "Who is the % of them?"]

    static func draw(_ random: inout RandomStream) -> Question {
        let people = random.sample(random.integer(3...4), of: Person.all).map(\.name)
        let (comparative, top, bottom) = random.pick(scales)
        var pairs = zip(people, people.dropFirst()).map { "\($0) is \(comparative) than \($1)" }
        if random.integer(0...1) == 0 { pairs = random.shuffled(pairs) }
        let asksTop = random.integer(0...1) == 0
        let joint = random.integer(0...3) == 0 ? " and " : ". "
        // Phrasings of four people are kept to the plain ones.
        let phrasing = people.count == 4 ? random.pick(Array(questions.prefix(3))) : random.pick(questions)
        let text = pairs.joined(separator: joint) + ". " + phrasing.filled(asksTop ? top : bottom)
        return Question(
            family: .ordering, task: .phrase, text: text, steps: people.joined(separator: ", ") + ".",
            answer: asksTop ? people[0] : people[people.count - 1])
    }
}
