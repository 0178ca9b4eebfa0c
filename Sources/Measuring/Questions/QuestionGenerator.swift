import Randomness

/// An endless stream of questions of one split, drawn from the families in turn.
///
/// Each family has its own random stream, so the n-th question of a family depends on the seed and the split alone, not on
/// which other families are drawn. Texts repeat, sooner in the small families (there are about 2,600 calendar questions).
package struct QuestionGenerator: Sendable, Sequence, IteratorProtocol {
    package let split: QuestionSplit
    package let families: [QuestionFamily]
    /// The depths of the deep families' questions.
    package let depths: ClosedRange<Int>
    private var streams: [RandomStream]
    private var turn = 0

    package init(seed: UInt64, split: QuestionSplit, families: [QuestionFamily] = QuestionFamily.plain, depths: ClosedRange<Int> = 1...3) {
        precondition(!families.isEmpty, "a question generator needs at least one family")
        self.split = split
        self.families = families
        self.depths = depths
        streams = families.map { RandomStream(seed: seed, part: $0.rawValue) }
    }

    package mutating func next() -> Question? {
        defer { turn = (turn + 1) % families.count }
        return draw(turn)
    }

    private mutating func draw(_ index: Int) -> Question {
        while true {
            let question = families[index].draw(depths, &streams[index])
            if question.split == split { return question }
        }
    }

    /// `count` questions with different texts, as evenly spread over the families as these have texts: one that runs out leaves its turns to
    /// the others.
    /// - Throws: ``QuestionShortage`` where all families together have fewer texts in this split than asked for.
    package static func distinct(
        _ count: Int, seed: UInt64, split: QuestionSplit, families: [QuestionFamily] = QuestionFamily.plain, depths: ClosedRange<Int> = 1...3,
        excluding known: Set<String> = []
    ) throws(QuestionShortage) -> [Question] {
        var generator = QuestionGenerator(seed: seed, split: split, families: families, depths: depths)
        var seen = known
        var questions: [Question] = []
        questions.reserveCapacity(Swift.min(count, 1 << 16))
        // Far more draws than the rarest text of a family needs to turn up.
        let patience = 20_000
        var inTurn = Array(families.indices)
        var turn = 0
        while questions.count < count {
            guard !inTurn.isEmpty else {
                throw QuestionShortage(families: families, split: split, asked: count, found: questions.count)
            }
            var misses = 0
            var question = generator.draw(inTurn[turn])
            while misses < patience, !seen.insert(question.text).inserted {
                misses += 1
                question = generator.draw(inTurn[turn])
            }
            if misses < patience {
                questions.append(question)
                turn += 1
            } else {
                inTurn.remove(at: turn)
            }
            if turn >= inTurn.count { turn = 0 }
        }
        return questions
    }
}

/// The families ran out of different texts.
package struct QuestionShortage: Error, CustomStringConvertible, Sendable {
    package let families: [QuestionFamily]
    package let split: QuestionSplit
    package let asked: Int
    package let found: Int

    package var description: String {
        "cannot draw \(asked) different questions of the \(split.rawValue) split from \(families.map(\.rawValue).joined(separator: ", ")): "
            + "they ran out after \(found); ask for at most \(found), or name more families"
    }
}

extension QuestionFamily {
    func draw(_ depths: ClosedRange<Int>, _ random: inout RandomStream) -> Question {
        var depth: Int { random.integer(depths) }
        return switch self {
        case .arithmetic: Arithmetic.draw(&random)
        case .ordering: Ordering.draw(&random)
        case .calendar: CalendarQuestions.draw(&random)
        case .lists: Lists.draw(&random)
        case .facts: Facts.draw(&random)
        case .comparisons: Comparisons.draw(&random)
        case .chains: Chains.draw(depth: depth, &random)
        case .columns: Columns.draw(depth: depth, &random)
        case .owners: Owners.draw(depth: depth, &random)
        case .derived: Derived.draw(depth: depth, &random)
        case .agenda: Agenda.draw(depth: depth, &random)
        case .shopping: Products.shopping(depth: depth, &random)
        case .legs: Products.legs(depth: depth, &random)
        case .unanswerable: Unanswerable.draw(depth: depth, &random)
        case .sums: Sums.draw(depth: depth, &random)
        case .travel: Products.travel(depth: depth, &random)
        }
    }
}
