import Audio
import Foundation
package import Randomness

/// What happens to clean speech on its way to a microphone: speed, a room, loudness, silence around it, white noise, a telephone's
/// band, in this order.
///
///     y = g · room(x(s·t)) + n,   10 log₁₀(mean (g·x)² / mean n²) = SNR
package struct Augmentation: Sendable, Codable, Equatable {
    /// Signal-to-noise ratio in dB; nil adds no noise.
    package let noise: ClosedRange<Double>?
    /// Factor of speed; pitch moves along.
    package let speed: ClosedRange<Double>
    /// Change of loudness in dB.
    package let gain: ClosedRange<Double>
    /// Seconds of silence, drawn once before the speech and once behind it.
    package let silence: ClosedRange<Double>
    /// Whether frequencies above 4 kHz are removed, as by a telephone.
    package let telephone: Bool
    /// Seconds in which a room's echo falls by 60 dB; nil is the open air.
    package let room: ClosedRange<Double>?

    package init(
        noise: ClosedRange<Double>? = nil, speed: ClosedRange<Double> = 1...1, gain: ClosedRange<Double> = 0...0,
        silence: ClosedRange<Double> = 0...0, telephone: Bool = false, room: ClosedRange<Double>? = nil
    ) {
        precondition(speed.lowerBound >= 0.25 && speed.upperBound <= 4, "speed \(speed) is outside 0.25...4")
        precondition(silence.lowerBound >= 0 && silence.upperBound <= 60, "silence \(silence) is outside 0...60 s")
        self.noise = noise
        self.speed = speed
        self.gain = gain
        self.silence = silence
        self.telephone = telephone
        self.room = room
    }

    package static let none = Augmentation()

    /// The augmentation for the embedded model's training: a third of the clips from nearby, the others from anywhere.
    package static func training(_ random: inout RandomStream) -> Augmentation {
        if random.integer(0...2) == 0 { return Augmentation(noise: 15...40, gain: -6...3) }
        return Augmentation(
            noise: 8...40, speed: 0.85...1.18, gain: -26...3, silence: 0...random.pick([0.3, 1, 2]), telephone: random.integer(0...5) == 0,
            room: random.integer(0...3) == 0 ? 0.15...0.6 : nil)
    }

    /// Draws the factors, then the noise, from `random`. Samples stay within ±1.
    package func applied(to samples: [Float], _ random: inout RandomStream) throws -> [Float] {
        let speed = Self.draw(self.speed, &random)
        let gain = Self.draw(self.gain, &random)
        let ratio = noise.map { Self.draw($0, &random) }
        var result = samples
        // Read as if recorded at another rate, to within 1 Hz.
        if speed != 1 { result = try Self.resampled(samples, from: Int((Double(AudioClip.sampleRate) * speed).rounded())) }
        if let room { Reverberation(seconds: Self.draw(room, &random), &random).apply(to: &result) }
        let factor = Float(pow(10, gain / 20))
        if factor != 1 { for index in result.indices { result[index] *= factor } }
        let power = result.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(result.count, 1))
        if silence.upperBound > 0 {
            let lengths = (0..<2).map { _ in Int(Self.draw(silence, &random) * Double(AudioClip.sampleRate)) }
            result = Array(repeating: 0, count: lengths[0]) + result + Array(repeating: 0, count: lengths[1])
        }
        if let ratio {
            let deviation = (power / pow(10, ratio / 10)).squareRoot()
            for index in result.indices { result[index] += Float(deviation * random.normal()) }
        }
        if telephone { result = try Self.withoutUpperBand(result) }
        return result.map { min(1, max(-1, $0)) }
    }

    /// Samples that were taken at `rate`, at ``AudioClip/sampleRate``.
    private static func resampled(_ samples: [Float], from rate: Int) throws -> [Float] {
        let bytes = WAVWriter.bytes(samples, sampleRate: rate, encoding: .float32)
        return try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 3600)).samples
    }

    /// Half of the samples, as a telephone takes 8,000 a second, and as many as before again.
    private static func withoutUpperBand(_ samples: [Float]) throws -> [Float] {
        let halved = try resampled(samples, from: 2 * AudioClip.sampleRate)
        let result = try resampled(halved, from: AudioClip.sampleRate / 2)
        return Array((result + Array(repeating: 0, count: max(0, samples.count - result.count))).prefix(samples.count))
    }

    private static func draw(_ range: ClosedRange<Double>, _ random: inout RandomStream) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * random.unit()
    }
}
