import Glibc

/// Log-mel features of one clip.
package struct LogMel: Sendable {
    /// [frameCount, melCount], a row per frame.
    package let values: [Float]
    package let frameCount: Int
    package let melCount: Int
    /// Frames that the reference's attention mask counts: ⌈samples / hop⌉, at most ``windowFrames``.
    package let validFrames: Int
    /// Frames of the model's whole window.
    package let windowFrames: Int
    /// The value of every frame after ``frameCount`` without samples of the clip (from the second frame after ``validFrames``
    /// at Whisper's hop).
    package let silence: Float
}

/// Whisper's log-mel features, the numbers of transformers' `WhisperFeatureExtractor`:
///
///     clip, padded with zeros to the window, reflected at both ends → frames of 400 samples, one per hop, the last dropped
///     frame · Hann → power spectrum → mel filters → L = log₁₀ max(·, 1e−10)
///     y = (max(L, max over the window of L − 8) + 4) / 4
///
/// The reference computes the whole window; here only the frames that overlap the clip are. The others are silent: L = −10
/// there, which no maximum can miss because −10 is also the least that L can be.
package struct LogMelExtractor: Sendable {
    package let configuration: LogMelConfiguration
    private let filters: MelFilterBank
    private let spectrum = PowerSpectrum()

    package init(_ configuration: LogMelConfiguration) {
        self.configuration = configuration
        filters = MelFilterBank(melCount: configuration.melCount)
    }

    /// The clip's valid frames and `extraFrames` after them (fewer at the window's end).
    ///
    /// - Parameter length: samples that the clip is filled to with zeros, all of which count as sound. Where nil, the clip is filled to the
    ///   window, whose rest does not count.
    /// - Throws: ``AudioError/longerThanWindow(seconds:windowSeconds:)``: a clip is never cut.
    package func features(_ clip: AudioClip, filledTo length: Int? = nil, extraFrames: Int = 0) throws(AudioError) -> LogMel {
        precondition(extraFrames >= 0, "\(extraFrames) extra frames")
        let count = clip.samples.count
        let hop = configuration.hop
        let melCount = configuration.melCount
        let window = length ?? configuration.windowSamples
        guard count <= window else {
            throw .longerThanWindow(
                seconds: clip.seconds, windowSeconds: Double(window) / Double(AudioClip.sampleRate)
            )
        }
        let windowFrames = window / hop
        let validFrames = length == nil ? min(windowFrames, (count + hop - 1) / hop) : windowFrames
        let frameCount = min(windowFrames, validFrames + extraFrames)
        // Frame t hears samples t·hop − 200 to t·hop + 199, so a frame or two past the valid ones still hear the clip's end
        // and take part in the maximum even when they are not asked for.
        let reach = PowerSpectrum.length / 2
        let hearing = min(windowFrames, (count + reach + hop - 1) / hop)

        let padded = pad(clip.samples, frames: hearing, window: window)
        let computed = max(frameCount, hearing)
        var loudest: Float = Self.leastLog
        var values = unsafe [Float](unsafeUninitializedCapacity: computed * melCount) { values, initialized in
            loudest = unsafe measure(padded, frames: hearing, into: values.baseAddress!)
            unsafe values[(hearing * melCount)...].initialize(repeating: Self.leastLog)
            initialized = computed * melCount
        }
        values.removeLast((computed - frameCount) * melCount)
        let floor = loudest - 8
        for index in values.indices { values[index] = Self.scale(values[index], floor: floor) }
        return LogMel(
            values: values, frameCount: frameCount, melCount: melCount, validFrames: validFrames,
            windowFrames: windowFrames,
            silence: Self.scale(Self.leastLog, floor: floor))
    }

    private static let leastPower: Float = 1e-10
    private static let leastLog: Float = -10

    @inline(__always)
    private static func scale(_ value: Float, floor: Float) -> Float {
        ((value > floor ? value : floor) + 4) * 0.25
    }

    /// The samples of `frames` frames, rounded up to whole groups of lanes: 200 reflected ones, the clip, zeros, and
    /// the reflection at the window's end where the clip reaches it.
    private func pad(_ samples: [Float], frames: Int, window: Int) -> [Float] {
        let reach = PowerSpectrum.length / 2
        let groups = (frames + Lanes.scalarCount - 1) / Lanes.scalarCount
        let length = (groups * Lanes.scalarCount - 1) * configuration.hop + PowerSpectrum.length
        var padded = [Float](repeating: 0, count: max(length, reach + samples.count))
        for index in samples.indices { padded[reach + index] = samples[index] }
        for index in 1...reach where index < samples.count { padded[reach - index] = samples[index] }
        for index in 0..<reach where window - 2 - index < samples.count && reach + window + index < padded.count {
            padded[reach + window + index] = samples[window - 2 - index]
        }
        return padded
    }

    /// Writes L for `frames` frames to `values` [frames, mels] and returns the largest of them.
    @unsafe private func measure(_ padded: [Float], frames: Int, into values: UnsafeMutablePointer<Float>) -> Float {
        let lanes = Lanes.scalarCount
        let melCount = configuration.melCount
        let hop = configuration.hop
        let power = UnsafeMutablePointer<Lanes>.allocate(capacity: PowerSpectrum.binCount)
        let work = UnsafeMutablePointer<ComplexLanes>.allocate(capacity: PowerSpectrum.length)
        defer {
            unsafe power.deallocate()
            unsafe work.deallocate()
        }
        var loudest = Self.leastLog
        unsafe padded.withUnsafeBufferPointer { padded in
            unsafe filters.weights.withUnsafeBufferPointer { weights in
                for first in stride(from: 0, to: frames, by: lanes) {
                    unsafe spectrum.compute(
                        samples: padded.baseAddress! + first * hop, hop: hop, power: power, work: work)
                    let count = min(lanes, frames - first)
                    let rows = unsafe values + first * melCount
                    for (mel, filter) in filters.filters.enumerated() {
                        var energy = Lanes()
                        for bin in 0..<filter.count {
                            unsafe energy += power[filter.start &+ bin] * weights[filter.offset &+ bin]
                        }
                        for lane in 0..<count {
                            let logarithm = Self.logarithm(energy[lane])
                            loudest = max(loudest, logarithm)
                            unsafe rows[lane &* melCount &+ mel] = logarithm
                        }
                    }
                }
            }
        }
        return loudest
    }

    /// log₁₀ max(x, 1e−10), exactly −10 at the least.
    @inline(__always)
    private static func logarithm(_ x: Float) -> Float {
        x > leastPower ? max(leastLog, log2f(x) * 0.301029995663981195) : leastLog
    }
}
