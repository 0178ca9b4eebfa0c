/// One page of an Ogg file (RFC 3533), whole and with the checksum that it states: 27 bytes, the sizes of its segments, the segments.
/// A packet is a run of segments; it ends with the first that is shorter than 255 bytes.
struct OggPage {
    /// Whether the page begins within a packet of the page before.
    let continues: Bool
    let begins, ends: Bool
    /// The position that the last packet to end here reaches, in the codec's own unit; −1 where none ends.
    let position: Int64
    let stream: Int
    let number: Int
    /// The ranges, in the file, of the packets that end on this page.
    let packets: [Range<Int>]
    /// Whether its last packet goes on in the page after.
    let isContinued: Bool
    /// The offset of the next page in the file.
    let end: Int

    init(_ bytes: RawSpan, at offset: Int) throws(AudioError) {
        func integer(_ at: Int, _ count: Int) -> Int? { bytes.integer(at: offset + at, count: count, bigEndian: false) }
        guard bytes.begins("OggS", at: offset) else {
            throw .undecodable(format: "Ogg", reason: "no page starts at byte \(offset)")
        }
        guard let segments = integer(26, 1), offset + 27 + segments <= bytes.byteCount else {
            throw .truncated(promised: offset + 27, found: bytes.byteCount, unit: "bytes")
        }
        var packets: [Range<Int>] = []
        var start = offset + 27 + segments
        var at = start
        for segment in offset + 27..<offset + 27 + segments {
            at += Int(bytes[segment])
            if bytes[segment] < 255 {
                packets.append(start..<at)
                start = at
            }
        }
        guard at <= bytes.byteCount else { throw .truncated(promised: at, found: bytes.byteCount, unit: "bytes") }
        guard integer(22, 4) == Int(OggChecksum.of(page: bytes.extracting(offset..<at))) else {
            throw .undecodable(format: "Ogg", reason: "the page at byte \(offset) does not match its checksum")
        }
        let flags = bytes[offset + 5]
        (continues, begins, ends) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0)
        let (low, high) = (integer(6, 4)!, integer(10, 4)!)
        position = Int64(Int32(truncatingIfNeeded: high)) << 32 | Int64(low)
        stream = integer(14, 4)!
        number = integer(18, 4)!
        self.packets = packets
        isContinued = start < at
        end = at
    }
}

extension OggPage {
    /// The links of a chain: files that were joined end to end, each of which begins its streams anew; `hasEnd`: the last page says that it
    /// is the last. The decoders would leave out a damaged page without a word, so every page is read here.
    static func links(_ bytes: RawSpan) throws(AudioError) -> [(range: Range<Int>, hasEnd: Bool)] {
        var links: [(range: Range<Int>, hasEnd: Bool)] = []
        var (offset, start) = (0, 0)
        var (isBeginning, hasEnd) = (true, false)
        while offset < bytes.byteCount {
            let page = try OggPage(bytes, at: offset)
            if page.begins, !isBeginning {
                links.append((start..<offset, hasEnd))
                start = offset
            }
            (isBeginning, hasEnd) = (page.begins, page.ends)
            offset = page.end
        }
        return links + [(start..<offset, hasEnd)]
    }
}

/// The checksum of an Ogg page: CRC-32 with polynomial 04C11DB7, not reflected, no inversion, over the page with its checksum field
/// as zeros.
private enum OggChecksum {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index) << 24) { value, _ in value << 1 ^ (value >> 31 == 1 ? 0x04C1_1DB7 : 0) }
    }

    static func of(page: RawSpan) -> UInt32 {
        let table = table
        var checksum: UInt32 = 0
        for index in 0..<page.byteCount {
            let byte = (22..<26).contains(index) ? 0 : page[index]
            checksum = checksum << 8 ^ table[Int(UInt8(truncatingIfNeeded: checksum >> 24) ^ byte)]
        }
        return checksum
    }
}
