import Questions
import Randomness
import TestSupport
import Testing

/// Splits "12 + 7 = 19. 19 - 5 = 14." into its equations and checks each of them.
private func equationsHold(_ solution: String) -> Bool {
    solution.split(separator: ". ").filter { $0.contains("=") }.allSatisfy { equation in
        let words = equation.split(separator: " ").map(String.init)
        guard words.count >= 5, let left = Int(words[0]), let right = Int(words[2]), let result = Int(words[4]) else {
            return false
        }
        switch words[1] {
        case "+": return left + right == result
        case "-": return left - right == result
        case "x": return left * right == result
        default: return false
        }
    }
}

@Suite(.ownThread) struct QuestionsTests {
    @Test func randomStreamIsTheSameEverywhere() {
        // The published first outputs of SplitMix64 for seed 1234567.
        var stream = RandomStream(seed: 1_234_567)
        #expect(
            (0..<3).map { _ in stream.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }

    /// Against Python's `math` on the same stream; C libraries may differ in the last bit.
    @Test func normalNumbersAreThoseOfBoxAndMuller() {
        var stream = RandomStream(seed: 1_234_567)
        for expected in [0.4284879007349292, 0.007685698515048663, -1.858684499989007, -0.21146630336856218] {
            #expect(abs(stream.normal() - expected) < 1e-15)
        }
    }

    @Test func boundedDrawsCoverTheirRangeEvenly() {
        var stream = RandomStream(seed: 7)
        var counts = [0, 0, 0, 0, 0]
        for _ in 0..<10_000 { counts[stream.integer(3...7) - 3] += 1 }
        #expect(counts.allSatisfy { (1850...2150).contains($0) })
    }

    @Test func equalSeedsGiveEqualQuestionsAndOthersDoNot() throws {
        let first = try QuestionGenerator.distinct(120, seed: 3, split: .test)
        #expect(try QuestionGenerator.distinct(120, seed: 3, split: .test) == first)
        #expect(try QuestionGenerator.distinct(120, seed: 4, split: .test) != first)
    }

    @Test func frozenQuestionsStayAsTheyWere() throws {
        let questions = try QuestionGenerator.distinct(6, seed: 1, split: .test)
        #expect(
            questions.map(\.text) == [
                "Tom has 7 boxes of 7 pens. He loses 6. How many pens are there now?",
                "Jack is older than Mary. Mary is older than Ben. Who is the youngest of them?",
                "It is Tuesday today. Which day was it 2 days ago?",
                "What is the largest of 93, 64, 28 and 36?",
                "How many legs does a duck have? A: 6, B: 2, C: 0.",
                "Anna has 80 pens. Emma has 88 pens. Does Anna have less than Emma?",
            ])
        #expect(questions[0].id == "arithmetic-d9ec063e384bc338")
    }

    @Test func familiesAreSpreadEvenlyAndTextsDiffer() throws {
        let questions = try QuestionGenerator.distinct(1200, seed: 5, split: .test)
        #expect(Set(questions.map(\.text)).count == 1200)
        #expect(Set(questions.map(\.id)).count == 1200)
        for family in QuestionFamily.plain {
            #expect(questions.count { $0.family == family } == 200)
        }
    }

    @Test func aFamilyDrawsTheSameQuestionsAloneAsAmongOthers() throws {
        let all = try QuestionGenerator.distinct(60, seed: 2, split: .training).filter { $0.family == .calendar }
        #expect(try QuestionGenerator.distinct(10, seed: 2, split: .training, families: [.calendar]) == all)
    }

    @Test func splitsShareNoTextAndHoldTheirShares() {
        var counts: [QuestionSplit: Int] = [:]
        for number in 0..<20_000 { counts[QuestionSplit(text: "question \(number)"), default: 0] += 1 }
        #expect((1800...2200).contains(counts[.test]!))
        #expect((1800...2200).contains(counts[.development]!))
        for split in QuestionSplit.allCases {
            var generator = QuestionGenerator(seed: 9, split: split)
            for _ in 0..<200 { #expect(generator.next()?.split == split) }
        }
    }

    @Test func knownTextsAreLeftOut() throws {
        let known = Set(try QuestionGenerator.distinct(60, seed: 1, split: .test).map(\.text))
        let others = try QuestionGenerator.distinct(60, seed: 1, split: .test, excluding: known)
        #expect(known.isDisjoint(with: others.map(\.text)))
    }

    @Test func anExhaustedFamilyIsAnErrorThatNamesIt() {
        #expect(throws: QuestionShortage.self) {
            try QuestionGenerator.distinct(5000, seed: 1, split: .test, families: [.calendar])
        }
    }

    @Test func aFamilyThatRunsOutLeavesItsTurnsToTheOthers() throws {
        let questions = try QuestionGenerator.distinct(2400, seed: 1, split: .test, families: [.calendar, .arithmetic])
        #expect(Set(questions.map(\.text)).count == 2400)
        let calendar = questions.filter { $0.family == .calendar }.count
        #expect((200..<1200).contains(calendar))
    }

    @Test func everySolutionEndsInItsAnswerAndCountsRight() throws {
        for question in try QuestionGenerator.distinct(1200, seed: 11, split: .training) {
            #expect(question.solution.hasSuffix(" The answer is \(question.answer)."))
            #expect(equationsHold(question.solution), "\(question.solution)")
            #expect(question.text.last.map { ".?".contains($0) } == true)
            switch question.task {
            case .number:
                let value = try #require(Int(question.answer))
                #expect((0...100).contains(value), "\(question.text)")
            case .letter:
                let place = try #require(["A", "B", "C", "D"].firstIndex(of: question.answer))
                let choices = try #require(question.choices)
                #expect(Set(choices).count == choices.count)
                #expect(question.solution.contains("\(question.answer): \(choices[place])."))
            case .yesNo: #expect(["yes", "no"].contains(question.answer))
            case .day, .month, .phrase: #expect(question.answer.first?.isUppercase == true)
            case .refusal: Issue.record("a plain question has an answer: \(question.text)")
            }
        }
    }

    @Test func calendarAnswersAgreeWithModularArithmetic() throws {
        let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        let questions = try QuestionGenerator.distinct(200, seed: 4, split: .test, families: [.calendar]).filter { $0.task == .day }
        #expect(questions.contains { $0.text.contains(" 7 days") })
        for question in questions {
            let words = question.text.split { " .?".contains($0) }.map(String.init)
            let start = try #require(days.firstIndex { words.contains($0) })
            let steps = try #require(words.compactMap { Int($0) }.first)
            let place = question.text.contains("ago") ? start - steps + 70 : start + steps
            #expect(question.answer == days[place % 7], "\(question.text)")
            // A step of a week or more is first reduced, then counted day by day.
            let counted = steps >= 7 ? "\(steps) - 7 = \(steps - 7). \(days[start])" : days[start]
            #expect(question.solution.hasPrefix(counted), "\(question.solution)")
        }
    }

    @Test func comparisonsHaveBothAnswersAboutEqually() throws {
        let questions = try QuestionGenerator.distinct(600, seed: 6, split: .training, families: [.comparisons])
        #expect((240...360).contains(questions.count { $0.answer == "yes" }))
    }
}
