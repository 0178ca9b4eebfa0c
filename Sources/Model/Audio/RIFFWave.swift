/// Where the sound of a WAV file lies: RIFF, RIFX (big-endian), and RF64 or BW64, whose sizes beyond 32 bits stand in a chunk of their own.
///
///     "RIFF" size "WAVE"   [ds64]   fmt  …  [fact]  …  data: size, sound   …
///
/// libsndfile is given a plain header and this sound, so that the file has one reading. Programs that write to a pipe cannot go back to
/// fill in sizes and leave 0, −1 or the largest number there: then the sound reaches to the end of the file.
struct RIFFWave {
    let channels: Int
    /// Where the sound lies.
    private(set) var sound = 0..<0
    /// Bytes of sound that the header promises; nil if it says that it does not know.
    private(set) var promised: Int?
    /// Whether the sound is of a codec that libsndfile does not read, or not to the last sample: MP2 and MP3, G.722.
    let isCompressed: Bool
    /// What to put before the sound.
    private(set) var head: [UInt8] = []

    /// Sizes from here on mean "unknown".
    private static let streamedSize = 0x7FFF_0000
    private static let unknown = 0xFFFF_FFFF

    /// Throws where there is no sound, where bytes follow it that no chunk explains, and where another file does.
    init(_ bytes: RawSpan) throws(AudioError) {
        let isBigEndian = bytes.begins("RIFX")
        let isWide = bytes.begins("RF64") || bytes.begins("BW64")
        func integer(_ at: Int, _ count: Int) -> Int? { bytes.integer(at: at, count: count, bigEndian: isBigEndian) }

        var wideSize: Int?
        var format: Range<Int>?
        var fact: Range<Int>?
        var data: (start: Int, size: Int)?
        var offset = 12
        while data == nil, let size = integer(offset + 4, 4) {
            let content = offset + 8..<min(offset + 8 + size, bytes.byteCount)
            if bytes.begins("data", at: offset) {
                data = (content.lowerBound, size)
            } else if bytes.begins("fmt ", at: offset) {
                format = content
            } else if bytes.begins("fact", at: offset) {
                fact = content
            } else if isWide, bytes.begins("ds64", at: offset), let low = integer(offset + 16, 4),
                let high = integer(offset + 20, 4)
            {
                wideSize = high << 32 | low
            }
            offset += 8 + size
            // Odd chunks are padded, but not by every program.
            if size % 2 == 1, bytes.isChunkName(at: offset + 1) || !bytes.isChunkName(at: offset) { offset += 1 }
        }
        guard let format, (14...4096).contains(format.count), let channels = integer(format.lowerBound + 2, 2) else {
            throw .undecodable(format: "WAV", reason: "it has no fmt chunk of 14 to 4096 bytes before its sound")
        }
        if channels == 0 { throw .noChannels(format: "WAV") }
        self.channels = channels
        isCompressed = [0x50, 0x55, 0x65, 0x28F].contains(integer(format.lowerBound, 2))
        guard let data else { throw .undecodable(format: "WAV", reason: "it has no data chunk") }

        let rest = bytes.byteCount - data.start
        var size = data.size
        var isUnknown = size >= Self.streamedSize && size > rest
        if isWide, size == Self.unknown, let wideSize {
            size = wideSize
            isUnknown = wideSize < 0 || wideSize >= 1 << 62 || (wideSize == 0 || wideSize == Self.unknown) && wideSize != rest
        }
        if size == 0, rest > 0, bytes.chunks(from: data.start).unexplained != nil { isUnknown = true }
        if isUnknown {
            sound = data.start..<bytes.lastChunks(after: data.start)
            if let second = JoinedFile(in: bytes, from: sound.lowerBound) { throw second.error(in: "WAV") }
        } else {
            promised = size
            sound = data.start..<data.start + min(size, rest)
            try Self.checkTail(bytes, sound, format: format, isBigEndian: isBigEndian)
        }
        head = Self.head(
            bytes, format: format, fact: fact.flatMap { $0.count < 64 ? $0 : nil }, soundSize: sound.count,
            isBigEndian: isBigEndian)
    }

