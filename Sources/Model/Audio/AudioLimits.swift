/// Bounds on what a client may submit. Where a header states the length, they are compared before anything is decoded, otherwise block by
/// block.
package struct AudioLimits: Sendable {
    /// Longest clip that is decoded, in seconds of sound.
    package let maxSeconds: Double
    /// The length of the model's window, in seconds.
    package let windowSeconds: Double
    /// The most samples that are decoded, over all channels, before mixing and resampling. This bounds the work.
    package let maxSamples: Int

    /// Samples a second that any clip within the other bounds may have: eight channels at 192 kHz.
    package static let samplesPerSecond = 1_536_000

    /// - Parameter maxSamples: By default ``samplesPerSecond`` for each second that may be heard. For several clips of one request, hand
    ///   in what the earlier ones (``AudioSource/sampleCount``) have left of a common budget.
    package init(maxSeconds: Double, windowSeconds: Double = .infinity, maxSamples: Int? = nil) {
        self.maxSeconds = maxSeconds
        self.windowSeconds = windowSeconds
        let heard = min(maxSeconds, windowSeconds) * Double(Self.samplesPerSecond)
        self.maxSamples = maxSamples ?? Int(exactly: heard.rounded(.up)) ?? .max
    }

    /// Throws if there are too many frames.
    func check(frames: Int, sampleRate: Int, channels: Int) throws(AudioError) {
        let seconds = Double(frames) / Double(sampleRate)
        if seconds > maxSeconds { throw .tooLong(atLeastSeconds: seconds, limitSeconds: maxSeconds) }
        if seconds > windowSeconds { throw .longerThanWindow(seconds: seconds, windowSeconds: windowSeconds) }
        let (samples, overflows) = frames.multipliedReportingOverflow(by: channels)
        if overflows || samples > maxSamples {
            throw .tooManySamples(
                atLeast: overflows ? .max : samples, sampleRate: sampleRate, channels: channels, limit: maxSamples)
        }
    }
}
