package import Audio
package import Tensors

/// A part of a clip that the encoder takes at once.
package struct AudioSegment: Sendable {
    /// [frames, mels]; rows after ``validFrames`` are the silence after the sound.
    package let logMel: Tensor
    package let validFrames: Int

    package init(logMel: Tensor, validFrames: Int) {
        self.logMel = logMel
        self.validFrames = validFrames
    }
}

/// The way in which a clip is divided into segments, and filled with zeros before its log-mel.
package enum Cutting: Sendable, Equatable {
    /// Windows of the extractor's length, each filled to that length and scaled separately. The value is the most windows of a clip.
    case windows(Int)
    /// Whole windows of the extractor's length from one log-mel of the whole clip, scaled by one maximum. The silence that fills the last
    /// counts as sound. The value is the most windows of a clip.
    case filledWindows(Int)
    /// Pieces of `length` samples, each followed by `tail` zeros, whose whole frames the encoder sees. A clip lasts at most
    /// `seconds`.
    case pieces(length: Int, tail: Int, seconds: Int)
    /// The whole clip, filled to `least` samples if it is shorter. It lasts at most `seconds`.
    case clip(least: Int, seconds: Int)
    /// Windows of as many frames as the encoder has positions for, from one log-mel of the clip filled to whole frames. The last of several is
    /// filled with zeros. A clip lasts at most `seconds`.
    case cutFrames(seconds: Int)
}

/// The path of a clip into the decoder.
///
///     clip → segments of log-mel → encoder → (rotary time) → projector → embeddings in the slots that the placeholder becomes
package struct AudioPath: Sendable {
    package let extractor: LogMelExtractor
    package let cutting: Cutting
    package let placeholder: Placeholder
    let encoder: WhisperEncoder
    /// Rotates the encoder's rows by their time in the clip; nil if the family does not.
    let time: TimeRotary?
    let projector: any Projector

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
            for part in Self.parts(of: clip, length: extractor.configuration.windowSamples) {
                segments.append(try segment(part, filledTo: nil))
            }
        case .filledWindows:
            segments = try windows(under: clip)
        case .pieces(let length, let tail, _):
            for part in Self.parts(of: clip, length: length) {
                segments.append(try segment(part, filledTo: part.samples.count + tail, tail: tail))
            }
        case .clip(let least, _):
            segments.append(try segment(clip, filledTo: max(least, clip.samples.count)))
        case .cutFrames: segments = try frameWindows(of: clip)
        }
        // The last segment of a clip may be too short for an embedding.
        segments.removeAll { rowCount([$0]) == 0 }
        if segments.isEmpty { throw .tooShort(seconds: clip.seconds) }
        return segments
    }

    private static func parts(of clip: AudioClip, length: Int) -> [AudioClip] {
        if clip.samples.count <= length { return [clip] }
        return stride(from: 0, to: clip.samples.count, by: length).map { start in
            AudioClip(samples: Array(clip.samples[start..<min(start + length, clip.samples.count)]), source: clip.source)
        }
    }

    private func windows(under clip: AudioClip) throws(AudioError) -> [AudioSegment] {
        let (window, frames) = (extractor.configuration.windowSamples, extractor.configuration.windowFrames)
        let count = (clip.samples.count + window - 1) / window
        let mel = try extractor.features(clip, filledTo: count * window)
        let whole = Tensor(mel.values, rows: mel.frameCount, columns: mel.melCount)
        return (0..<count).map { AudioSegment(logMel: whole.rowsCopy($0 * frames..<($0 + 1) * frames), validFrames: frames) }
    }

    private func frameWindows(of clip: AudioClip) throws(AudioError) -> [AudioSegment] {
        // The extractor needs at least two frames.
        let (hop, window) = (extractor.configuration.hop, encoder.windowFrames)
        let count = max(2, (clip.samples.count + hop - 1) / hop)
        let mel = try extractor.features(clip, filledTo: count * hop)
        let whole = Tensor(mel.values, rows: count, columns: mel.melCount)
        return stride(from: 0, to: count, by: window).map { start in
            let frames = whole.rowsCopy(start..<min(start + window, count))
            guard start > 0, frames.rows < window else { return AudioSegment(logMel: frames, validFrames: frames.rows) }
            let zeros = Tensor(zeros: encoder.filledFrames(valid: frames.rows) - frames.rows, frames.columns)
            return AudioSegment(logMel: concatenated([frames, zeros]), validFrames: frames.rows)
        }
    }

    /// The log-mel of a part, and of the following silence within the encoder's reach.
    ///
    /// - Parameter tail: The samples at the end of `length` whose frames are not valid.
    private func segment(_ stretch: AudioClip, filledTo length: Int?, tail: Int = 0) throws(AudioError) -> AudioSegment {
        let hop = extractor.configuration.hop
        let valid = length.map { $0 / hop - tail / hop } ?? (stretch.samples.count + hop - 1) / hop
        let wanted = encoder.featureFrames(valid: valid)
        let mel = try extractor.features(stretch, filledTo: length, extraFrames: max(0, wanted - valid))
        return AudioSegment(logMel: Tensor(mel.values, rows: mel.frameCount, columns: mel.melCount), validFrames: valid)
    }

    /// The number of embeddings of segments.
    package func rowCount(_ segments: [AudioSegment]) -> Int { segments.reduce(0) { $0 + rowCount(frames: $1.validFrames) } }

    private func rowCount(frames: Int) -> Int { projector.rowCount(frames: frames, rows: encoder.rowCount(frames: frames)) }

    /// The number of positions that the encoder computes for segments.
    package func positionCount(_ segments: [AudioSegment]) -> Int {
        segments.reduce(0) { $0 + encoder.positionCount(frames: $1.validFrames) }
    }

    /// The floats that a backward pass through the encoder keeps for `frames` log-mel frames, approximately.
    package func activations(frames: Int) -> Int { encoder.activations(frames: frames) }

    /// The length of the longest clip, in seconds.
    package var longestSeconds: Double {
        switch cutting {
        case .windows(let count), .filledWindows(let count): Double(count * extractor.configuration.windowSamples) / Double(AudioClip.sampleRate)
        case .pieces(_, _, let seconds), .clip(_, let seconds), .cutFrames(let seconds): Double(seconds)
        }
    }

    /// The seconds of sound per token.
    package var secondsPerToken: Double {
        let window = extractor.configuration
        return Double(window.windowSamples) / Double(AudioClip.sampleRate) / Double(rowCount(frames: window.windowFrames))
    }

    /// The embeddings [Σ rowCount, hidden] of clips, each given as its segments, one after the other. `versions` has each clip's weights.
    func embed(
        _ clips: [[AudioSegment]], versions: [WeightVersion?], arithmetic: Arithmetic, dropout: Dropout?, _ tape: Tape?
    ) -> Tensor {
        precondition(clips.count == versions.count && !clips.isEmpty, "\(clips.count) clips, \(versions.count) versions")
        precondition(dropout == nil || clips.count == 1, "\(clips.count) clips whose rows have names of one")
        let ofSegments = zip(clips, versions).flatMap { clip, version in clip.map { _ in version } }
        let frames = clips.joined().map(\.validFrames)
        let (encoded, pass) = encoder(Array(clips.joined()), versions: ofSegments, arithmetic: arithmetic, dropout: dropout, tape)
        var start = 0
        let segments = zip(frames, ofSegments).map { frames, version in
            defer { start += encoder.rowCount(frames: frames) }
            return Pass.Run(rows: start..<start + encoder.rowCount(frames: frames), version: version)
        }
        guard let time else { return projector(encoded, frames: frames, segments: segments, pass) }
        let windows = zip(clips.flatMap(\.indices), segments).map { (number: $0, rows: $1.rows.count) }
        return projector(time(encoded, windows, tape), frames: frames, segments: segments, pass)
    }
}

