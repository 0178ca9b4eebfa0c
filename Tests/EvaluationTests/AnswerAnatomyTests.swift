import Evaluation
import Testing

@Suite struct AnswerAnatomyTests {
    /// By hand: numpy.percentile([1, 3, 3, 0.5], 80) = 3; numpy.corrcoef(range(4), [1, 3, 3, 0.5])[0, 1] = −0.1473.
    @Test func anAnswersNumbersAreTheFieldsOwn() throws {
        let anatomy = AnswerAnatomy([1, 3, 3, 0.5], weights: [4, 2, 1, 1])
        #expect(anatomy.ranks == [3, 1, 2, 4])
        #expect(anatomy.mean == 1.875 && anatomy.p80 == 3 && anatomy.weightedSum == 13.5)
        #expect(abs(try #require(anatomy.positionCorrelation) - -0.147_264) < 1e-6)
        #expect(AnswerAnatomy([2], weights: [1]).positionCorrelation == nil)
    }
}
