import Audio
import Generation

/// What is left of a request for its next clip: of the seconds that the model can hear in one prompt, and of the samples that
/// one request may have decoded.
///
///     seconds   tokens of the context that no clip has taken, in seconds of sound
///     samples   as many as the largest single clip may have
///
/// A clip's own bounds (the window, the operator's limit) hold beside it.
struct ClipBudget {
    private let maxSeconds: Double
    private let windowSeconds: Double
    private let promptTokens: Int
    /// What the tokens of a prompt can stand for.
    private let contextSeconds: Double
    private var heardSeconds = 0.0
    private var samplesLeft: Int

    /// - Parameter promptTokens: What the whole prompt may have.
    init(_ model: LoadedModel, maxSeconds: Double, promptTokens: Int) {
        self.maxSeconds = maxSeconds
        windowSeconds = model.windowSeconds
        self.promptTokens = promptTokens
        contextSeconds = Double(promptTokens) * model.secondsPerAudioToken
        samplesLeft = AudioLimits(maxSeconds: maxSeconds, windowSeconds: windowSeconds).maxSamples
    }

    /// Decodes the next clip within what is left.
    ///
    /// - Parameter place: The clip's place in the request.
    /// - Throws: ``UnheardClip``, ``WorkshopError``; `CancellationError` when nobody waits for the clip any more.
    mutating func decode(_ bytes: RawSpan, at place: String, isCancelled: () -> Bool) throws -> AudioClip {
        let left = contextSeconds - heardSeconds
        let isShared = left < min(maxSeconds, windowSeconds)
        let limits = AudioLimits(
            maxSeconds: isShared ? left : maxSeconds, windowSeconds: windowSeconds, maxSamples: samplesLeft)
        let clip: AudioClip
        do {
            clip = try AudioDecoder.decode(bytes, limits: limits, isCancelled: isCancelled)
        } catch AudioError.cancelled {
            throw CancellationError()
        } catch AudioError.tooLong(let seconds, _) where isShared {
            throw WorkshopError(
                .contextExceeded,
                """
                The clips of the request last at least \(Self.short(heardSeconds + seconds)) s together; the model's context of \
                \(promptTokens) tokens holds \(Self.short(contextSeconds)) s of sound.
                """, at: place)
        } catch {
            throw UnheardClip(error: error, place: place)
        }
        heardSeconds += clip.seconds
        samplesLeft -= clip.source.sampleCount
        return clip
    }

    private static func short(_ seconds: Double) -> String { String((seconds * 10).rounded() / 10) }
}
