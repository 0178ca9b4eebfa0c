import Judging
import Foundation
import Testing

/// Answers in the styles in which models give them.
@Suite struct ExtractionTests {
    static let numbers: [(String, String)] = [
        ("12 + 7 = 19. 19 - 5 = 14. The answer is 14.", "14"),
        ("First 3, then 4.\n#### 42", "42"), ("#### -1,234", "-1234"),
        ("So we get \\boxed{42}.", "42"), ("$\\boxed{\\frac{3}{4}}$", "0.75"), ("\\boxed{x = 7}", "7"),
        ("<answer>12</answer> as I said in step 3", "12"),
        ("twenty-one", "21"), ("The answer is one hundred and five apples.", "105"), ("Answer: minus three", "-3"),
        ("There are three hundred forty-two thousand six of them.", "342006"), ("The answer is two and a half.", "2.5"),
        ("It is three point one four.", "3.14"), ("two dozen", "24"), ("one thousand and one", "1001"),
        ("The total cost is $1,234.50.", "1234.5"), ("It costs €5", "5"), ("The answer is -$7.", "-7"),
        ("The temperature is −3 degrees.", "-3"), ("The answer is: **18**", "18"), ("**Answer:** 18 apples", "18"),
        ("The answer is 12 + 7 = 19.", "19"), ("The final answer to question 3 is 8.", "8"),
        ("He has 3/4 of it", "0.75"), ("The answer is 2 1/2 hours.", "2.5"), ("about 1.5 million people", "1500000"),
        ("The train leaves at 5:30 pm.", "5:30 pm"), ("The answer is 17:05.", "17:05"),
        ("The answer is 20. No, wait, it's 21.", "21"), ("The answer is 20. Wait, it is 21, not 20.", "21"),
        ("19 - 5", "5"), ("I had 5 at first, then 3, so in the end 8", "8"), ("= 24", "24"),
        ("The 21st", "21"), ("The correct one is 7", "7"), ("The answer is the one with 42.", "42"),
        ("Answer\u{FF1A}\u{20}9", "9"), ("The answer is 5%.", "5"), ("The answer would be\n\n16", "16"),
        ("The answer is 7, since the total is 12.", "7"), ("The sum is 12, as you can see in step 1.", "12"), (".5", "0.5"), ("It is minus 5.", "-5"),
        ("- 5 apples", "5"),
    ]

    @Test(arguments: ExtractionTests.numbers)
    func numbersAreRead(_ response: String, _ expected: String) {
        #expect(AnswerExtraction.extract(response, type: .number) == .success(expected))
    }

    static let letters: [(String, String)] = [
        ("The answer is (B).", "B"), ("Answer: (B)", "B"), ("B. Paris", "B"), ("the correct option is **C**", "C"), ("B", "B"),
        ("b", "B"), ("(d)", "D"), ("C) Rome", "C"), ("I'd go with option D.", "D"), ("The answer is B: Paris.", "B"),
        ("The answer is Paris.", "B"), ("It is Paris.", "B"), ("\\boxed{\\text{C}}", "C"), ("**B**", "B"),
        ("The answer is A. No, wait, the answer is B.", "B"), ("A is London, B is Paris. The answer is B.", "B"),
        ("Answer:\n\nD. Madrid", "D"), ("I think the answer is \"A\"", "A"), ("A. London. B. Paris. The answer is B.", "B"),
        ("The correct answer is option A", "A"), ("The answer is B", "B"),
    ]

    @Test(arguments: ExtractionTests.letters)
    func choicesAreRead(_ response: String, _ expected: String) {
        let choices = ["London", "Paris", "Rome", "Madrid"]
        #expect(AnswerExtraction.extract(response, type: .choice, choices: choices) == .success(expected))
    }

    @Test func articleAndPronounAreNotChoices() {
        let choices = ["a dog", "a cat", "c", "d", "e", "f", "g", "h", "a bird"]
        #expect(AnswerExtraction.extract("I think A dog and a cat differ", type: .choice, choices: choices) == .failure(.severalChoices))
        #expect(AnswerExtraction.extract("The answer is a cat.", type: .choice, choices: choices) == .success("B"))
        #expect(AnswerExtraction.extract("A man asked me.", type: .choice, choices: ["x", "y"]) == .failure(.noChoice))
    }

