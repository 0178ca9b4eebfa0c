/// The places of the frames of an MPEG audio file (layers I to III). The format has no container: frames follow one another, each as long as
/// its header says, and around them stand tags and, after careless cutting, anything.
///
///     [zeros, junk] [ID3v2] frame frame frame … [ID3v2] [Xing frame] frame … [APE] [ID3v1] [zeros, junk]
///                           └────── part ───┘           └─── part ─┘
///
/// A part is what one encoder wrote: it ends where a frame with a Xing header starts another, where the frames that its own Xing header
/// promises are over, or where the rate or the channels change. Bytes within the sound that are neither frame nor tag are sound that was
/// lost: they are refused.
struct MPEGFrames {
    struct Part {
        let sampleRate, channels, layer: Int
        let samplesPerFrame: Int
        /// The ranges of the frames, including the Xing header's.
        var ranges: [Range<Int>] = []
        /// Frames of sound.
        var count = 0
        var xing: Xing?

        /// Samples per channel that the frames give, without what the encoder put around the sound.
        var soundFrames: Int { max(0, count * samplesPerFrame - (xing?.padding ?? 0)) }

        fileprivate func checkComplete() throws(AudioError) {
            let size = ranges.reduce(0) { $0 + $1.count }
            let hasAllBytes = xing?.bytes.map { $0 <= size }
            if let promised = xing?.bytes, hasAllBytes == false, xing?.frames == nil {
                throw .truncated(promised: promised, found: size, unit: "bytes")
            }
            // Some encoders count the frame of the header, too.
            if let promised = xing?.frames, promised > count + (hasAllBytes == true ? 1 : 0) {
                throw .truncated(promised: promised * samplesPerFrame, found: count * samplesPerFrame, unit: "frames")
            }
        }
    }

    /// The metadata of a first frame that describes the others and has no sound.
    struct Xing {
        var frames: Int?
        var bytes: Int?
        /// Samples that the encoder added at both ends.
        var padding = 0
    }

    private(set) var parts: [Part] = []

    /// Bytes that are neither zero nor frame nor tag and may stand before the first frame, or behind the last.
    private static let longestJunk = 16_384

    /// Nil if no frames are found, or "free format" ones, whose length is not written in them.
    ///
    /// Throws if frames are missing.
    init?(_ bytes: RawSpan) throws(AudioError) {
        guard let first = Self.firstFrame(bytes) else { return nil }
        var offset = first
        while offset < bytes.byteCount {
            if let header = MPEGHeader(bytes, at: offset),
                parts.last.map({ header.isLike($0) }) ?? true || Self.isFrame(bytes, at: offset)
            {
                let end = offset + header.size
                guard end <= bytes.byteCount else {
                    // What looks like a header may be a tag's byte or junk behind the last frame.
                    if parts.last.map({ header.isLike($0) }) ?? true {
                        throw .truncated(promised: end, found: bytes.byteCount, unit: "bytes")
                    }
                    break
                }
                add(header, offset..<end, of: bytes)
                offset = end
            } else if let tag = Self.tag(bytes, at: offset) {
                offset = tag
            } else {
                // Zeros are padding; after other bytes no sound may follow.
                var next = offset
                while next < bytes.byteCount, bytes[next] == 0 { next += 1 }
                if next < bytes.byteCount, next == offset || !Self.continues(bytes, at: next) {
                    try Self.checkJunk(bytes, from: next)
                    break
                }
                offset = next
            }
        }
        for part in parts { try part.checkComplete() }
    }

    private mutating func add(_ header: MPEGHeader, _ range: Range<Int>, of bytes: RawSpan) {
        let xing = Xing(bytes.extracting(range), header)
        let isOver = parts.last.map { part in
            xing != nil || !header.isLike(part) || part.xing?.frames.map { $0 > 0 && part.count >= $0 } ?? false
        }
        if isOver ?? true {
            parts.append(
                Part(
                    sampleRate: header.sampleRate, channels: header.channels, layer: header.layer,
                    samplesPerFrame: header.samples, xing: xing))
        }
        let last = parts.count - 1
        if xing == nil { parts[last].count += 1 }
        if let end = parts[last].ranges.last?.upperBound, end == range.lowerBound {
            let start = parts[last].ranges.removeLast().lowerBound
            parts[last].ranges.append(start..<range.upperBound)
        } else {
            parts[last].ranges.append(range)
        }
    }

    /// The first place from which three frames follow one another, or all of fewer to the end.
    static func firstFrame(_ bytes: RawSpan) -> Int? {
        var offset = 0
        while let end = tag(bytes, at: offset) { offset = end }
        while offset < bytes.byteCount, bytes[offset] == 0 { offset += 1 }
        for start in offset..<max(offset, min(bytes.byteCount, offset + longestJunk)) where bytes[start] == 0xFF {
            if isFrame(bytes, at: start) { return start }
        }
        return nil
    }

    /// Whether a frame starts here and frames like it follow: two of them, or the end of the file or a tag.
    private static func isFrame(_ bytes: RawSpan, at start: Int) -> Bool {
        guard let first = MPEGHeader(bytes, at: start) else { return false }
        var offset = start + first.size
        for _ in 0..<2 {
            if offset == bytes.byteCount || tag(bytes, at: offset) != nil { return true }
            guard let next = MPEGHeader(bytes, at: offset), next.isLike(first) else { return false }
            offset += next.size
        }
        return true
    }

