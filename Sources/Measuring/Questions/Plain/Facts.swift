import Randomness

/// Facts of the world with three or four options. The solution says the fact, then copies the options up to the right
/// one: a small model finds the letter by that, not by guessing a position.
///
///     What is the capital of Italy? A: Cairo, B: Rome, C: Oslo.
///     →  The capital of Italy is Rome. A: Cairo, B: Rome. The answer is B.
enum Facts {
    static let capitals = [
        ("France", "Paris"), ("England", "London"), ("Russia", "Moscow"), ("Germany", "Berlin"), ("Spain", "Madrid"),
        ("Italy", "Rome"), ("Greece", "Athens"), ("Egypt", "Cairo"), ("Kenya", "Nairobi"), ("China", "Beijing"),
        ("Japan", "Tokyo"), ("Cuba", "Havana"), ("Norway", "Oslo"), ("Peru", "Lima"),
    ]
    static let colors = [
        ("the sky", "blue"), ("snow", "white"), ("grass", "green"), ("blood", "red"), ("coal", "black"),
        ("a banana", "yellow"), ("an orange", "orange"),
    ]
    static let young = [
        ("cow", "calf"), ("dog", "puppy"), ("cat", "kitten"), ("sheep", "lamb"), ("horse", "foal"), ("bear", "cub"),
    ]
    static let sounds = [
        ("cow", "moos"), ("dog", "barks"), ("cat", "meows"), ("sheep", "bleats"), ("duck", "quacks"), ("lion", "roars"),
    ]
    static let legs = [
        ("spider", 8), ("snake", 0), ("ant", 6), ("bee", 6), ("dog", 4), ("cow", 4), ("horse", 4), ("cat", 4),
        ("duck", 2),
        ("bird", 2),
    ]

    static func draw(_ random: inout RandomStream) -> Question {
        let question: String
        let fact: String
        let right: String
        let pool: [String]
        var optionCount = random.integer(0...3) == 0 ? 4 : 3
        // Capitals are the widest field.
        switch random.integer(0...6) {
        case 0, 1, 2:
            let (country, city) = random.pick(capitals)
            question = "What is the capital of %?".filled(country)
            (fact, right, pool) = ("The capital of \(country) is \(city).", city, capitals.map(\.1))
        case 3:
            let (thing, color) = random.pick(colors)
            question = random.pick(["What color is %?", "What is the color of %?"]).filled(thing)
            (fact, right, pool) = ("The color of \(thing) is \(color).", color, colors.map(\.1))
        case 4:
            let (parent, child) = random.pick(young)
            question = "What is a baby % called?".filled(parent)
            (fact, right, pool) = ("A baby \(parent) is a \(child).", child, young.map(\.1))
        case 5:
            let (animal, sound) = random.pick(sounds)
            question = random.pick(["Which animal %?", "What animal %?"]).filled(sound)
            (fact, right, pool) = ("The \(animal) \(sound).", animal, sounds.map(\.0))
        default:
            let (animal, count) = random.pick(legs)
            let creature = Lexicon.withArticle(animal)
            question = "How many legs does % have?".filled(creature)
            (fact, right, pool) = (
                "\(creature.prefix(1).uppercased() + creature.dropFirst()) has \(count) legs.", String(count),
                ["0", "2", "4", "6", "8"]
            )
            optionCount = 3
        }

        let wrong = random.sample(optionCount - 1, of: pool.filter { $0 != right })
        let options = random.shuffled(wrong + [right])
        let labelled = zip("ABCD", options).map { "\($0): \($1)" }
        let place = options.firstIndex(of: right)!
        return Question(
            family: .facts, task: .letter, text: "\(question) \(labelled.joined(separator: ", ")).",
            steps: "\(fact) \(labelled[...place].joined(separator: ", ")).",
            answer: String("ABCD".dropFirst(place).prefix(1)),
            choices: options)
    }
}