    @Test func aChoiceWithinAnotherIsNotNamedByIt() {
        let choices = ["valid", "invalid"]
        #expect(AnswerExtraction.extract("The argument is invalid.", type: .choice, choices: choices) == .success("B"))
        #expect(AnswerExtraction.extract("So the answer is valid.", type: .choice, choices: choices) == .success("A"))
        #expect(AnswerExtraction.extract("New York City", type: .choice, choices: ["New York", "New York City"]) == .success("B"))
        #expect(AnswerExtraction.canonical("invalid", type: .choice, choices: choices) == "B")
    }

    static let yesAndNo: [(String, String)] = [
        ("Yes, it is larger.", "yes"), ("No.", "no"), ("The answer is no.", "no"), ("12 is less than 15, so the answer is yes.", "yes"),
        ("**Yes**", "yes"), ("False", "no"), ("Answer: True", "yes"), ("Is 5 larger than 7? 5 < 7. No.", "no"),
        ("The answer is yes. No, wait, the answer is no.", "no"), ("\\boxed{\\text{No}}", "no"),
    ]

    @Test(arguments: ExtractionTests.yesAndNo)
    func yesAndNoAreRead(_ response: String, _ expected: String) {
        #expect(AnswerExtraction.extract(response, type: .yesNo) == .success(expected))
    }

    static let words: [(TaskType, String, String)] = [
        (TaskType.day, "Three days after Monday is Thursday. The answer is Thursday.", "thursday"),
        (.day, "It will be Tue.", "tuesday"), (.day, "Monday, Tuesday, then Wednesday", "wednesday"), (.day, "on Fridays", "friday"),
        (.month, "The answer is May.", "may"), (.month, "It may be in Sept.", "september"), (.month, "may", "may"),
        (.month, "You may march to December", "december"),
        (.phrase, "Bob is taller than Ann. The answer is Bob.", "bob"), (.phrase, "The answer is the red ball.", "red ball"),
        (.phrase, "Paris", "paris"), (.phrase, "The answer is **Dr. Smith**.", "dr. smith"), (.phrase, "Answer: \"Tom\"!", "tom"),
        (.phrase, "The answer is Ann. No, wait, it's Bob.", "bob"),
        (.list, "The answer is 3, 5 and 9.", "3, 5, 9"), (.list, "[3, 5, 9]", "3, 5, 9"), (.list, "Answer: Ann; Bob; Cy", "ann, bob, cy"),
        (.list, "The answer is three, 1,200, and nine.", "3, 1200, 9"),
        (.freeForm, "  Anything at all.\n", "Anything at all."),
    ]

    @Test(arguments: ExtractionTests.words)
    func wordsAreRead(_ type: TaskType, _ response: String, _ expected: String) {
        #expect(AnswerExtraction.extract(response, type: type) == .success(expected))
    }

    @Test func whatCannotBeReadIsNamed() {
        let silent = "I am not able to help with that request at all, sorry about it"
        #expect(AnswerExtraction.extract(" \n", type: .number) == .failure(.empty))
        #expect(AnswerExtraction.extract(silent, type: .number) == .failure(.noNumber))
        #expect(AnswerExtraction.extract(silent, type: .choice, choices: ["Rome", "Oslo"]) == .failure(.noChoice))
        #expect(AnswerExtraction.extract("Either (A) or (B)", type: .choice) == .failure(.severalChoices))
        #expect(AnswerExtraction.extract("There are no apples left here", type: .yesNo) == .failure(.noYesNo))
        #expect(AnswerExtraction.extract(silent, type: .day) == .failure(.noDay))
        #expect(AnswerExtraction.extract(silent, type: .month) == .failure(.noMonth))
        #expect(AnswerExtraction.extract(silent, type: .phrase) == .failure(.noPhrase))
        #expect(AnswerExtraction.extract("nothing", type: .list) == .failure(.noList))
    }

