import Audio
import Foundation
import Questions
import Randomness
import Speech
import Testing

@Suite struct AugmentationTests {
    private let tone = (0..<16_000).map { 0.3 * sin(Float($0) * 2 * .pi * 440 / 16_000) }

    private func power(_ samples: [Float]) -> Double {
        samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(samples.count)
    }

    @Test(arguments: [10.0, 20, 40]) func noiseHasTheAskedRatio(decibels: Double) throws {
        var random = RandomStream(seed: 1)
        let noisy = try Augmentation(noise: decibels...decibels).applied(to: tone, &random)
        let noise = zip(noisy, tone).map { $0 - $1 }
        let ratio = 10 * log10(power(tone) / power(noise))
        #expect(abs(ratio - decibels) < 0.3)
    }

    @Test func gainScalesByDecibels() throws {
        var random = RandomStream(seed: 1)
        let quiet = try Augmentation(gain: -6...(-6)).applied(to: tone, &random)
        #expect(abs(10 * log10(power(quiet) / power(tone)) + 6) < 1e-3)
    }

    @Test func speedShortensAndRaises() throws {
        var random = RandomStream(seed: 1)
        let fast = try Augmentation(speed: 1.25...1.25).applied(to: tone, &random)
        #expect(fast.count == 12_800)
        let crossings = zip(fast, fast.dropFirst()).count { $0 < 0 && $1 >= 0 }
        #expect(abs(crossings - 440) <= 2)
    }

    @Test func equalSeedsGiveEqualSamples() throws {
        var (first, second, third) = (RandomStream(seed: 4), RandomStream(seed: 4), RandomStream(seed: 5))
        let one = try Augmentation.training.applied(to: tone, &first)
        #expect(try Augmentation.training.applied(to: tone, &second) == one)
        #expect(try Augmentation.training.applied(to: tone, &third) != one)
    }

    @Test func samplesStayWithinFullScale() throws {
        var random = RandomStream(seed: 2)
        let loud = try Augmentation(noise: 0...0, gain: 20...20).applied(to: tone, &random)
        #expect(loud.allSatisfy { (-1...1).contains($0) })
    }
}
