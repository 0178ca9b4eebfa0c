import TestSupport
import Testing

@Suite struct ComparisonTests {
    @Test func differencesAreTheLargest() {
        #expect(largestDifference([1, 2, 3], [1, 2.5, 2.75]) == 0.5)
        #expect(largestRelativeDifference([1, 2, 3] as [Float], [1, 2.5, 4]) == 0.25)
        #expect(relativeDifference(0.5, 0.25) == 0.25 && relativeDifference(-15, -10.0) == 0.5)
    }

    /// Wherever it stands: the first and the last of a list are what `max` treats otherwise.
    @Test(arguments: [Double.nan, .infinity, -.infinity], 0..<3)
    func whatIsNotFiniteEqualsNothing(value: Double, place: Int) {
        var spoilt = [1.0, 2, 3]
        spoilt[place] = value
        #expect(largestDifference(spoilt, [1, 2, 3]) == .infinity)
        #expect(largestDifference([1, 2, 3], spoilt) == .infinity)
        #expect(largestDifference(spoilt, spoilt) == .infinity)
        #expect(!(largestRelativeDifference(spoilt, [1, 2, 3]) < 1e300))
        #expect(!(largestRelativeDifference([1, 2, 3], spoilt) < 1e300))
        #expect(!(relativeDifference(value, 1) < 1e300) && !(relativeDifference(1, value) < 1e300))
    }

    @Test func whatIsMissingIsNoAgreement() {
        #expect(largestDifference([1.0, 2], [1, 2, 3]) == .infinity)
        #expect(largestDifference([1.0, 2, 3], [1, 2]) == .infinity)
        #expect(largestDifference([Double](), []) == .infinity)
    }
}

@Suite struct ReferenceCasesTests {
    /// The fixtures state the first samples, in 32768ths.
    @Test func formulaGivesTheSamplesOfTheGenerator() throws {
        let clip = try #require(try ReferenceCases("published").clips["ragged"])
        let samples = try #require(clip.synthetic)
        #expect(samples.count == 1763 && samples.prefix(4).map { $0 * 32_768 } == [-1, -798, -420, 788])
    }
}

@Suite struct SplitMixTests {
    /// The sequence of Vigna's reference implementation.
    @Test func sequenceIsThePublishedOne() {
        var random = SplitMix(seed: 1_234_567)
        #expect((0..<3).map { _ in random.next() } == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
    }

    @Test func spoiltBytesAreNeverEmptyAndMostlyOthers() {
        var random = SplitMix(seed: 1)
        let spoilt = (0..<500).map { _ in random.spoiling([1, 2], with: ["ab"]) }
        #expect(spoilt.allSatisfy { !$0.isEmpty } && spoilt.count { $0 != [1, 2] } > 400)
        let replaced = (0..<500).map { _ in random.replacing(1...8, in: [UInt8](repeating: 0, count: 64), head: 8) }
        #expect(replaced.allSatisfy { $0.count == 64 && $0.count { $0 != 0 } <= 8 })
    }
}