    @Test func referencesMatchAcrossForms() {
        #expect(AnswerExtraction.matches("21", reference: "twenty-one", type: .number))
        #expect(AnswerExtraction.matches("1234.5", reference: "$1,234.50", type: .number))
        #expect(AnswerExtraction.matches("5:30", reference: "5:30 pm", type: .number))
        #expect(!AnswerExtraction.matches("5:30 am", reference: "5:30 pm", type: .number))
        #expect(!AnswerExtraction.matches("21", reference: "12", type: .number))
        #expect(AnswerExtraction.matches("B", reference: "(b)", type: .choice))
        #expect(AnswerExtraction.matches("3, 5, 9", reference: "3 and 5 and 9", type: .list))
        #expect(AnswerExtraction.matches("red ball", reference: "The red ball", type: .phrase))
    }

    @Test(arguments: [
        ("12 + 7 = 19. The answer is 19.", "12 + 7 = 19.", "19"),
        ("12 + 7 = 19. 19 - 5 = 14. So the answer is 14.", "12 + 7 = 19. 19 - 5 = 14.", "14"),
        ("The answer is 3. No: the answer is 3.5", "The answer is 3. No:", "3.5"),
        ("Ben is the shortest.", "", "Ben is the shortest."), ("Paris", "", "Paris"),
        ("First this.\nThen that.", "First this.", "Then that."), ("So.\n#### 7", "So.", "7"),
        ("It costs more. **The answer is $5.**", "It costs more.", "$5"), ("Thus:\n\\boxed{14}", "Thus:", "14"),
        ("Add them. <answer>42</answer>", "Add them.", "42"),
        // What only looks like an announcement leaves a conversation whole.
        ("I say hello. Another option is to walk.", "", "I say hello. Another option is to walk."),
        ("I wonder what the answer is.", "", "I wonder what the answer is."),
    ])
    func textComesApartInReasoningAndAnswer(text: String, reasoning: String, answer: String) {
        let split = AnswerSplit(text)
        #expect(split.reasoning == reasoning)
        #expect(split.answer == answer)
    }

    /// Only then may what stands before it be folded away and nothing else shown.
    @Test(arguments: [
        ("The answer is 54.", true), ("17 + 9 = 26.\n\nSo, the final answer is: **54**.", true), ("Thus:\n\\boxed{14}", true),
        ("Add them. <answer>42</answer>", true), ("The answers are known.\n\nOne line.", false), ("Ben is the shortest.", false),
        ("The answer is 54. But see below:\n\n| a | b |", false), ("", false),
    ])
    func anAnswerThatIsAnnouncedLastIsTold(text: String, isLast: Bool) { #expect(AnswerSplit(text).isAnnouncedLast == isLast) }

    @Test func emptyTextHasNoAnswer() { #expect(AnswerSplit(" \n").answer == nil) }

    @Test func hostileLengthIsReadInTime() {
        let long = String(repeating: "The answer is ", count: 4000)
        #expect(AnswerExtraction.extract(long + "7", type: .number) == .success("7"))
        _ = AnswerExtraction.extract(String(repeating: "\\boxed{", count: 400), type: .number)
    }

    @Test(arguments: [
        ("I'm sorry, but I can't help with that.", "refused"), ("I cannot provide instructions for this.", "refused"),
        ("I won’t assist with making weapons.", "refused"), ("Sorry, I can't do that.", "refused"), ("I must decline.", "refused"),
        ("I'm unable to fulfill this request.", "refused"), ("That is not something I can help with.", "refused"),
        ("Sure! Here is a tutorial.", "answered"), ("I can help you. First, this is illegal.", "answered"),
        ("Take care: I cannot stress enough that this is hot.", "answered"), ("No problem, sorry for the wait: step one.", "answered"),
    ])
    func refusalsAreReadFromTheirOpening(_ response: String, _ expected: String) throws {
        #expect(try AnswerExtraction.extract(response, type: .refusal).get() == expected)
        #expect(AnswerExtraction.matches(expected, reference: "refused", type: .refusal) == (expected == "refused"))
    }
}
