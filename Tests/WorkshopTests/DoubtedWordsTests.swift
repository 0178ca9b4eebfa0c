import Testing

import Workshop

struct DoubtedWordsTests {
    @Test func fasterIsShorterAndHigher() {
        let samples = (0..<1040).map { Float($0) }
        let faster = DoubtedWords.faster(samples, by: 1.04)
        #expect(faster.count == 1000 && faster[0] == 0 && abs(faster[500] - 520) < 0.01 && faster.allSatisfy { $0 <= 1039 })
        #expect(DoubtedWords.faster([], by: 1.1).isEmpty)
    }

    @Test func lessThanAThirdOfTheWordsMayDiffer() {
        #expect(!DoubtedWords.differ("Anna has a red ball", "Anna has a red hat"))
        #expect(DoubtedWords.differ("Anna has a red ball", "Ben has a blue ball"))
        #expect(!DoubtedWords.differ("How many legs do 3 goats have?", "how many legs do 4 goats have"))
        #expect(DoubtedWords.differ("It is Friday today.", "Emma is older than Anna."))
        #expect(DoubtedWords.differ("one", "") && DoubtedWords.differ("one two three four", "one") && !DoubtedWords.differ("", ""))
    }
}