    private static func continues(_ bytes: RawSpan, at offset: Int) -> Bool {
        tag(bytes, at: offset) != nil || isFrame(bytes, at: offset)
    }

    private static func checkJunk(_ bytes: RawSpan, from start: Int) throws(AudioError) {
        if let second = JoinedFile(in: bytes, from: start) { throw second.error(in: "MP3") }
        if bytes.byteCount - start > longestJunk { throw .unexplained(format: "MP3", bytes: bytes.byteCount - start, at: start) }
        for offset in start..<bytes.byteCount where bytes[offset] == 0xFF && isFrame(bytes, at: offset) {
            // A chain of frames that ends with the file by chance is no sound.
            guard let header = MPEGHeader(bytes, at: offset), offset + 2 * header.size < bytes.byteCount else { continue }
            throw .undecodable(
                format: "MP3",
                reason: "\(offset - start) bytes between its frames, from byte \(start) on, are no frame: it is damaged there")
        }
    }

    /// The end of the tag that starts at `offset`, which may lie beyond the end of the file.
    static func tag(_ bytes: RawSpan, at offset: Int) -> Int? {
        func size(_ at: Int) -> Int { bytes.integer(at: offset + at, count: 4, bigEndian: false) ?? 0 }
        if bytes.begins("ID3", at: offset), offset + 10 <= bytes.byteCount, bytes[offset + 3] < 0xFF, bytes[offset + 4] < 0xFF {
            // A 28-bit number in four bytes of seven bits; a flag says that a footer follows.
            let size = (6..<10).reduce(0) { $0 << 7 | Int(bytes[offset + $1] & 0x7F) }
            return offset + 10 + size + (bytes[offset + 5] & 0x10 == 0 ? 0 : 10)
        }
        if bytes.begins("TAG+", at: offset), offset + 227 + 128 == bytes.byteCount { return offset + 227 }
        if bytes.begins("TAG", at: offset), offset + 128 <= bytes.byteCount { return offset + 128 }
        if bytes.begins("APETAGEX", at: offset), offset + 32 <= bytes.byteCount {
            // The size counts items and footer; with a header, that comes first and is not counted.
            let isHeader = size(20) & 0x2000_0000 != 0
            return offset + (isHeader ? 32 + size(12) : 32)
        }
        return nil
    }
}

/// The four bytes before a frame.
struct MPEGHeader {
    let sampleRate, channels, layer, samples: Int
    /// Bytes of the frame with its header.
    let size: Int
    let isVersion1: Bool

    private static let bitRates: [[Int]] = [
        [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ]

    /// Nil if the bytes are no header, or one in free format.
    init?(_ bytes: RawSpan, at offset: Int) {
        guard offset >= 0, offset + 4 <= bytes.byteCount, bytes.extracting(offset..<offset + 4).beginsMPEGFrame else {
            return nil
        }
        let rate = Int(bytes[offset + 2] >> 4)
        guard rate > 0 else { return nil }
        let version = bytes[offset + 1] >> 3 & 3  // 0: MPEG 2.5, 2: MPEG 2, 3: MPEG 1
        isVersion1 = version == 3
        layer = 4 - Int(bytes[offset + 1] >> 1 & 3)
        channels = bytes[offset + 3] >> 6 == 3 ? 1 : 2
        sampleRate = [44_100, 48_000, 32_000][Int(bytes[offset + 2] >> 2 & 3)] >> (isVersion1 ? 0 : version == 2 ? 1 : 2)
        let kilobits = Self.bitRates[isVersion1 ? layer - 1 : layer == 1 ? 3 : 4][rate - 1]
        samples = layer == 1 ? 384 : layer == 2 || isVersion1 ? 1152 : 576
        let padding = Int(bytes[offset + 2] >> 1 & 1)
        size = layer == 1 ? (12_000 * kilobits / sampleRate + padding) * 4 : samples / 8 * 1000 * kilobits / sampleRate + padding
    }

    func isLike(_ other: MPEGHeader) -> Bool {
        sampleRate == other.sampleRate && channels == other.channels && layer == other.layer && isVersion1 == other.isVersion1
    }

    func isLike(_ part: MPEGFrames.Part) -> Bool {
        sampleRate == part.sampleRate && channels == part.channels && layer == part.layer
    }
}

extension MPEGFrames.Xing {
    /// Nil if the frame holds sound. Samples that LAME says it added are in the same place after "Lavc" and its kin.
    fileprivate init?(_ frame: RawSpan, _ header: MPEGHeader) {
        let isMono = header.channels == 1
        let tag = 4 + (header.isVersion1 ? (isMono ? 17 : 32) : (isMono ? 9 : 17))
        guard header.layer == 3, frame.begins("Xing", at: tag) || frame.begins("Info", at: tag),
            let flags = frame.integer(at: tag + 4, count: 4, bigEndian: true)
        else { return nil }
        var at = tag + 8
        if flags & 1 != 0 {
            frames = frame.integer(at: at, count: 4, bigEndian: true)
            at += 4
        }
        if flags & 2 != 0 {
            bytes = frame.integer(at: at, count: 4, bigEndian: true)
            at += 4
        }
        if flags & 4 != 0 { at += 100 }
        if flags & 8 != 0 { at += 4 }
        // libmpg123 cuts its own delay of 529 samples too, which encoders count to the end.
        if frames != nil, let both = frame.integer(at: at + 21, count: 3, bigEndian: true), frame[at] != 0 {
            padding = (both >> 12) + 529 + max(0, (both & 0xFFF) - 529)
        }
    }
}