    /// What follows the sound must be chunks, tags, zeros, or too little to be heard.
    private static func checkTail(
        _ bytes: RawSpan, _ sound: Range<Int>, format: Range<Int>, isBigEndian: Bool
    ) throws(AudioError) {
        if let second = JoinedFile(in: bytes, from: sound.upperBound) { throw second.error(in: "WAV") }
        let starts = [sound.upperBound + sound.count % 2, sound.upperBound]
        let tails = starts.map { bytes.chunks(from: $0) }
        guard let tail = tails[0].unexplained, tails[1].unexplained != nil else { return }
        let secondSize = bytes.integer(at: format.lowerBound + 8, count: 4, bigEndian: isBigEndian) ?? 0
        let count = bytes.byteCount - tail
        if count > max(2, min(secondSize / 50, sound.count / 100)), !bytes.isPadding(from: tail) {
            throw .unexplained(format: "WAV", bytes: count, at: tail)
        }
    }

    private static func head(
        _ bytes: RawSpan, format: Range<Int>, fact: Range<Int>?, soundSize: Int, isBigEndian: Bool
    ) -> [UInt8] {
        func size(_ value: Int) -> [UInt8] {
            let value = UInt32(clamping: value)
            return (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32(isBigEndian ? 3 - $0 : $0))) }
        }
        func chunk(_ name: String, _ range: Range<Int>) -> [UInt8] {
            Array(name.utf8) + size(range.count) + range.map { bytes[$0] } + (range.count % 2 == 1 ? [0] : [])
        }
        let chunks = chunk("fmt ", format) + (fact.map { chunk("fact", $0) } ?? []) + Array("data".utf8) + size(soundSize)
        return Array((isBigEndian ? "RIFX" : "RIFF").utf8) + size(4 + chunks.count + soundSize) + Array("WAVE".utf8) + chunks
    }
}

extension RawSpan {
    /// Four printable characters, as all names of chunks are.
    func isChunkName(at offset: Int) -> Bool {
        guard offset >= 0, offset + 4 <= byteCount else { return false }
        return (offset..<offset + 4).allSatisfy { (0x20...0x7E).contains(self[$0]) }
    }

    /// Walks little-endian chunks; `unexplained` is where something else starts, nil if they reach the end of the file.
    fileprivate func chunks(from start: Int) -> (unexplained: Int?, count: Int) {
        var offset = start
        var count = 0
        while offset < byteCount {
            guard isChunkName(at: offset), let size = integer(at: offset + 4, count: 4, bigEndian: begins("RIFX")),
                offset + 8 + size <= byteCount
            else { return (offset, count) }
            offset += 8 + size
            if size % 2 == 1, offset < byteCount, isChunkName(at: offset + 1) || !isChunkName(at: offset) { offset += 1 }
            count += 1
        }
        return (nil, count)
    }

    /// Where the chunks start that end the file, such as a LIST of names; the end of the file where there are none.
    fileprivate func lastChunks(after start: Int) -> Int {
        var tries = 16  // Each may walk far.
        for offset in stride(from: max(start, byteCount - 65_536), to: byteCount - 8, by: 1)
        where self[offset] == 0x4C || self[offset] | 0x20 == 0x69 {
            guard begins("LIST", at: offset) || begins("id3 ", at: offset) || begins("ID3 ", at: offset) else { continue }
            if chunks(from: offset).unexplained == nil { return offset }
            tries -= 1
            if tries == 0 { break }
        }
        return byteCount
    }

    /// Whether only zeros or a tag follow.
    func isPadding(from offset: Int) -> Bool {
        MPEGFrames.tag(self, at: offset) != nil || (offset..<byteCount).allSatisfy { self[$0] == 0 }
    }
}
