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

    @Test func silenceStandsAroundTheSpeech() throws {
        var random = RandomStream(seed: 3)
        let padded = try Augmentation(silence: 0.5...0.5).applied(to: tone, &random)
        #expect(padded == Array(repeating: 0, count: 8000) + tone + Array(repeating: 0, count: 8000))
        let noisy = try Augmentation(noise: 20...20, silence: 1...1).applied(to: tone, &random)
        let ratio = 10 * log10(power(tone) / power(Array(noisy.prefix(16_000))))
        #expect(abs(ratio - 20) < 0.3, "noise is measured against the speech and lies over the silence, too")
    }

    @Test(arguments: [(440.0, 1.0), (3000, 1), (6000, 0)]) func aTelephoneLosesWhatIsAbove4kHz(frequency: Double, kept: Double) throws {
        var random = RandomStream(seed: 3)
        let high = (0..<16_000).map { Float(0.3 * sin(Double($0) * 2 * .pi * frequency / 16_000)) }
        let heard = try Augmentation(telephone: true).applied(to: high, &random)
        #expect(heard.count == high.count)
        let middle = power(Array(heard[4000..<12_000])) / power(Array(high[4000..<12_000]))
        #expect(abs(middle - kept) < 0.02, "\(middle)")
    }

    @Test func equalSeedsGiveEqualSamples() throws {
        var (first, second, third) = (RandomStream(seed: 4), RandomStream(seed: 4), RandomStream(seed: 5))
        let one = try Augmentation(noise: 15...40, speed: 0.92...1.08, gain: -6...3).applied(to: tone, &first)
        #expect(try Augmentation(noise: 15...40, speed: 0.92...1.08, gain: -6...3).applied(to: tone, &second) == one)
        #expect(try Augmentation(noise: 15...40, speed: 0.92...1.08, gain: -6...3).applied(to: tone, &third) != one)
    }

    /// A click's echo has lost 60 dB after the room's time, by a line through its level; and it begins with the click itself.
    @Test(arguments: [0.2, 0.5]) func aRoomsEchoFallsInItsTime(seconds: Double) throws {
        var random = RandomStream(seed: 3)
        let click = [0.5] + [Float](repeating: 0, count: 15_999)
        let echo = try Augmentation(room: seconds...seconds).applied(to: click, &random)
        #expect(echo[0] == 0.5)
        func level(_ from: Double) -> Double {
            10 * log10(power(Array(echo[Int(from * seconds * 16_000)..<Int((from + 0.25) * seconds * 16_000)])))
        }
        let fall = level(0.25) - level(0.75)
        #expect(abs(fall - 30) < 5, "\(fall) dB in half of the time")
    }

    @Test func samplesStayWithinFullScale() throws {
        var random = RandomStream(seed: 2)
        let loud = try Augmentation(noise: 0...0, gain: 20...20).applied(to: tone, &random)
        #expect(loud.allSatisfy { (-1...1).contains($0) })
    }
}
