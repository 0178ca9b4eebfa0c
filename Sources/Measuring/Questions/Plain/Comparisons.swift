import Randomness

/// More or less, yes or no.
///
///     Ben has 13 apples. Tom has 41 apples. Does Ben have more than Tom?  →  13 < 41. The answer is no.
///     Does a spider have more legs than a dog?                            →  8 > 4. The answer is yes.
///     Is 10 plus 25 less than 43?                →  10 + 25 = 35. 35 < 43. The answer is yes.
enum Comparisons {
    static func draw(_ random: inout RandomStream) -> Question {
        let asksMore = random.integer(0...1) == 0
        let word = asksMore ? "more" : "less"
        let text: String
        var steps = ""
        let left: Int
        let right: Int
        switch random.integer(0...9) {
        case 0...5:
            left = random.integer(10...99)
            let others = Array(10...99).filter { abs($0 - left) > 1 }
            right = random.pick(others)
            let people = random.sample(2, of: Person.all).map(\.name)
            let object = random.pick(Lexicon.objects)
            let noun = random.integer(0...1) == 0 ? " \(object)" : ""
            text =
                "\(people[0]) has \(left) \(object). \(people[1]) has \(right) \(object). "
                + "Does \(people[0]) have \(word)\(noun) than \(people[1])?"
        case 6:
            var animals = random.sample(2, of: Facts.legs)
            while animals[0].1 == animals[1].1 { animals = random.sample(2, of: Facts.legs) }
            (left, right) = (animals[0].1, animals[1].1)
            text =
                "Does \(Lexicon.withArticle(animals[0].0)) have \(word) legs than \(Lexicon.withArticle(animals[1].0))?"
        default:
            let adds = random.integer(0...1) == 0
            let first = adds ? random.integer(10...50) : random.integer(30...60)
            let second = random.integer(2...20)
            left = adds ? first + second : first - second
            let distances = [-20, -15, -10, -8, 8, 10, 12, 15, 20].filter { (10...99).contains(left + $0) }
            right = left + random.pick(distances)
            steps = "\(first) \(adds ? "+" : "-") \(second) = \(left). "
            text = "Is \(first) \(adds ? "plus" : "minus") \(second) \(word) than \(right)?"
        }
        let isMore = left > right
        return Question(
            family: .comparisons, task: .yesNo, text: text, steps: "\(steps)\(left) \(isMore ? ">" : "<") \(right).",
            answer: isMore == asksMore ? "yes" : "no")
    }
}
