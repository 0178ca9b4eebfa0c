import Randomness

/// Names and things of the deep families: more of them than of the plain ones, which are among them.
enum Vocabulary {
    static let women = [
        "Anna", "Mary", "Lucy", "Emma", "Julia", "Sarah", "Laura", "Alice", "Nina", "Olivia", "Sophie", "Clara", "Maria", "Helen", "Rosa",
        "Diana", "Grace", "Ella", "Irene", "Molly",
    ]
    static let men = [
        "Tom", "Sam", "Ben", "Jack", "Peter", "David", "Paul", "Mark", "Leo", "Oscar", "Henry", "Max", "Daniel", "Simon", "Victor", "Adam",
        "George", "Martin", "Felix", "Robert",
    ]
    static let people = women.map { Person(name: $0, pronoun: "She") } + men.map { Person(name: $0, pronoun: "He") }

    static let things =
        Lexicon.objects + [
            "pencils", "oranges", "bananas", "stamps", "marbles", "shells", "balls", "flowers", "cookies", "tickets", "bottles", "cups", "plates",
            "candles", "keys", "buttons", "stickers", "lemons", "potatoes", "tomatoes", "toys", "photos", "letters", "roses", "shirts", "hats",
            "stones", "chairs", "lamps", "spoons", "cakes", "pears", "rings", "maps", "baskets", "tapes",
        ]
    static let events = [
        "meeting", "party", "exam", "concert", "trip", "wedding", "lesson", "game", "dinner", "race", "interview", "festival", "market",
        "play", "picnic", "show",
    ]
    static let animals =
        Facts.legs + [
            ("cat", 4), ("goat", 4), ("pig", 4), ("lion", 4), ("rabbit", 4), ("mouse", 4), ("fox", 4), ("hen", 2), ("goose", 2), ("beetle", 6),
            ("fly", 6), ("crab", 10), ("scorpion", 8),
        ]

    static func plural(_ noun: String) -> String {
        switch noun {
        case "sheep": "sheep"
        case "mouse": "mice"
        case "goose": "geese"
        case "fly": "flies"
        case "fox": "foxes"
        default: noun + "s"
        }
    }
}

/// Worked solutions in one of several wordings, drawn once a question: there is more than one right way to say a step.
///
///     12 + 7 = 19. 19 - 5 = 14.
///     12 plus 7 is 19. 19 minus 5 is 14.
///     First 12 + 7 = 19. Then 19 - 5 = 14.
struct Working {
    private enum Wording { case symbols, words, narrated }

    private let wording: Wording
    private(set) var sentences: [String] = []

    var text: String { sentences.joined(separator: " ") }

    init(_ random: inout RandomStream) {
        switch random.integer(0...3) {
        case 0: wording = .words
        case 1: wording = .narrated
        default: wording = .symbols
        }
    }

    /// Writes `a operation b = result`, of a subject where there is one ("Sam: 9 + 4 = 13."), and returns the result.
    @discardableResult
    mutating func step(_ a: Int, _ operation: Operation, _ b: Int, of subject: String? = nil) -> Int {
        let result = operation.applied(a, b)
        let sum =
            wording == .words
            ? "\(a) \(operation.word) \(b) is \(result)." : "\(a) \(operation.rawValue) \(b) = \(result)."
        let opening = wording == .narrated ? (sentences.isEmpty ? "First " : "Then ") : ""
        say(opening + (subject.map { "\($0): " } ?? "") + sum)
        return result
    }

    mutating func say(_ sentence: String) { sentences.append(sentence) }
}

enum Operation: String {
    case plus = "+"
    case minus = "-"
    case times = "x"
    case divided = "/"

    var word: String {
        switch self {
        case .plus: "plus"
        case .minus: "minus"
        case .times: "times"
        case .divided: "divided by"
        }
    }

    func applied(_ a: Int, _ b: Int) -> Int {
        switch self {
        case .plus: a + b
        case .minus: a - b
        case .times: a * b
        case .divided: a / b
        }
    }
}

extension Array where Element == String {
    /// "a", "a and b", "a, b and c".
    var listed: String { count < 2 ? joined() : dropLast().joined(separator: ", ") + " and " + self[count - 1] }
}
