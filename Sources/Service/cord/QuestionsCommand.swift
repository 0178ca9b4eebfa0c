import ArgumentParser
import Foundation
import Questions
import Speech

struct DrawQuestions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "questions",
        abstract: "Draw reasoning questions with their answers, one JSON object a line.",
        discussion: "The same seed draws the same questions everywhere; the splits share no text.")

    @Option(help: "How many, all different.") var count = 60
    @Option(help: "Draws them.") var seed: UInt64 = 0
    @Option(help: "train, dev or test.") var split: QuestionSplit = .test

    func validate() throws {
        if count < 1 { throw ValidationError("--count: expected at least 1, found \(count).") }
    }

    func run() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for question in try QuestionGenerator.distinct(count, seed: seed, split: split) {
            print(String(decoding: try encoder.encode(SpokenText(question)), as: UTF8.self))
        }
    }
}

extension QuestionSplit: ExpressibleByArgument {}
