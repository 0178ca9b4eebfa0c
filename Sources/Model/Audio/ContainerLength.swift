/// The length by a container's structure, compared with the actual bytes. Decoders silently play what exists; this distinguishes a clip
/// that was cut off from a short one, and joined files from a single one.
///
///     AIFF        size of the sound chunk        against the bytes that follow
///     WebM        size of every element          against the bytes that follow; likewise the boxes of MP4, the chunks of CAF and Wave64
///     AAC, AMR    size of every frame            against the bytes that follow
///
/// WAV is ``RIFFWave``'s business, Ogg ``OggPage``'s, MP3 ``MPEGFrames``'; FLAC states a number of frames, which the decoder compares.
/// All but AIFF are checked here to the last byte, so that what follows is known to be no sound.
struct ContainerLength {
    /// Bytes of sound that the structure promises and that exist; nil if nothing is promised.
    var sound: (promised: Int, found: Int)?
    /// Channels of the header, read only to name the error that zero deserves.
    var channels: Int?
    /// The header to put before the sound, and the offset of the sound, in files whose header lacks the length.
    var head: [UInt8] = []
    var soundStart = 0

    init() {}

    init(_ bytes: RawSpan, container: AudioContainer) throws(AudioError) {
        switch container {
        case .aiff: try scanAIFF(bytes)
        case .webm: try Self.checkElements(bytes)
        case .mp4: try Self.checkBoxes(bytes)
        case .caf: try Self.checkCAF(bytes)
        case .adts: try Self.checkADTS(bytes)
        case .amr: try Self.checkAMR(bytes)
        case .au: try Self.checkAU(bytes)
        case .wave64: try Self.checkWave64(bytes)
        case .wav, .ogg, .mp3, .flac: break
        }
    }

    /// Sizes from here on mean "unknown": programs that write to a pipe cannot go back to fill them in.
    private static let streamedSize = 0x7F00_0000

    private mutating func scanAIFF(_ bytes: RawSpan) throws(AudioError) {
        var offset = 12
        var format: Range<Int>?
        while let size = bytes.integer(at: offset + 4, count: 4, bigEndian: true) {
            if bytes.begins("COMM", at: offset), offset + 8 + size + size % 2 <= bytes.byteCount, size >= 18 {
                format = offset..<offset + 8 + size + size % 2
                channels = bytes.integer(at: offset + 8, count: 2, bigEndian: true)
            } else if bytes.begins("SSND", at: offset) {
                let rest = bytes.byteCount - offset - 8
                let isUnknown = size == 0 || size >= Self.streamedSize && size > rest
                if let second = JoinedFile(in: bytes, from: min(bytes.byteCount, offset + 8 + (isUnknown ? 0 : size))) {
                    throw second.error(in: AudioContainer.aiff.rawValue)
                }
                if isUnknown, rest > 8, let format {
                    (head, soundStart) = (Self.head(bytes, format: format, soundSize: rest), offset + 8)
                } else {
                    sound = (size, min(size, rest))
                }
                return
            }
            offset += 8 + size + size % 2
        }
    }

    /// An AIFF header whose sound has a size: eight bytes of offsets, then the samples.
    private static func head(_ bytes: RawSpan, format: Range<Int>, soundSize: Int) -> [UInt8] {
        func size(_ value: Int) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: UInt32(clamping: value) >> (24 - 8 * UInt32($0))) }
        }
        var common = format.map { bytes[$0] }
        let frameSize = max(
            1, (common[8...9].reduce(0) { $0 << 8 | Int($1) }) * ((common[14...15].reduce(0) { $0 << 8 | Int($1) } + 7) / 8))
        common.replaceSubrange(10..<14, with: size((soundSize - 8) / frameSize))
        let kind = (8..<12).map { bytes[$0] }
        return Array("FORM".utf8) + size(4 + common.count + 8 + soundSize) + kind + common + Array("SSND".utf8) + size(soundSize)
    }
}
