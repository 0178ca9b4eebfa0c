import Glibc
import Tensors
import Weights

/// The first layers of an encoder: log-mel of a segment → positions.
protocol AudioStem: Sendable {
    /// The number of positions of a segment with `frames` log-mel frames.
    func positionCount(frames: Int) -> Int

    /// The number of those positions that are attended to.
    func visibleCount(frames: Int) -> Int

    /// The number of log-mel frames needed for a segment with `valid` frames: its own, and the following ones that the stem sees.
    func featureFrames(valid: Int) -> Int

    /// [positionCount, size] of a segment with ``featureFrames(valid:)`` frames; a filled window has more positions.
    func callAsFunction(_ segment: AudioSegment, _ pass: Pass) -> Tensor
}

extension AudioStem {
    func visibleCount(frames: Int) -> Int { positionCount(frames: frames) }
}

/// Whisper's: two convolutions over the whole segment, and stored positions.
///
///     log-mel [F, mels] → conv(3) gelu → conv(3, stride 2) gelu → + positions
///
/// Only the frames of the sound are computed. transformers pads each segment to the whole window and masks the padding in the
/// attention, which gives the same numbers. The convolutions see at most two frames after the end of the sound.
struct WhisperStem: AudioStem {
    private let convolution1: Convolution
    private let convolution2: Convolution
    private let positions: Parameter
    /// The positions of the whole window.
    private let maxPositions: Int
    private let beyond: Beyond

    /// The frames after the sound.
    enum Beyond {
        /// The window's silence, which only the convolutions see.
        case silence
        /// This many frames, which are computed with the sound; nothing attends to their positions.
        case tail(Int)
        /// None: the convolutions see zeros. If a window is filled with rows of zeros, these are computed too.
        case nothing
    }

    /// - Parameter positionName: the module of the positions.
    init(
        _ weights: WeightCursor, _ configuration: WhisperEncoderConfiguration, positionName: String = WhisperEncoder.Names().positions,
        beyond: Beyond = .silence, _ table: ParameterTable
    ) throws {
        self.beyond = beyond
        let size = configuration.size
        maxPositions = configuration.maxPositions
        convolution1 = try Convolution(weights["conv1"], table, in: configuration.mels, out: size, stride: 1)
        convolution2 = try Convolution(weights["conv2"], table, in: size, out: size, stride: 2)
        positions = try table.table(weights[positionName], rows: maxPositions, columns: size, isHead: false)
    }

    func positionCount(frames: Int) -> Int {
        if case .tail(let tail) = beyond { return frames <= 0 ? 0 : (frames + tail - 1) / 2 + 1 }
        return visibleCount(frames: frames)
    }

    func visibleCount(frames: Int) -> Int { frames <= 0 ? 0 : (frames - 1) / 2 + 1 }

    func featureFrames(valid: Int) -> Int {
        switch beyond {
        case .silence: min(2 * positionCount(frames: valid) + 1, 2 * maxPositions)
        case .tail(let tail): valid + tail
        case .nothing: valid
        }
    }

    func callAsFunction(_ segment: AudioSegment, _ pass: Pass) -> Tensor {
        let isFilled = segment.logMel.rows > featureFrames(valid: segment.validFrames)
        let count = isFilled ? segment.logMel.rows / 2 : positionCount(frames: segment.validFrames)
        precondition(count <= maxPositions, "\(count) positions of \(maxPositions)")
        var x = gelu(convolution1(segment.logMel, pass), pass.tape)
        x = gelu(convolution2(x, pass), pass.tape)
        x = selectRows(x, Array(0..<count), pass.tape)
        let table = pass.runs[0].version?.replacements[positions.index]
        let places = table.map { selectRows($0, Array(0..<count), pass.tape) } ?? embeddingRows(positions.stored, Array(0..<count))
        return add(x, places, pass.tape)
    }
}

/// Whisper's convolutions over separate chunks of frames with zeros around each, and sinusoids that restart in each chunk.
///
/// Reference: transformers' `Qwen2_5OmniAudioEncoder`.
struct ChunkedStem: AudioStem {
    private let convolution1: Convolution
    private let convolution2: Convolution
    private let sinusoids: Tensor
    private let chunkFrames: Int

    /// - Parameter chunkFrames: even.
    init(_ weights: WeightCursor, _ configuration: WhisperEncoderConfiguration, chunkFrames: Int, _ table: ParameterTable) throws {
        let size = configuration.size
        self.chunkFrames = chunkFrames
        convolution1 = try Convolution(weights["conv1"], table, in: configuration.mels, out: size, stride: 1)
        convolution2 = try Convolution(weights["conv2"], table, in: size, out: size, stride: 2)
        sinusoids = Tensor.sinusoids(rows: chunkFrames / 2, columns: size)
    }

    func positionCount(frames: Int) -> Int { frames <= 0 ? 0 : (frames - 1) / 2 + 1 }

    func featureFrames(valid: Int) -> Int { valid }

    func callAsFunction(_ segment: AudioSegment, _ pass: Pass) -> Tensor {
        let chunks = stride(from: 0, to: segment.validFrames, by: chunkFrames).map { start in
            let frames = segment.logMel.rowsCopy(start..<min(start + chunkFrames, segment.validFrames))
            let x = gelu(convolution2(gelu(convolution1(frames, pass), pass.tape), pass), pass.tape)
            return add(x, sinusoids.rowsCopy(0..<x.rows), pass.tape)
        }
        return concatenated(chunks, pass.tape)
    }
}

extension Tensor {
    /// Whisper's positions in float32, as transformers computes them: sines in the first half of the columns, cosines in the second,
    /// wavelengths from 2π to 2π · 10,000.
    static func sinusoids(rows: Int, columns: Int) -> Tensor {
        let half = columns / 2
        let increment = Float(log(10_000.0) / Double(half - 1))
        var values = [Float](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for index in 0..<half {
                let angle = Double(Float(row) * expf(-increment * Float(index)))
                values[row * columns + index] = Float(sin(angle))
                values[row * columns + half + index] = Float(cos(angle))
            }
        }
        return Tensor(values, rows: rows, columns: columns)
    }
}
