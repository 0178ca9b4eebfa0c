import Hashing

/// Bounds on what a client may submit. Where a header states the length, they are compared before anything is decoded, otherwise
/// block by block.
package struct AudioLimits: Sendable {
    /// Longest clip that is decoded, in seconds of sound.
    package let maxSeconds: Double
    /// What the model hears at once, in seconds.
    package let windowSeconds: Double
    /// Most samples that are decoded, over all channels, before mixing and resampling: what bounds the work.
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

    /// Throws where so many frames are too many. A limit on seconds that is no longer than the window is named first.
    func check(frames: Int, sampleRate: Int, channels: Int) throws(AudioError) {
        let seconds = Double(frames) / Double(sampleRate)
        if seconds > min(maxSeconds, windowSeconds) {
            throw maxSeconds <= windowSeconds
                ? .tooLong(atLeastSeconds: seconds, limitSeconds: maxSeconds)
                : .longerThanWindow(seconds: seconds, windowSeconds: windowSeconds)
        }
        let (samples, overflows) = frames.multipliedReportingOverflow(by: channels)
        if overflows || samples > maxSamples {
            throw .tooManySamples(atLeast: overflows ? .max : samples, sampleRate: sampleRate, channels: channels, limit: maxSamples)
        }
    }
}

/// Submitted bytes to a clip:
///
///     bytes → container (sniffed) → libsndfile, or libopus for plain Opus, block by block → mean of the channels → libsoxr HQ → AudioClip
///
/// No more than one block and the 16 kHz result is ever in memory, and the result is bounded by the limit on seconds: what a
/// header claims allocates nothing. The order (mono, then 16 kHz) is that of the Hugging Face pipelines.
package enum AudioDecoder {
    /// Sample rates that are accepted, in Hz.
    package static let sampleRates = 1_000...768_000

    /// Largest magnitude a sample may have. Float files may exceed full scale, even hold integers; beyond this the power
    /// spectrum would overflow.
    package static let largestMagnitude: Float = 4_294_967_296

    private static let blockSamples = 65_536

    package static func decode(
        _ bytes: [UInt8], limits: AudioLimits, isCancelled: () -> Bool = { false }
    ) throws(AudioError) -> AudioClip {
        try unsafe decode(bytes.span.bytes, limits: limits, isCancelled: isCancelled)
    }

    /// Decodes a whole file. Safe to call from several threads at once.
    ///
    /// - Parameter isCancelled: Asked before each block of 65,536 samples; where it says so, decoding ends with ``AudioError/cancelled``.
    package static func decode(
        _ bytes: RawSpan, limits: AudioLimits, isCancelled: () -> Bool = { false }
    ) throws(AudioError) -> AudioClip {
        guard bytes.byteCount > 0 else { throw .empty }
        let container = try AudioContainer(sniffing: bytes)
        let length = try ContainerLength(bytes, container: container)
        if length.channels == 0 { throw .noChannels(format: container.rawValue) }

        var samples: [Float] = []
        let source = try unsafe bytes.withUnsafeBytes { (buffer) throws(AudioError) -> AudioSource in
            if container == .ogg, var stream = try unsafe OpusStream(bytes: buffer) {
                return try decode(&stream, bytes, container, length, limits: limits, isCancelled: isCancelled, into: &samples)
            }
            var file = try unsafe SoundFile(bytes: buffer, container: container)
            return try decode(&file, bytes, container, length, limits: limits, isCancelled: isCancelled, into: &samples)
        }
        return AudioClip(samples: samples, source: source)
    }

    private static func decode<Source: FrameSource & ~Copyable>(
        _ source: inout Source, _ bytes: RawSpan, _ container: AudioContainer, _ length: ContainerLength, limits: AudioLimits,
        isCancelled: () -> Bool, into samples: inout [Float]
    ) throws(AudioError) -> AudioSource {
        guard source.channelCount > 0 else { throw .noChannels(format: container.rawValue) }
        guard sampleRates.contains(source.sampleRate) else { throw .unsupportedSampleRate(source.sampleRate) }
        if let declared = source.declaredFrames {
            try limits.check(frames: declared, sampleRate: source.sampleRate, channels: source.channelCount)
        }
        let frames = try hear(&source, limits: limits, isCancelled: isCancelled, into: &samples)
        if let failure = source.failure { throw .undecodable(format: source.format, reason: failure) }
        try checkComplete(source, frames: frames, length: length)
        guard frames > 0 else { throw .noSamples(format: container.rawValue) }
        return AudioSource(
            sampleRate: source.sampleRate, channels: source.channelCount, format: source.format,
            seconds: Double(frames) / Double(source.sampleRate), sha256: SHA256.hex(bytes))
    }

    /// Decodes, mixes and resamples block by block; returns the number of frames heard.
    private static func hear<Source: FrameSource & ~Copyable>(
        _ file: inout Source, limits: AudioLimits, isCancelled: () -> Bool, into samples: inout [Float]
    ) throws(AudioError) -> Int {
        let channels = file.channelCount
        var resampler = try Resampler(sourceRate: file.sampleRate)
        var block = [Float](repeating: 0, count: max(1, blockSamples / channels) * channels)
        var mono = [Float](repeating: 0, count: block.count / channels)
        var frames = 0
        while true {
            if isCancelled() { throw .cancelled }
            let count = file.read(into: &block)
            guard count > 0 else { break }
            if let bad = block[..<(count * channels)].firstIndex(where: { !($0.magnitude <= largestMagnitude) }) {
                throw .invalidSample(frame: frames + bad / channels, value: String(describing: block[bad]))
            }
            frames += count
            try limits.check(frames: frames, sampleRate: file.sampleRate, channels: channels)
            if channels == 1 {
                resampler.append(block, count: count, to: &samples)
            } else {
                mix(block, channels: channels, frames: count, into: &mono)
                resampler.append(mono, count: count, to: &samples)
            }
        }
        resampler.finish(&samples)
        return frames
    }

    /// mono[f] = mean over c of block[f, c].
    private static func mix(_ block: [Float], channels: Int, frames: Int, into mono: inout [Float]) {
        for frame in 0..<frames {
            var sum: Float = 0
            for channel in 0..<channels { sum += block[frame &* channels &+ channel] }
            mono[frame] = sum / Float(channels)
        }
    }

    /// Throws when the file ends clearly before its header says: by more than 20 ms, or by more than 1 % of a short clip.
    private static func checkComplete<Source: FrameSource & ~Copyable>(
        _ file: borrowing Source, frames: Int, length: ContainerLength
    ) throws(AudioError) {
        if let declared = file.declaredFrames, frames < declared {
            let tolerance = min(file.sampleRate / 50, declared / 100)
            if declared - frames > tolerance { throw .truncated(promised: declared, found: frames, unit: "frames") }
        }
        guard let (promised, found) = length.sound, found < promised else { return }
        guard found > 0, length.channels != nil else {
            throw .truncated(promised: promised, found: found, unit: "bytes")
        }
        // The header's number may be anything: what would not fit counts as the largest number.
        let (high, low) = frames.multipliedFullWidth(by: promised)
        let expected = high < found ? found.dividingFullWidth((high, low)).quotient : .max
        if expected - frames > min(file.sampleRate / 50, expected / 100) {
            throw .truncated(promised: expected, found: frames, unit: "frames")
        }
    }
}
