import Hashing

/// Submitted bytes to a clip:
///
///     bytes → container (sniffed) → its structure, checked → streams, one after the other → Hearing → AudioClip
///
///     WAV, AIFF, FLAC, Ogg Vorbis    SoundFile         libsndfile
///     Ogg Opus                       OpusStream        libopus; libsndfile where it is not plain
///     MP3                            MPEGStream        libmpg123
///     all others                     DecoderProcess    FFmpeg's libraries, in a process of its own
///
/// No more than one block and the 16 kHz result is ever in memory, and the result is bounded by the limit on seconds: what a
/// header claims allocates nothing. The order (mono, then 16 kHz) is that of the Hugging Face pipelines.
package enum AudioDecoder {
    /// Sample rates that are accepted, in Hz.
    package static let sampleRates = 1_000...768_000

    /// The largest magnitude of a sample. Float files may exceed full scale, or contain integers; beyond this bound the power
    /// spectrum would overflow.
    package static let largestMagnitude: Float = 4_294_967_296

    package static func decode(
        _ bytes: [UInt8], limits: AudioLimits, isCancelled: () -> Bool = { false }
    ) throws(AudioError) -> AudioClip {
        try unsafe decode(bytes.span.bytes, limits: limits, isCancelled: isCancelled)
    }

    /// Decodes a whole file. Safe to call from several threads at once.
    ///
    /// - Parameter isCancelled: Called before each block of 65,536 samples. If it returns true, decoding ends with ``AudioError/cancelled``.
    package static func decode(
        _ bytes: RawSpan, limits: AudioLimits, isCancelled: () -> Bool = { false }
    ) throws(AudioError) -> AudioClip {
        guard bytes.byteCount > 0 else { throw .empty }
        let (container, start) = try AudioContainer.sniff(bytes)
        let file = bytes.extracting(start..<bytes.byteCount)
        var hearing = Hearing(limits: limits, container: container)
        switch container {
        case .wav:
            let wave = try RIFFWave(file)
            var length = ContainerLength()
            length.channels = wave.channels
            length.sound = wave.promised.map { ($0, wave.sound.count) }
            guard !wave.sound.isEmpty else {
                if let (promised, _) = length.sound, promised > 0 {
                    throw .truncated(promised: promised, found: 0, unit: "bytes")
                }
                throw .noSamples(format: container.rawValue)
            }
            if wave.isCompressed {
                if let (promised, found) = length.sound, found < promised { throw .truncated(promised: promised, found: found, unit: "bytes") }
                var process = try DecoderProcess(file, container: container, isCancelled: isCancelled)
                try hearing.hear(&process, isCancelled: isCancelled)
            } else {
                try soundFile(file.extracting(wave.sound), head: wave.head, length, into: &hearing, isCancelled)
            }
        case .aiff:
            let length = try ContainerLength(file, container: container)
            if length.channels == 0 { throw .noChannels(format: container.rawValue) }
            try soundFile(
                file.extracting(length.soundStart..<file.byteCount), head: length.head, length, into: &hearing, isCancelled)
        case .flac:
            if let second = JoinedFile(in: file, from: 4) { throw second.error(in: container.rawValue) }
            // Bytes 21 to 25 end with the 36 bits of the number of frames. libFLAC tells nobody that a file of unknown length is cut off.
            if let frames = file.integer(at: 21, count: 5, bigEndian: true), frames & 0xF_FFFF_FFFF == 0 {
                var process = try DecoderProcess(file, container: container, isCancelled: isCancelled)
                try hearing.hear(&process, isCancelled: isCancelled)
            } else {
                try soundFile(file, ContainerLength(), into: &hearing, isCancelled)
            }
        case .ogg:
            for link in try OggPage.links(file) {
                hearing.offset = link.range.lowerBound
                try oggStream(file.extracting(link.range), hasEnd: link.hasEnd, into: &hearing, isCancelled)
            }
        case .mp3:
            guard let frames = try MPEGFrames(file) else {
                throw .undecodable(
                    format: container.rawValue, reason: "no frames follow one another (free format is not decoded)")
            }
            for part in frames.parts where part.count > 0 {
                hearing.offset = part.ranges[0].lowerBound
                var stream = try MPEGStream(part, of: file)
                try hearing.hear(&stream, isCancelled: isCancelled)
            }
        case .webm, .mp4, .adts, .caf, .amr, .au, .wave64:
            _ = try ContainerLength(file, container: container)
            var process = try DecoderProcess(file, container: container, isCancelled: isCancelled)
            try hearing.hear(&process, isCancelled: isCancelled)
        }
        return try hearing.clip(of: bytes)
    }

    private static func soundFile(
        _ file: RawSpan, head: [UInt8] = [], _ length: ContainerLength, into hearing: inout Hearing, _ isCancelled: () -> Bool
    ) throws(AudioError) {
        try unsafe file.withUnsafeBytes { (buffer) throws(AudioError) in
            var source = try unsafe SoundFile(head: head, bytes: buffer, container: hearing.container)
            try hearing.hear(&source, length, isCancelled: isCancelled)
        }
    }

    private static func oggStream(
        _ link: RawSpan, hasEnd: Bool, into hearing: inout Hearing, _ isCancelled: () -> Bool
    ) throws(AudioError) {
        // A stream's first packet is alone on its page of one segment.
        let other = link.begins("\u{7F}FLAC", at: 28) ? "FLAC" : link.begins("Speex   ", at: 28) ? "Speex" : nil
        if let other {
            guard hasEnd else {
                throw .undecodable(format: "Ogg (\(other))", reason: "it is cut off: its last page does not end the stream")
            }
            var process = try DecoderProcess(link, container: .ogg, isCancelled: isCancelled)
            return try hearing.hear(&process, isCancelled: isCancelled)
        }
        let isOpus = try unsafe link.withUnsafeBytes { (buffer) throws(AudioError) -> Bool in
            guard var stream = try unsafe OpusStream(bytes: buffer) else { return false }
            try hearing.hear(&stream, isCancelled: isCancelled)
            return true
        }
        if !isOpus { try soundFile(link, ContainerLength(), into: &hearing, isCancelled) }
    }
}
