import Audio
import Generation

/// What a request has left for its next clip: the seconds of sound that the model can hear in one prompt, and the samples that one request may have
/// decoded.
///
///     seconds   the tokens of the context that no clip has taken, in seconds of sound
///     samples   as many as the largest single clip may have
///
/// A clip's own limits (the model's window, the operator's limit) apply as well.
struct ClipBudget {
    private let maxSeconds: Double
    private let windowSeconds: Double
    private let promptTokens: Int
    /// The seconds of sound that the tokens of a prompt can represent.
    private let contextSeconds: Double
    private var heardSeconds = 0.0
    private var samplesLeft: Int

    /// - Parameter promptTokens: The maximum number of tokens of the whole prompt.
    init(_ model: LoadedModel, maxSeconds: Double, promptTokens: Int) {
        self.maxSeconds = maxSeconds
        windowSeconds = model.windowSeconds
        self.promptTokens = promptTokens
        contextSeconds = Double(promptTokens) * model.secondsPerAudioToken
        samplesLeft = AudioLimits(maxSeconds: maxSeconds, windowSeconds: windowSeconds).maxSamples
    }

    /// Decodes the next clip within the remaining budget.
    ///
    /// - Parameter place: The clip's path in the request.
    /// - Throws: ``UnheardClip`` or ``WorkshopError``; `CancellationError` if nobody waits for the clip any more.
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
        } catch AudioError.tooLong(let seconds, _) where isShared && heardSeconds == 0 {
            throw UnheardClip(
                error: .longerThanContext(seconds: seconds, contextSeconds: contextSeconds, tokens: promptTokens), place: place)
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
