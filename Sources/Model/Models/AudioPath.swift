package import Audio
package import Tensors

/// A stretch of a clip that the encoder takes at once.
package struct AudioSegment: Sendable {
    /// [frames, mels]; rows past ``validFrames`` are of the silence after the sound.
    package let logMel: Tensor
    package let validFrames: Int

    package init(logMel: Tensor, validFrames: Int) {
        self.logMel = logMel
        self.validFrames = validFrames
    }
}

/// What of a clip becomes one segment, and how far it is filled with zeros before its log-mel.
package enum Cutting: Sendable, Equatable {
    /// Windows of the extractor's length, each filled to it and scaled by itself; a clip has at most so many.
    case windows(Int)
    /// The clip itself, filled where it has fewer than `least` samples; it lasts at most `seconds`.
    case clip(least: Int, seconds: Int)
}

/// The way of a clip into the decoder.
///
///     clip → segments of log-mel → encoder → (rotary time) → projector → embeddings in the slots that the placeholder becomes
package struct AudioPath: Sendable {
    package let extractor: LogMelExtractor
    package let cutting: Cutting
    package let placeholder: Placeholder
    let encoder: WhisperEncoder
    /// What turns the encoder's rows by their time in the clip, where the family has it.
    let time: TimeRotary?
    let projector: Projector

    /// The segments of a clip.
    ///
    /// - Throws: ``AudioError/longerThanWindow(seconds:windowSeconds:)``: a clip is never cut short; ``AudioError/tooShort(seconds:)``.
    package func segments(_ clip: AudioClip) throws(AudioError) -> [AudioSegment] {
        guard clip.seconds <= longestSeconds else {
            throw .longerThanWindow(seconds: clip.seconds, windowSeconds: longestSeconds)
        }
        var segments: [AudioSegment] = []
        switch cutting {
        case .windows:
            let window = extractor.configuration.windowSamples
            for start in stride(from: 0, to: clip.samples.count, by: window) {
                let samples = clip.samples[start..<min(start + window, clip.samples.count)]
                let part = samples.count == clip.samples.count ? clip : AudioClip(samples: Array(samples), source: clip.source)
                segments.append(try segment(part, filledTo: nil))
            }
        case .clip(let least, _):
            segments.append(try segment(clip, filledTo: max(least, clip.samples.count)))
        }
        // The rest of a clip may be too short for an embedding.
        segments.removeAll { rowCount([$0]) == 0 }
        if segments.isEmpty { throw .tooShort(seconds: clip.seconds) }
        return segments
    }

    /// The log-mel of a stretch and of the silence after it that the encoder reaches.
    private func segment(_ stretch: AudioClip, filledTo length: Int?) throws(AudioError) -> AudioSegment {
        let hop = extractor.configuration.hop
        let valid = length.map { $0 / hop } ?? (stretch.samples.count + hop - 1) / hop
        let wanted = encoder.featureFrames(valid: valid)
        let mel = try extractor.features(stretch, filledTo: length, extraFrames: max(0, wanted - valid))
        return AudioSegment(
            logMel: Tensor(mel.values, rows: mel.frameCount, columns: mel.melCount), validFrames: mel.validFrames)
    }

    /// Embeddings that segments give the decoder.
    package func rowCount(_ segments: [AudioSegment]) -> Int {
        segments.reduce(0) { $0 + encoder.rowCount(frames: $1.validFrames) }
    }

    /// Positions that the encoder computes of segments.
    package func positionCount(_ segments: [AudioSegment]) -> Int {
        segments.reduce(0) { $0 + encoder.positionCount(frames: $1.validFrames) }
    }

    /// Floats that a backward pass through the encoder keeps of `frames` log-mel frames, roughly.
    package func activations(frames: Int) -> Int { encoder.activations(frames: frames) }

    /// The most seconds of sound that one clip may have.
    package var longestSeconds: Double {
        switch cutting {
        case .windows(let count): Double(count * extractor.configuration.windowSamples) / Double(AudioClip.sampleRate)
        case .clip(_, let seconds): Double(seconds)
        }
    }

    /// Seconds of sound behind one of its tokens.
    package var secondsPerToken: Double {
        let window = extractor.configuration
        return Double(window.windowSamples) / Double(AudioClip.sampleRate) / Double(encoder.rowCount(frames: window.windowFrames))
    }

    /// Embeddings [Σ rowCount, hidden] of clips, each given as its segments, one after the other; `versions` names each clip's weights.
    func embed(
        _ clips: [[AudioSegment]], versions: [WeightVersion?], arithmetic: Arithmetic, _ tape: Tape?
    ) -> Tensor {
        precondition(clips.count == versions.count && !clips.isEmpty, "\(clips.count) clips, \(versions.count) versions")
        let ofSegments = zip(clips, versions).flatMap { clip, version in clip.map { _ in version } }
        let (encoded, pass) = encoder(Array(clips.joined()), versions: ofSegments, arithmetic: arithmetic, tape)
        guard let time else { return projector(encoded, pass) }
        let windows = clips.flatMap { clip in
            clip.enumerated().map { (number: $0, rows: encoder.rowCount(frames: $1.validFrames)) }
        }
        return projector(time(encoded, windows, tape), pass)
    }
}

/// What stands in a prompt for a clip: one token as the chat format writes it, and as many slots as the clip has embeddings once it is
/// expanded.
package struct Placeholder: Sendable, Equatable {
    package let token: Int32
    /// Tokens around the slots that the family's chat template leaves to its processor.
    package let opening: Int32?
    package let closing: Int32?

    init(_ token: Int32, opening: Int32? = nil, closing: Int32? = nil) {
        self.token = token
        self.opening = opening
        self.closing = closing
    }

    /// Appends a run of `count` slots to `tokens` and says where they are.
    package func write(_ count: Int, to tokens: inout [Int32]) -> Range<Int> {
        if let opening { tokens.append(opening) }
        let slots = tokens.count..<tokens.count + count
        tokens += Array(repeating: token, count: count)
        if let closing { tokens.append(closing) }
        return slots
    }
}
