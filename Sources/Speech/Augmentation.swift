import Audio
import Foundation
package import Randomness

/// What happens to clean speech on its way to a microphone: speed, loudness, white noise, in this order.
///
///     y = g · x(s·t) + n,   10 log₁₀(mean (g·x)² / mean n²) = SNR
package struct Augmentation: Sendable, Codable, Equatable {
    /// Signal-to-noise ratio in dB; nil adds no noise.
    package let noise: ClosedRange<Double>?
    /// Factor of speed; pitch moves along.
    package let speed: ClosedRange<Double>
    /// Change of loudness in dB.
    package let gain: ClosedRange<Double>

    package init(
        noise: ClosedRange<Double>? = nil, speed: ClosedRange<Double> = 1...1, gain: ClosedRange<Double> = 0...0
    ) {
        precondition(speed.lowerBound >= 0.25 && speed.upperBound <= 4, "speed \(speed) is outside 0.25...4")
        self.noise = noise
        self.speed = speed
        self.gain = gain
    }

    package static let none = Augmentation()
    /// What the embedded model is trained with.
    package static let training = Augmentation(noise: 15...40, speed: 0.92...1.08, gain: -6...3)

    /// Draws the factors, then the noise, from `random`. Samples stay within ±1.
    package func applied(to samples: [Float], _ random: inout RandomStream) throws -> [Float] {
        let speed = Self.draw(self.speed, &random)
        let gain = Self.draw(self.gain, &random)
        let ratio = noise.map { Self.draw($0, &random) }
        var result = samples
        if speed != 1 {
            // Read as if recorded at another rate, to within 1 Hz.
            let rate = Int((Double(AudioClip.sampleRate) * speed).rounded())
            let bytes = WAVWriter.bytes(samples, sampleRate: rate, encoding: .float32)
            result = try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 3600)).samples
        }
        let factor = Float(pow(10, gain / 20))
        if factor != 1 { for index in result.indices { result[index] *= factor } }
        if let ratio {
            let power = result.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(result.count, 1))
            let deviation = (power / pow(10, ratio / 10)).squareRoot()
            for index in result.indices { result[index] += Float(deviation * random.normal()) }
        }
        return result.map { min(1, max(-1, $0)) }
    }

    private static func draw(_ range: ClosedRange<Double>, _ random: inout RandomStream) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * random.unit()
    }
}
