import Tensors
import Weights

/// Three convolutions over separate chunks of the log-mel as images, and sinusoids that restart in each chunk.
///
///     chunk [mels · 100, 1] → (conv(3 · 3, stride 2) gelu)³ → 13 columns of [mels / 8, channels] → linear → + sinusoids
///
/// The last chunk is filled with zeros. The positions of the filling are removed.
///
/// Reference: transformers' `Qwen3ASREncoder`; `Qwen3OmniMoeAudioEncoder`, which does not fill a single chunk.
struct ImageStem: AudioStem {
    private let convolutions: [ImageConvolution]
    private let output: Linear
    private let sinusoids: Tensor
    private let mels: Int
    private let chunkFrames: Int
    private let fillsAlone: Bool

    /// - Parameters:
    ///   - channels: The channels of the image after each convolution.
    ///   - fillsAlone: whether a segment shorter than a chunk is filled to one.
    init(
        _ weights: WeightCursor, _ configuration: WhisperEncoderConfiguration, channels: Int, chunkFrames: Int, fillsAlone: Bool = true,
        _ table: ParameterTable
    ) throws {
        self.fillsAlone = fillsAlone
        mels = configuration.mels
        self.chunkFrames = chunkFrames
        convolutions = try (1...3).map {
            try ImageConvolution(weights["conv2d\($0)"], table, in: $0 == 1 ? 1 : channels, out: channels)
        }
        output = try Linear(
            weights["conv_out"], table, in: channels * Self.halved(mels), out: configuration.size, bias: false)
        sinusoids = Tensor.sinusoids(rows: Self.halved(chunkFrames), columns: configuration.size)
    }

    /// The size of `count` after the three convolutions.
    private static func halved(_ count: Int) -> Int { (0..<3).reduce(count) { count, _ in (count + 1) / 2 } }

    func positionCount(frames: Int) -> Int {
        frames / chunkFrames * Self.halved(chunkFrames) + Self.halved(frames % chunkFrames)
    }

    func featureFrames(valid: Int) -> Int { valid }

    func callAsFunction(_ segment: AudioSegment, _ pass: Pass) -> Tensor {
        let width = fillsAlone ? chunkFrames : min(chunkFrames, segment.validFrames)
        let chunks = stride(from: 0, to: segment.validFrames, by: chunkFrames).enumerated().map { number, start in
            let frames = segment.logMel.rowsCopy(start..<min(start + chunkFrames, segment.validFrames))
            var x = Self.image(frames, width)
            var height = mels
            for convolution in convolutions {
                x = gelu(convolution(x, mels: height, pass), pass.tape)
                height = (height + 1) / 2
            }
            let columns = imageColumns(x, height: height, pass.tape)
            let embedded = output(columns, pass.over(rows: columns.rows, ofPart: number))
            let positions = add(embedded, sinusoids.rowsCopy(0..<columns.rows), pass.tape)
            return selectRows(positions, Array(0..<Self.halved(frames.rows)), pass.tape)
        }
        return concatenated(chunks, pass.tape)
    }

    /// log-mel [T, mels] as an image [mels · frames, 1], mel by mel, with zeros after T.
    private static func image(_ logMel: Tensor, _ frames: Int) -> Tensor {
        let image = Tensor(zeros: logMel.columns * frames, 1)
        for frame in 0..<logMel.rows {
            let row = unsafe logMel.row(frame)
            for mel in 0..<logMel.columns { unsafe image.pointer[mel * frames + frame] = unsafe row[mel] }
        }
        return image
    }
}