extension AudioPath {
    /// A path whose projector is one linear layer.
    package init(extractor: LogMelExtractor, cutting: Cutting, placeholder: Placeholder, encoder: WhisperEncoder, projector: Linear) {
        self.init(
            extractor: extractor, cutting: cutting, placeholder: placeholder, encoder: encoder, time: nil,
            projector: LinearProjector(layers: [projector]))
    }
}

/// A clip's representation in a prompt: one token in the chat format's text, and as many slots as the clip has embeddings after it is
/// expanded.
///
///     opening, slots, closing        once, or per segment
package struct Placeholder: Sendable, Equatable {
    package let token: Int32
    /// Tokens around the slots that the family's processor adds and not its chat template.
    package let opening: Int32?
    package let closing: Int32?
    /// Whether each segment of a clip has a separate run of slots.
    let isBySegment: Bool

    package init(_ token: Int32, opening: Int32? = nil, closing: Int32? = nil, isBySegment: Bool = false) {
        self.token = token
        self.opening = opening
        self.closing = closing
        self.isBySegment = isBySegment
    }

    /// Appends the slots of a clip to `tokens`: `counts[i]` for segment i. Returns their indices.
    package func write(_ counts: [Int], to tokens: inout [Int32]) -> [Int] {
        (isBySegment ? counts : [counts.reduce(0, +)]).flatMap { count in
            if let opening { tokens.append(opening) }
            let slots = tokens.count..<tokens.count + count
            tokens += Array(repeating: token, count: count)
            if let closing { tokens.append(closing) }
            return slots
        }
    }
}
