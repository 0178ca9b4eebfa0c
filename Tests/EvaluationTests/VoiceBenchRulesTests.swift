import Evaluation
import Randomness
import Testing

/// Each case was decided by VoiceBench's rules as documented at ``VoiceBenchRules``.
@Suite struct VoiceBenchRulesTests {
    static let letters: [(String, String)] = [
        ("The answer is B.", "B"), ("B. Paris", "B"), ("c", "C"), ("The correct answer is **D**", "D"), ("I would choose option C", "C"),
        ("<1> b) Paris", "B"), ("答案是C", "C"), ("It's (A)", "A"),
        // Kept faults: a substring that is no choice, and the first of the options repeated.
        ("The answer is between them", "B"), ("Options: A. x, B. y, C. z", "A"),
    ]

    @Test(arguments: VoiceBenchRulesTests.letters)
    func rulesFindTheLetter(_ response: String, _ expected: String) {
        #expect(VoiceBenchRules.search(response) == expected)
    }

    @Test func whatNoRuleFindsIsDrawnFromTheGenerator() {
        var generator = RandomStream(seed: 1)
        let draws = (0..<400).map { _ in VoiceBenchRules.read("Paris", using: &generator) }
        #expect(draws.allSatisfy { if case .random = $0 { true } else { false } })
        for letter in ["A", "B", "C", "D"] { #expect((60...140).contains(draws.count { $0.letter == letter })) }
        var again = RandomStream(seed: 1)
        #expect(VoiceBenchRules.read("Paris", using: &again) == draws[0])
        #expect(VoiceBenchRules.read("The answer is B.", using: &again) == .found("B"))
    }
}
