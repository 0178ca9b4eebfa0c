import COpus

/// Ogg Opus (RFC 7845) as nearly all of it is written: one stream of one or two channels without holes, decoded by libopus itself.
///
///     OpusHead: channels, samples to skip, rate, gain   → page of comments →   packets, the last cut off where its page's position says
///
/// libsndfile gives the same samples. But for every packet it asks libopus four times how large a decoder is, and each time libopus asks
/// the CPU what it is: on a virtual machine that traps into the hypervisor and takes longer than the decoding.
@safe struct OpusStream: ~Copyable {
    let sampleRate: Int
    let channelCount: Int
    /// Frames after the skipped ones.
    let frameCount: Int

    private let decoder: OpaquePointer
    private let bytes: UnsafeRawBufferPointer
    private let packets: [Range<Int>]
    private var nextPacket = 0
    private var framesToSkip: Int
    private var framesRead = 0
    /// The rest of the packet that `read` has begun.
    private var decoded: [Float]
    private var pending = 0..<0
    private(set) var failure: String?

    /// Positions and `preskip` count at this rate whatever the rate of decoding.
    private static let positionRate = 48_000
    private static let longestPacket = 120

    /// Opens `bytes`, which must stay in place as long as the value lives. Nil if this is not Opus or not so plain: then it is
    /// libsndfile's business. Throws where pages are damaged or cut off.
    @unsafe init?(bytes: UnsafeRawBufferPointer) throws(AudioError) {
        let span = unsafe bytes.bytes
        var pages: [OggPage] = []
        var offset = 0
        while offset < span.byteCount {
            let page = try OggPage(span, at: offset)
            if pages.isEmpty, !(page.packets.count == 1 && span.begins("OpusHead", at: page.packets[0].lowerBound)) { return nil }
            pages.append(page)
            offset = page.end
        }
        guard pages.count >= 3, let head = Head(span.extracting(pages[0].packets[0])), Self.isOneStream(pages) else { return nil }

        var packets: [Range<Int>] = []
        var frames = 0
        let factor = Self.positionRate / head.rate
        // The comments may take several pages, even ones without the end of a packet; sound begins on a page of its own.
        guard let comments = pages[1...].firstIndex(where: { !$0.packets.isEmpty }), pages[comments].packets.count == 1,
            !pages[comments].isContinued, comments + 1 < pages.count
        else { return nil }
        for page in pages[(comments + 1)...] {
            guard !page.continues, !page.isContinued else { return nil }
            for packet in page.packets {
                guard !packet.isEmpty else { return nil }
                let count = unsafe opus_packet_get_nb_samples(
                    bytes.baseAddress! + packet.lowerBound, Int32(packet.count), Int32(head.rate))
                guard count > 0 else { return nil }
                frames += Int(count)
            }
            packets += page.packets
            let reached = Int(clamping: page.position)
            guard page.ends ? reached <= frames * factor : reached == frames * factor else { return nil }
        }
        let (end, start) = (Int(clamping: pages[pages.count - 1].position), head.preskip)
        guard end >= start, end % factor == 0, start % factor == 0 else { return nil }

        var status: Int32 = 0
        guard let decoder = unsafe opus_decoder_create(Int32(head.rate), Int32(head.channels), &status) else { return nil }
        unsafe cord_opus_set_gain(decoder, Int32(head.gain))
        unsafe self.decoder = unsafe decoder
        unsafe self.bytes = unsafe bytes
        self.packets = packets
        sampleRate = head.rate
        channelCount = head.channels
        frameCount = (end - start) / factor
        framesToSkip = start / factor
        decoded = [Float](repeating: 0, count: head.rate / 1000 * Self.longestPacket * head.channels)
    }

    deinit { unsafe opus_decoder_destroy(decoder) }

    private static func isOneStream(_ pages: [OggPage]) -> Bool {
        pages.enumerated().allSatisfy { index, page in
            page.stream == pages[0].stream && page.number == pages[0].number + index && page.begins == (index == 0)
                && page.ends == (index == pages.count - 1)
        }
    }

    /// The first packet. Nil if it asks for more than one stream or for a rate that libopus does not decode to.
    private struct Head {
        let channels, preskip, rate, gain: Int

        init?(_ packet: RawSpan) {
            guard packet.byteCount == 19, packet[8] < 16, packet[18] == 0 else { return nil }
            channels = Int(packet[9])
            preskip = packet.integer(at: 10, count: 2, bigEndian: false)!
            rate = packet.integer(at: 12, count: 4, bigEndian: false)!
            gain = Int(Int16(truncatingIfNeeded: packet.integer(at: 16, count: 2, bigEndian: false)!))
            guard (1...2).contains(channels), [8_000, 12_000, 16_000, 24_000, 48_000].contains(rate) else { return nil }
        }
    }
}

extension OpusStream: FrameSource {
    var declaredFrames: Int? { frameCount }
    var format: String { "Ogg (Opus)" }

    mutating func read(into block: inout [Float]) -> Int? {
        let room = block.count / channelCount
        var count = 0
        while count < room, framesRead < frameCount, failure == nil {
            if pending.isEmpty { decodeNext() }
            let many = min(room - count, pending.count, frameCount - framesRead)
            for index in 0..<many * channelCount {
                block[count &* channelCount &+ index] = decoded[pending.lowerBound &* channelCount &+ index]
            }
            pending = pending.lowerBound + many..<pending.upperBound
            framesRead += many
            count += many
        }
        return count
    }

    private mutating func decodeNext() {
        // Their samples were counted when the stream was opened, so the packets do not end before the frames do.
        let packet = packets[nextPacket]
        nextPacket += 1
        let frames = unsafe opus_decode_float(
            decoder, bytes.baseAddress! + packet.lowerBound, Int32(packet.count), &decoded, Int32(decoded.count / channelCount), 0)
        guard frames > 0 else {
            failure = unsafe String(cString: opus_strerror(frames))
            return
        }
        let skipped = min(framesToSkip, Int(frames))
        framesToSkip -= skipped
        pending = skipped..<Int(frames)
    }
}
