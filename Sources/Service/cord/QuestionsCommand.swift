import ArgumentParser
import Foundation
import Questions
import Randomness
import Speech

struct DrawQuestions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "questions",
        abstract: "Draw reasoning questions with their answers, one JSON object a line.",
        discussion: """
            The same options draw the same questions everywhere; the splits share no text.

            EXAMPLES
              cord questions --count 600 --split dev --seed 11 > dev.jsonl
              cord questions --family chains --family owners --depth 4-12 > deep.jsonl
              cord questions --family all --manner polite --manner words > spoken.jsonl
            """)

    @Option(help: "How many, all different.") var count = 60
    @Option(help: "Draws them.") var seed: UInt64 = 0
    @Option(help: "train, dev or test.") var split: QuestionSplit = .test
    @Option(
        name: .customLong("family"),
        help: ArgumentHelp(
            "plain: the six of the built-in benchmark; deep: those that take a depth; all: both; or one by its name (\(Self.names)). May be repeated.",
            valueName: "family"))
    var named: [String] = ["plain"]
    @Option(help: ArgumentHelp("Steps of reasoning that a deep family's question takes: one number or two, as 1-3.", valueName: "steps"))
    var depth = DepthRange(range: 1...3)
    @Option(
        name: .customLong("manner"),
        help: ArgumentHelp(
            "How they are put: plain, polite (fillers and thanks), words (numbers in words), careless (typing errors). Drawn where repeated.",
            valueName: "manner"))
    var manners: [Manner] = [.plain]

    private static var names: String { QuestionFamily.allCases.map(\.rawValue).joined(separator: ", ") }

    func validate() throws {
        if count < 1 { throw ValidationError("--count: expected at least 1, found \(count).") }
        _ = try families()
    }

    func run() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var random = RandomStream(seed: seed, part: "manner")
        for question in try QuestionGenerator.distinct(count, seed: seed, split: split, families: families(), depths: depth.range) {
            let put = random.pick(manners).applied(to: question, &random)
            print(String(decoding: try encoder.encode(SpokenText(put)), as: UTF8.self))
        }
    }

    private func families() throws -> [QuestionFamily] {
        var families: [QuestionFamily] = []
        for name in named {
            let more: [QuestionFamily] =
                switch name {
                case "plain": QuestionFamily.plain
                case "deep": QuestionFamily.deep
                case "all": QuestionFamily.plain + QuestionFamily.deep
                default:
                    if let family = QuestionFamily(rawValue: name) {
                        [family]
                    } else {
                        throw ValidationError("--family: expected plain, deep, all or one of \(Self.names); found \(name).")
                    }
                }
            families += more.filter { !families.contains($0) }
        }
        return families
    }
}

/// `3` or `1-3`.
struct DepthRange: ExpressibleByArgument {
    let range: ClosedRange<Int>

    init(range: ClosedRange<Int>) { self.range = range }

    init?(argument: String) {
        let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count < 3, (1...12).contains(first), (first...12).contains(last) else {
            return nil
        }
        range = first...last
    }

    var defaultValueDescription: String { "\(range.lowerBound)-\(range.upperBound)" }
}

extension Manner: ExpressibleByArgument {}
extension QuestionSplit: ExpressibleByArgument {}
