import Evaluation
import Foundation
import Judging
import TestSupport
import Testing

/// `instructions.json` holds responses written by hand, several of each kind of instruction, and whether IFEval's own checkers take them as
/// following it; for sentences, whether they would by Punkt's rules.
@Suite struct InstructionTests {
    struct Case: Decodable, CustomTestStringConvertible {
        var id: String
        var arguments: [String: Instruction.Argument]
        var response: String
        var followed: Bool
        var testDescription: String { "\(id): \(response)" }
    }

    static let cases = TestSupport.cases(in: "evaluation/instructions.json") { try JSONDecoder().decode([Case].self, from: $0) }

    @Test(arguments: InstructionTests.cases)
    func rulesDecideAsTheCheckersDo(_ row: Case) throws {
        let rule = try InstructionRule(Instruction(id: row.id, arguments: row.arguments))
        #expect(rule.isFollowed(by: row.response) == row.followed)
    }

    @Test func everyKindHasCasesOfBothOutcomes() {
        for kind in InstructionRule.Kind.allCases {
            #expect(Set(Self.cases.filter { $0.id == kind.rawValue }.map(\.followed)) == [true, false], "\(kind.rawValue)")
        }
    }

    @Test func aKeywordIsATextAndNoExpression() throws {
        let rule = try InstructionRule(Instruction(id: "keywords:existence", arguments: ["keywords": .list(["(a+)+$", "c++"])]))
        #expect(!rule.isFollowed(by: String(repeating: "a", count: 5000) + "b, c++"))
        #expect(rule.isFollowed(by: "(A+)+$ and C++"))
    }

    @Test(arguments: ["keywords:existence", "keywords:forbidden_words"])
    func anEmptyKeywordIsRefused(id: String) {
        let name = id == "keywords:existence" ? "keywords" : "forbidden_words"
        #expect(throws: InstructionError.self) { try InstructionRule(Instruction(id: id, arguments: [name: .list(["a", ""])])) }
    }

    /// The response as it stands fails; without its first line, its last, both, or its asterisks it does not.
    @Test(arguments: [
        ("Sure:\nno comma here", true, true), ("Sure, here:\nno comma here", false, true), ("no comma here\nBye, bye", false, true),
        ("Well, so:\nno comma here\nBye, bye", false, true), ("Well, so:\none, two\nBye, bye", false, false), ("one, two", false, false),
        ("", false, false), (" \n ", false, false),
    ])
    func looselyAFrameAroundTheAnswerIsForgiven(_ response: String, _ strict: Bool, _ loose: Bool) throws {
        let rule = try InstructionRule(Instruction(id: "punctuation:no_comma"))
        #expect(InstructionOutcome.all([rule], response) == [InstructionOutcome(id: "punctuation:no_comma", strict: strict, loose: loose)])
    }

    @Test func looselyAsterisksAreForgiven() throws {
        let rule = try InstructionRule(Instruction(id: "startend:quotation"))
        #expect(InstructionOutcome.all([rule], "**\"All of it.\"**") == [InstructionOutcome(id: "startend:quotation", strict: false, loose: true)])
    }

    @Test func promptsAndInstructionsAreCountedByArm() async throws {
        let set = try ManifestReader().read(Fixtures.file("sets/voicebench/ifeval.jsonl"))
        let respondent = FakeRespondent { question in
            switch question {
            case .typed(let text): text.contains("rain") ? "Rain is water that falls from clouds." : "An apple and a pear."
            case .spoken(let clip), .relayed(let clip), .accompanied(let clip, _):
                clip.place.lastPathComponent == "test-2.wav" ? "Sure, about rain:\nIt is very wet indeed." : ""
            case .nothing: ""
            }
        }
        let report = try await EvaluationRun(set, respondent: respondent).report(id: "r", created: 1, software: "s")
        #expect(report.arms[.text]?.correct == 2 && report.arms[.audio]?.correct == 0 && report.arms[.audio]?.failures == ["empty": 1])
        let summary = try #require(report.instructions)
        let (text, audio) = (try #require(summary.arms[.text]), try #require(summary.arms[.audio]))
        #expect(text.instructionStrict.followed == 3 && text.instructionStrict.n == 3 && text.promptStrict.n == 2)
        // Of the spoken ones, the number of words is followed strictly, the comma is forgiven with the first line, the silence is not.
        #expect([audio.promptStrict, audio.promptLoose, audio.instructionStrict, audio.instructionLoose].map(\.followed) == [0, 1, 1, 2])
        #expect(summary.gaps.instructionStrict.n == 3 && summary.gaps.instructionStrict.clusters == 2 && summary.gaps.promptLoose.points == 50)
        #expect(summary.kinds.first { $0.id == "punctuation:no_comma" }?.followed == [.text: 1])
        #expect(report.items[0].arms[.audio]?.extracted == "1 of 2")
        #expect(report.markdown().contains("| single instructions, loosely | 100.0 | 66.7 |") && report.html().contains("<h2>Instructions</h2>"))
        #expect(report.markdown().contains("| punctuation:no_comma | 1 of 1 | 0 of 1 |"))
        let read = try JSONDecoder().decode(GapReport.self, from: report.json())
        #expect(read == report)
    }

    @Test func voiceBenchModeDropsAMarkInFront() async throws {
        let item = QuestionSet.Item(
            id: "a", category: "ifeval", text: "Quote it.", audio: nil, answer: "startend:quotation", type: .instructions,
            instructions: [Instruction(id: "startend:quotation")])
        let set = QuestionSet(name: "n", folder: URL(filePath: "/nowhere"), items: [item])
        func isRight(_ mode: ExtractionMode) async throws -> Bool? {
            try await EvaluationRun(
                set, settings: RunSettings(arms: [.text], extraction: mode), respondent: FakeRespondent { _ in "<2> \"So.\"" }
            ).report(id: "r", created: 1, software: "s").arms[.text].map { $0.correct == 1 }
        }
        #expect(try await isRight(.strict) == false)
        #expect(try await isRight(.voiceBench) == true)
    }
}
