import Hashing

/// The decoded part of a file: its streams one after the other, mixed to mono and resampled block by block.
struct Hearing: ~Copyable {
    let container: AudioContainer
    /// The offset of the next stream in the file.
    var offset = 0

    private let limits: AudioLimits
    private var samples: [Float] = []
    private var frames = 0
    private var first: (sampleRate: Int, channels: Int, format: String)?
    private var resampler: Resampler?

    private static let blockSamples = 65_536

    init(limits: AudioLimits, container: AudioContainer) {
        (self.limits, self.container) = (limits, container)
    }

    /// Decodes a stream to its end.
    ///
    /// Throws if it is not a continuation of the streams before it. Such streams are refused and not skipped.
    mutating func hear<Source: FrameSource & ~Copyable>(
        _ source: inout Source, _ length: ContainerLength = ContainerLength(), isCancelled: () -> Bool
    ) throws(AudioError) {
        let (rate, channels) = (source.sampleRate, source.channelCount)
        guard channels > 0 else { throw .noChannels(format: container.rawValue) }
        guard AudioDecoder.sampleRates.contains(rate) else { throw .unsupportedSampleRate(rate) }
        if let first {
            guard (first.sampleRate, first.channels) == (rate, channels) else {
                throw .joined(
                    format: container.rawValue, second: "a stream at \(rate) Hz in \(channels) channels", at: offset,
                    reason: "after one at \(first.sampleRate) Hz in \(first.channels)")
            }
        } else {
            first = (rate, channels, source.format)
            resampler = try Resampler(sourceRate: rate)
        }
        if let declared = source.declaredFrames {
            let (total, overflows) = frames.addingReportingOverflow(declared)
            try limits.check(frames: overflows ? .max : total, sampleRate: rate, channels: channels)
        }
        let start = frames
        try hearBlocks(&source, isCancelled)
        if let failure = source.failure { throw .undecodable(format: source.format, reason: failure) }
        try Self.checkComplete(source, frames: frames - start, length: length)
    }

    private mutating func hearBlocks<Source: FrameSource & ~Copyable>(
        _ source: inout Source, _ isCancelled: () -> Bool
    ) throws(AudioError) {
        let channels = source.channelCount
        var block = [Float](repeating: 0, count: max(1, Self.blockSamples / channels) * channels)
        var mono = [Float](repeating: 0, count: block.count / channels)
        while true {
            if isCancelled() { throw .cancelled }
            guard let count = source.read(into: &block) else { continue }
            guard count > 0 else { break }
            if let bad = block[..<(count * channels)].firstIndex(where: { !($0.magnitude <= AudioDecoder.largestMagnitude) }) {
                throw .invalidSample(frame: frames + bad / channels, value: String(describing: block[bad]))
            }
            frames += count
            try limits.check(frames: frames, sampleRate: source.sampleRate, channels: channels)
            if channels == 1 {
                resampler?.append(block, count: count, to: &samples)
            } else {
                Self.mix(block, channels: channels, frames: count, into: &mono)
                resampler?.append(mono, count: count, to: &samples)
            }
        }
    }

    /// The clip of everything decoded; `bytes` are the whole file.
    consuming func clip(of bytes: RawSpan) throws(AudioError) -> AudioClip {
        guard frames > 0, let first else { throw .noSamples(format: container.rawValue) }
        var samples = samples
        if let resampler = consume resampler { resampler.finish(&samples) }
        return AudioClip(
            samples: samples,
            source: AudioSource(
                sampleRate: first.sampleRate, channels: first.channels, format: first.format,
                seconds: Double(frames) / Double(first.sampleRate), sha256: SHA256.hex(bytes)))
    }

    /// mono[f] = mean over c of block[f, c].
    private static func mix(_ block: [Float], channels: Int, frames: Int, into mono: inout [Float]) {
        for frame in 0..<frames {
            var sum: Float = 0
            for channel in 0..<channels { sum += block[frame &* channels &+ channel] }
            mono[frame] = sum / Float(channels)
        }
    }

    /// Throws when the stream ends clearly before its header says: by more than 20 ms, or by more than 1 % of a short clip.
    private static func checkComplete<Source: FrameSource & ~Copyable>(
        _ source: borrowing Source, frames: Int, length: ContainerLength
    ) throws(AudioError) {
        if source.isDeclarationExact, let declared = source.declaredFrames, frames < declared {
            let tolerance = min(source.sampleRate / 50, declared / 100)
            if declared - frames > tolerance { throw .truncated(promised: declared, found: frames, unit: "frames") }
        }
        guard let (promised, found) = length.sound, found < promised else { return }
        guard found > 0, length.channels != nil else {
            throw .truncated(promised: promised, found: found, unit: "bytes")
        }
        // The header's number may be anything: what would not fit counts as the largest number.
        let (high, low) = frames.multipliedFullWidth(by: promised)
        let expected = high < found ? found.dividingFullWidth((high, low)).quotient : .max
        if expected - frames > min(source.sampleRate / 50, expected / 100) {
            throw .truncated(promised: expected, found: frames, unit: "frames")
        }
    }
}
