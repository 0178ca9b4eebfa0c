import Randomness

/// Questions without an answer: about an amount or a person that is not mentioned, without a meaning, or about the world.
///
///     Tom has some apples. He gives away 5. How many apples are there now?  →  It is not said. I cannot answer that.
///     What is the capital of grass?                                         →  I do not know that. I cannot answer that.
enum Unanswerable {
    private static let untold = ["some", "a few", "many", "a lot of"]
    private static let beyond = [
        "Who won the game yesterday?", "What is the weather like today?", "Tell me a joke.", "Who wrote Hamlet?", "What time is it?",
        "Sing me a song.", "What is your name?", "Where do you live?", "Who is the president?", "What is the meaning of life?",
        "How do I bake bread?", "What is the speed of light?", "Translate this into German.", "Play some music.", "Set an alarm for seven.",
        "Who painted the Mona Lisa?", "How deep is the ocean?", "What did I say before?", "Write a poem about the sea.",
        "How far is the moon?", "What is the best phone?", "Do you like me?", "Call my mother.", "Turn on the light.", "Where are my keys?",
        "Who invented the telephone?", "What is love?", "What should I eat tonight?", "Is it going to rain tomorrow?", "How are you?",
        "Open the door.", "When does the train leave?", "What is the population of China?", "Explain how engines work.",
        "Who is the king of England?", "What is the largest ocean?", "How do planes fly?", "Remind me to call Anna.",
        "What is the square root of two?", "Which book should I read?", "Can you see me?", "How tall is the tower?", "Good morning.",
        "Stop.", "Thank you very much.", "I am tired.", "It is a nice day.", "The dog runs over the green grass.", "We went home late.",
    ]

    static func draw(depth: Int, _ random: inout RandomStream) -> Question {
        switch random.integer(0...5) {
        case 0...1: return missing(depth: depth, &random)
        case 2: return stranger(depth: depth, &random)
        case 3...4: return question(nonsense(&random), "I do not know that.", depth)
        default: return question(random.pick(beyond), "I do not know that.", depth)
        }
    }

    private static func missing(depth: Int, _ random: inout RandomStream) -> Question {
        let person = random.pick(Vocabulary.people)
        let thing = random.pick(Vocabulary.things)
        var sentences = ["\(person.name) has \(random.pick(untold)) \(thing)."]
        for _ in 0..<min(depth, 4) {
            let action = random.pick(Lexicon.gains + Lexicon.losses).replacingHash(with: String(random.integer(2...20)))
            sentences.append("\(person.pronoun) \(action).")
        }
        sentences.append("How many \(thing) are there now?")
        return question(sentences.joined(separator: " "), "It is not said.", depth)
    }

    private static func stranger(depth: Int, _ random: inout RandomStream) -> Question {
        let names = random.sample(3, of: Vocabulary.people).map(\.name)
        let things = random.sample(2, of: Vocabulary.things)
        let (a, b) = (random.integer(5...30), random.integer(5...30))
        let told = "\(names[0]) has \(a) \(things[0]) and \(names[1]) has \(b) \(things[0])."
        let asked = random.integer(0...1) == 0 ? (things[0], names[2]) : (things[1], names[0])
        return question("\(told) How many \(asked.0) does \(asked.1) have?", "It is not said.", depth)
    }

    private static func nonsense(_ random: inout RandomStream) -> String {
        let things = (Facts.colors.map(\.0) + Lexicon.days + Lexicon.months + Vocabulary.things + Vocabulary.events.map { "the " + $0 })
        switch random.integer(0...4) {
        case 0:
            return "What is the capital of \(random.pick(things + Facts.legs.map(\.0)))?"
        case 1:
            return "How many legs does \(random.pick(Lexicon.days + Lexicon.months + Facts.capitals.map(\.1))) have?"
        case 2:
            return random.pick(["What color is %?", "What is the color of %?"])
                .filled(random.pick(Lexicon.days + Lexicon.months + Vocabulary.events.map { "the " + $0 }))
        case 3:
            return "Is \(random.pick(things)) more than \(random.pick(things))?"
        default:
            return "What is a baby \(random.pick(Vocabulary.things + Vocabulary.events)) called?"
        }
    }

    private static func question(_ text: String, _ reason: String, _ depth: Int) -> Question {
        Question(family: .unanswerable, task: .refusal, text: text, solution: "\(reason) I cannot answer that.", answer: "refused", depth: depth)
    }
}
