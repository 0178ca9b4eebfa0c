import Judging
import TestSupport
import Testing

private struct Case: Sendable, CustomTestStringConvertible {
    let kind: TaskType?
    let response: String
    let reference: String
    let outcome: Verdict.Outcome
    var choices: [String] = []

    var testDescription: String { "\(response) | \(reference)" }
}

private func equal(_ kind: TaskType?, _ response: String, _ reference: String, _ choices: [String] = []) -> Case {
    Case(kind: kind, response: response, reference: reference, outcome: .equal, choices: choices)
}
private func different(_ kind: TaskType?, _ response: String, _ reference: String, _ choices: [String] = []) -> Case {
    Case(kind: kind, response: response, reference: reference, outcome: .different, choices: choices)
}
private func unreadable(_ kind: TaskType?, _ response: String, _ reference: String) -> Case {
    Case(kind: kind, response: response, reference: reference, outcome: .unreadable)
}

@Suite(.ownThread) struct AnswerMatchTests {
    private func check(_ test: Case) {
        let verdict = AnswerMatch(type: test.kind, choices: test.choices).verdict(
            response: test.response, reference: test.reference)
        #expect(verdict.outcome == test.outcome, "\(verdict.reason)")
        #expect(verdict.reward == (test.outcome == .equal ? 1 : 0))
    }

    @Test(arguments: [
        equal(.number, "12 + 7 = 19. 19 - 5 = 14. The answer is 14.", "14"),
        equal(.number, "The answer is fourteen.", "14"),
        equal(.number, "The answer is 14 apples.", "14"),
        equal(.number, "The answer is 9 + 5 = 14.", "14"),
        equal(.number, "Twelve plus two makes fourteen", "14"),
        equal(.number, "First 20, then 14.", "14"),
        equal(.number, "The answer is 12. Wait: the answer is 14.", "14"),
        equal(.number, "So we get \\boxed{14}.", "14"),
        equal(.number, "Let me think.\n#### 14", "14"),
        equal(.number, "**Answer:** 14", "14"),
        equal(.number, "The answer is 1,200.", "1200"),
        equal(.number, "The answer is one thousand two hundred and five.", "1205"),
        equal(.number, "The answer is twenty-one.", "21"),
        equal(.number, "The answer is 3.50.", "3.5"),
        equal(.number, "The answer is $14.00", "14"),
        equal(.number, "The answer is -5.", "minus five"),
        equal(.number, "The answer is 3/4.", "0.75"),
        equal(.number, "The answer is the one with 14.", "14"),
        equal(.number, "14", "12 + 2 = 14. The answer is 14."),
        different(.number, "The answer is 15.", "14"),
        different(.number, "The answer is 140.", "14"),
        different(.number, "14 is tempting. The answer is 15.", "14"),
        different(.number, "The answer is -14.", "14"),
        unreadable(.number, "I do not know.", "14"),
        unreadable(.number, "", "14"),
        unreadable(.number, "The answer is 14.", "none"),
    ])
    private func numbersMatchByValue(_ test: Case) { check(test) }

    @Test(arguments: [
        equal(.choice, "The capital of Italy is Rome. A: Cairo, B: Rome. The answer is B.", "B"),
        equal(.choice, "The answer is (b)", "B"),
        equal(.choice, "The answer is B: Rome.", "B"),
        equal(.choice, "The answer is B. Rome", "B"),
        equal(.choice, "b", "B"),
        equal(.choice, "I choose option B because it is a city", "B"),
        equal(.choice, "The answer is Rome.", "B", ["Cairo", "Rome", "Oslo"]),
        different(.choice, "The answer is C.", "B"),
        different(.choice, "The answer is Oslo.", "B", ["Cairo", "Rome", "Oslo"]),
        unreadable(.choice, "A dog has four legs", "B"),
        unreadable(.choice, "It could be Cairo or Rome", "B"),
    ])
    private func lettersMatchByOption(_ test: Case) { check(test) }

