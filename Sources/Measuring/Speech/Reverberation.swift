import Audio
import Foundation
import Randomness

/// A room's echo by Schroeder's network (1962): four combs side by side, then two all-passes, added to the direct sound.
struct Reverberation {
    private let combs: [(delay: Int, gain: Float)]
    private let allPasses: [Int]
    private let wetness: Float

    /// - Parameter seconds: In which the echo falls by 60 dB. The sizes of the room and the distance are drawn.
    init(seconds: Double, _ random: inout RandomStream) {
        combs = [29.7, 37.1, 41.1, 43.7].map { milliseconds in
            let delay = milliseconds * (0.6 + 0.5 * random.unit()) / 1e3
            return (Int(delay * Double(AudioClip.sampleRate)), Float(pow(10, -3 * delay / seconds)))
        }
        allPasses = [5.0, 1.7].map { Int($0 / 1e3 * Double(AudioClip.sampleRate)) }
        wetness = Float(0.1 + 0.5 * random.unit())
    }

    func apply(to samples: inout [Float]) {
        var echo = [Float](repeating: 0, count: samples.count)
        for (delay, gain) in combs {
            var line = [Float](repeating: 0, count: delay)
            for index in samples.indices {
                let place = index % delay
                let value = line[place]
                line[place] = samples[index] + gain * value
                echo[index] += value / 4
            }
        }
        for delay in allPasses {
            var line = [Float](repeating: 0, count: delay)
            for index in echo.indices {
                let place = index % delay
                let value = line[place]
                line[place] = echo[index] + 0.7 * value
                echo[index] = value - 0.7 * line[place]
            }
        }
        for index in samples.indices { samples[index] += wetness * echo[index] }
    }
}
