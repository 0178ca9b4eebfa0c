/// What a container's own structure says about its length, beside what is there. The decoder quietly plays what exists; this
/// tells a clip that was cut off from a short one.
///
///     WAV, AIFF   size of the sound chunk        against the bytes that follow
///     Ogg         size of the last page          against the bytes that follow; refused here, with damaged pages
///     MP3         the Xing header's byte count   against the file
///
/// FLAC states a number of frames, which the decoder compares itself.
struct ContainerLength {
    /// Bytes of sound that the structure promises and that exist; nil where nothing is promised.
    var sound: (promised: Int, found: Int)?
    /// Channels of the header, read only to name the error that zero deserves.
    var channels: Int?

    init(_ bytes: RawSpan, container: AudioContainer) throws(AudioError) {
        switch container {
        case .wav: scanChunks(bytes, bigEndian: bytes.begins("RIFX"), format: "fmt ", channelOffset: 2, sound: "data")
        case .aiff: scanChunks(bytes, bigEndian: true, format: "COMM", channelOffset: 0, sound: "SSND")
        case .ogg: try scanPages(bytes)
        case .mp3: readXing(bytes)
        case .flac: break
        }
    }

    /// Sizes from here on mean "unknown": programs that write to a pipe cannot go back to fill them in.
    private static let streamedSize = 0x7FFF_0000

    private mutating func scanChunks(
        _ bytes: RawSpan, bigEndian: Bool, format: String, channelOffset: Int, sound soundChunk: String
    ) {
        // RF64 states the size of "data" in 64 bits, in a chunk of its own that comes first.
        let wideSize =
            bytes.begins("RF64") && bytes.begins("ds64", at: 12)
            ? bytes.integer(at: 28, count: 6, bigEndian: false) : nil
        var offset = 12
        while var size = bytes.integer(at: offset + 4, count: 4, bigEndian: bigEndian) {
            if bytes.begins(format, at: offset) {
                channels = bytes.integer(at: offset + 8 + channelOffset, count: 2, bigEndian: bigEndian)
            } else if bytes.begins(soundChunk, at: offset) {
                if size == 0xFFFF_FFFF, let wideSize { size = wideSize }
                if size < Self.streamedSize || wideSize != nil {
                    sound = (size, min(size, bytes.byteCount - offset - 8))
                }
                if channels != nil { return }
            }
            offset += 8 + size + size % 2
        }
    }

    /// Walks the pages to the end of the file. The decoder would leave out a damaged page without a word, so the checksums
    /// are compared here.
    private mutating func scanPages(_ bytes: RawSpan) throws(AudioError) {
        var offset = 0
        while offset < bytes.byteCount { offset = try OggPage(bytes, at: offset).end }
    }

    private mutating func readXing(_ bytes: RawSpan) {
        var frame = 0
        if bytes.begins("ID3"), bytes.byteCount >= 10 {
            // The tag's size is a 28-bit number in four bytes of seven bits.
            frame = 10 + (6..<10).reduce(0) { $0 << 7 | Int(bytes[$1] & 0x7F) }
        }
        guard frame + 4 <= bytes.byteCount, bytes.extracting(frame..<bytes.byteCount).beginsMPEGFrame else { return }
        let isVersion1 = bytes[frame + 1] >> 3 & 3 == 3
        let isMono = bytes[frame + 3] >> 6 == 3
        let tag = frame + 4 + (isVersion1 ? (isMono ? 17 : 32) : (isMono ? 9 : 17))
        guard bytes.begins("Xing", at: tag) || bytes.begins("Info", at: tag),
            let flags = bytes.integer(at: tag + 4, count: 4, bigEndian: true), flags & 2 != 0,
            let promised = bytes.integer(at: tag + (flags & 1 != 0 ? 12 : 8), count: 4, bigEndian: true)
        else { return }
        sound = (promised, min(promised, bytes.byteCount - frame))
    }
}
