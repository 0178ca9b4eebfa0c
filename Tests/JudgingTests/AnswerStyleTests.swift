import Foundation
import Judging
import TestSupport
import Testing

/// The labelled answers of `Fixtures/judging`, each read as a person reads it.
@Suite(.ownThread) struct AnswerStyleTests {
    struct Style: Decodable {
        let kind: String
        let type: TaskType
        let choices: [String]?
        let response: String
        /// What a person reads; nil where there is no answer, by `failure`'s name.
        let expected: String?
        let failure: ExtractionFailure?

        func isRight(_ reading: Result<String, ExtractionFailure>) -> Bool {
            switch reading {
            case .failure(let failure): return failure == self.failure
            case .success(let value): return expected.map { Self.agree(value, $0, type) } ?? false
            }
        }

        /// Numbers by value, by arithmetic that is none of the reading's own: whole ones digit by digit, quotients and others to nine digits.
        static func agree(_ read: String, _ expected: String, _ type: TaskType) -> Bool {
            guard type == .number, read != expected, let value = Double(read) else { return read == expected }
            let parts = expected.split(separator: "/").compactMap { Double($0) }
            guard expected.contains(where: { "./".contains($0) }), let top = parts.first else { return false }
            let wanted = parts.count == 2 ? top / parts[1] : top
            return abs(value - wanted) <= 1e-9 * max(1, abs(wanted))
        }
    }

    static func styles() throws -> [Style] {
        try Data(contentsOf: fixtures.appending(path: "judging/answers.jsonl")).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Style.self, from: Data($0))
        }
    }

    @Test func everyStyleIsReadAsAPersonReadsIt() throws {
        let styles = try Self.styles()
        #expect(styles.count >= 500)
        for style in styles {
            let reading = AnswerExtraction.extract(style.response, type: style.type, choices: style.choices ?? [])
            #expect(
                style.isRight(reading),
                "\(style.kind), \(style.type.rawValue): \(style.response.debugDescription) is read as \(reading)")
        }
    }

    /// What an evaluation reads is what rewards are given for.
    @Test func rewardsAreGivenForTheSameReading() throws {
        for style in try Self.styles() where !style.type.isWholeText && style.type != .refusal {
            guard let expected = style.expected else { continue }
            let verdict = AnswerMatch(type: style.type, choices: style.choices ?? []).verdict(
                response: style.response, reference: expected)
            #expect(verdict.isEqual, "\(style.response.debugDescription): \(verdict.reason)")
        }
    }

    @Test func readingTwiceChangesNothing() throws {
        for style in try Self.styles() where style.type == .number {
            guard let value = try? AnswerExtraction.extract(style.response, type: .number).get() else { continue }
            #expect(AnswerExtraction.canonical(value, type: .number) == value, "\(style.response.debugDescription)")
        }
    }

    @Test(arguments: [
        (
            "<think>7 + 5 is 12. The answer is 13?</think>\n\n7 + 5 = 12. The answer is 12.",
            "7 + 5 is 12. The answer is 13?\n7 + 5 = 12.", "12"
        ),
        ("So it is 12.\n</think>\n\n12", "So it is 12.", "12"), ("<think>\n\n</think>\n\n12", "", "12"),
        ("<|channel|>analysis<|message|>Add.<|end|><|start|>assistant<|channel|>final<|message|>12<|return|>", "Add.", "12"),
    ])
    func displayKeepsReasoningOutOfTheAnswer(text: String, reasoning: String, answer: String) {
        let split = AnswerSplit(text)
        #expect(split.reasoning == reasoning)
        #expect(split.answer == answer)
    }

    @Test func unfinishedReasoningHasNoAnswer() {
        #expect(AnswerSplit("<think>The answer is 12").answer == nil)
        #expect(AnswerSplit("<think>The answer is 12").reasoning == "The answer is 12")
        #expect(AnswerMatch(type: .number).verdict(response: "<think>The answer is 12", reference: "12").outcome == .unreadable)
        #expect(AnswerMatch(type: .number).verdict(response: "12", reference: "<think>The answer is 12").outcome == .unreadable)
        #expect(AnswerMatch().verdict(response: "12", reference: "<think>maybe 13</think>The answer is 12.").isEqual)
    }

    @Test func tagsThatAreSpokenOfAreText() {
        #expect(VisibleText("Write `<think>` first. The answer is 12.").said == "Write `<think>` first. The answer is 12.")
        #expect(VisibleText("5 < 7 and 9 > 8").reasoning == "")
        #expect(VisibleText("An analysis: <analysis> is a tag.").said == "An analysis: <analysis> is a tag.")
    }

    @Test func wholeNumbersAreComparedToTheLastDigit() {
        #expect(!AnswerExtraction.matches("12345678901", reference: "12345678902", type: .number))
        #expect(!AnswerExtraction.matches("9007199254740993", reference: "9007199254740992", type: .number))
        #expect(AnswerExtraction.matches("0.3333333333333333", reference: "1/3", type: .number))
        #expect(AnswerExtraction.matches("300000000", reference: "3e8", type: .number))
        #expect(!AnswerExtraction.matches("3", reference: "1e400", type: .number))
    }

    @Test func hostileTypesettingIsReadInTime() {
        for part in [
            "<think>", "</think>", "<b>", "\\text{", "\\frac{", "~~a", "&lt;", "<|", "2^", "1,", "1 000 ", "A or ", "(A) ", "½",
            "\\boxed{", "|", "$",
        ] {
            let text = String(repeating: part, count: 4000)
            _ = AnswerExtraction.extract(text, type: .number)
            _ = AnswerExtraction.extract(text + "B", type: .choice)
            _ = AnswerSplit(text)
        }
        for text in [
            "2^99999", "99999^99999", "1e999999999", "1e-99999", "10^(-99999)", "\\frac{1}{0}", "0^-1",
            String(repeating: "9", count: 5000) + "^2",
        ] {
            _ = AnswerExtraction.extract(text, type: .number)
        }
    }
}