    @Test(arguments: [
        equal(.day, "Friday, 1 Saturday, 2 Sunday. The answer is Sunday.", "Sunday"),
        equal(.day, "It is Sun.", "Sunday"),
        equal(.day, "sunday", "SUNDAY"),
        different(.day, "The answer is Saturday.", "Sunday"),
        unreadable(.day, "the sun sat low", "Sunday"),
        equal(.month, "It may be late. The answer is May.", "May"),
        equal(.month, "The answer is Sept.", "September"),
        different(.month, "The answer is June.", "July"),
        unreadable(.month, "it may march on", "May"),
    ])
    private func daysAndMonthsMatchByName(_ test: Case) { check(test) }

    /// Beyond any question, but a client's rollout or a question set may hold them.
    @Test func valuesBeyondAllBoundsAreRead() {
        let dozens = "The answer is one" + String(repeating: " dozen", count: 400) + " point five."
        check(different(.number, dozens, "12"))
        check(different(.number, "The answer is \(String(repeating: "9", count: 400)).", "12"))
        check(
            different(
                .number,
                "The answer is one dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen dozen point five.",
                "12"))
        let choices = (0..<200).map { "value\($0)" }
        check(equal(.choice, "The answer is value195.", "value195", choices))
        check(different(.choice, "The answer is value195.", "value196", choices))
    }

    @Test(arguments: [
        equal(.yesNo, "13 < 41. The answer is no.", "no"),
        equal(.yesNo, "No, 13 is less than 41. That is true.", "no"),
        equal(.yesNo, "The answer is not correct", "no"),
        equal(.yesNo, "I think so, yes", "yes"),
        equal(.yesNo, "True.", "yes"),
        different(.yesNo, "The answer is yes.", "no"),
        unreadable(.yesNo, "13 < 41.", "no"),
    ])
    private func yesAndNoMatch(_ test: Case) { check(test) }

    @Test(arguments: [
        equal(.phrase, "Tom, Sam, Ben. The answer is Ben.", "Ben"),
        equal(.phrase, "Ben is the shortest.", "Ben"),
        equal(.phrase, "The answer is the Eiffel tower!", "eiffel tower"),
        equal(.phrase, "The answer is São Paulo.", "Sao Paulo"),
        equal(.phrase, "The answer is two cats.", "2 cats"),
        different(.phrase, "The answer is Tom.", "Ben"),
        different(.phrase, "The answer is not Ben.", "Ben"),
        different(.phrase, "Ben or Tom", "Ben"),
        different(.phrase, "The answer is Benjamin.", "Ben"),
        equal(.list, "The answer is 3, 5 and 8.", "3, 5, 8"),
        equal(.list, "Tom, Sam, Ben", "tom, sam and ben"),
        different(.list, "The answer is 3, 8, 5.", "3, 5, 8"),
        different(.list, "The answer is 3, 5.", "3, 5, 8"),
    ])
    private func phrasesAndListsMatchInNormalForm(_ test: Case) { check(test) }

    @Test(arguments: [
        ("14", TaskType.number), ("twenty-one", .number), ("-3.5", .number), ("B", .choice), ("(C)", .choice),
        ("yes", .yesNo), ("No.", .yesNo), ("Sunday", .day), ("May", .month), ("3, 5, 8", .list), ("Ben", .phrase),
        ("14 apples", .phrase), ("the tall man", .phrase), ("\\frac{3}{4}", .number), ("3e8", .number), ("10 000", .number), ("\\text{(B)}", .choice),
    ])
    func kindIsReadFromTheReference(answer: String, kind: TaskType) {
        #expect(TaskType(of: answer) == kind)
    }

    @Test func kindMayBeLeftToTheReference() {
        let match = AnswerMatch()
        #expect(match.verdict(response: "The answer is seven.", reference: "3 + 4 = 7. The answer is 7.").isEqual)
        #expect(match.verdict(response: "The answer is Tuesday.", reference: "Tue").isEqual)
        #expect(!match.verdict(response: "The answer is A.", reference: "B").isEqual)
    }

    @Test func reasonsNameBothAnswers() {
        let verdict = AnswerMatch(type: .number).verdict(response: "The answer is 12.", reference: "14")
        #expect(verdict.reason == "number: '12' is not '14'")
        #expect(verdict.answer == "12")
    }

    @Test func hostileResponsesAreJudgedInBoundedTime() {
        let long = String(repeating: "the answer is ", count: 20_000) + "\\boxed{" + String(repeating: "{", count: 1000)
        #expect(AnswerMatch(type: .number).verdict(response: long, reference: "14").outcome == .unreadable)
    }
}
