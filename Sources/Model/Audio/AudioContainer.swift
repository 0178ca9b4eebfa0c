/// The containers that are decoded, recognised by their first bytes; a declared name or type plays no part.
enum AudioContainer: String {
    case wav = "WAV"
    case aiff = "AIFF"
    case flac = "FLAC"
    case ogg = "Ogg"
    case mp3 = "MP3"
    case webm = "WebM"
    case mp4 = "MP4"
    case adts = "AAC"
    case caf = "CAF"
    case amr = "AMR"
    case au = "AU"
    case wave64 = "Wave64"

    /// The container, and its offset: FLAC, AAC and MP3 may follow ID3 tags.
    ///
    /// Throws ``AudioError/notAudio(looksLike:)`` when the bytes begin like anything else.
    static func sniff(_ bytes: RawSpan) throws(AudioError) -> (container: AudioContainer, start: Int) {
        if let container = Self(sniffing: bytes) { return (container, 0) }
        if bytes.begins("ID3") {
            var start = 0
            while bytes.begins("ID3", at: start), let end = MPEGFrames.tag(bytes, at: start) { start = end }
            guard start < bytes.byteCount else { return (.mp3, 0) }
            let container = Self(sniffing: bytes.extracting(start..<bytes.byteCount))
            switch container {
            case .flac?: return (.flac, start)
            case .adts?: return (.adts, start)
            case .mp3?, nil: return (.mp3, 0)
            case let other?: throw .notAudio(looksLike: "an ID3 tag before \(other.rawValue)")
            }
        }
        let appearance = appearance(of: bytes)
        // MP3 that was cut out of a stream may begin with any bytes.
        if appearance == zeros || appearance.hasPrefix(unknown), MPEGFrames.firstFrame(bytes) != nil { return (.mp3, 0) }
        throw .notAudio(looksLike: appearance)
    }

    private init?(sniffing bytes: RawSpan) {
        if ["RIFF", "RIFX", "RF64", "BW64"].contains(where: { bytes.begins($0) }), bytes.begins("WAVE", at: 8) {
            self = .wav
        } else if bytes.begins("FORM"), bytes.begins("AIFF", at: 8) || bytes.begins("AIFC", at: 8) {
            self = .aiff
        } else if bytes.begins("fLaC") {
            self = .flac
        } else if bytes.begins("OggS") {
            self = .ogg
        } else if bytes.begins("\u{1A}\u{45}\u{DF}\u{A3}") {
            self = .webm
        } else if ["ftyp", "styp", "moov", "moof"].contains(where: { bytes.begins($0, at: 4) }) {
            self = .mp4
        } else if bytes.begins("caff\u{0}") {
            self = .caf
        } else if bytes.begins("#!AMR") {
            self = .amr
        } else if bytes.begins(".snd") {
            self = .au
        } else if bytes.begins("riff\u{2E}\u{91}\u{CF}\u{11}") {
            self = .wave64
        } else if bytes.beginsMPEGFrame {
            self = .mp3
        } else if bytes.byteCount >= 2, bytes[0] == 0xFF, bytes[1] & 0xF6 == 0xF0 {
            self = .adts
        } else {
            return nil
        }
    }

    private static let zeros = "zero bytes"
    private static let unknown = "nothing known"

    /// The apparent format of refused bytes, for the error message.
    private static func appearance(of bytes: RawSpan) -> String {
        let signatures: [(String, Int, String)] = [
            ("\u{89}PNG", 0, "a PNG image"), ("\u{FF}\u{D8}\u{FF}", 0, "a JPEG image"), ("GIF8", 0, "a GIF image"),
            ("WEBP", 8, "a WebP image"), ("%PDF", 0, "a PDF document"), ("PK\u{03}\u{04}", 0, "a ZIP archive"),
            ("\u{1F}\u{8B}", 0, "gzip data"), ("AVI ", 8, "an AVI video"), ("RIFF", 0, "a RIFF file that is not WAV"),
            ("\u{30}\u{26}\u{B2}\u{75}", 0, "Windows Media (ASF)"), ("\u{7F}ELF", 0, "an ELF program"),
            ("UklGR", 0, "WAV in base64 (decode it first)"), ("data:", 0, "a data: URL (decode it first)"),
        ]
        for (signature, offset, name) in signatures where bytes.begins(signature, at: offset) { return name }
        let start = (0..<min(bytes.byteCount, 512)).map { bytes[$0] }
        if start.allSatisfy({ $0 == 0 }) { return zeros }
        if start.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || (9...13).contains($0) }) {
            let text = String(decoding: start, as: UTF8.self).drop { $0.isWhitespace }.lowercased()
            if text.hasPrefix("{") || text.hasPrefix("[") { return "JSON" }
            if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") { return "HTML" }
            if text.hasPrefix("<") { return "XML" }
            return "text"
        }
        let digits = start.prefix(8).map { byte in
            let hex = String(byte, radix: 16)
            return hex.count == 1 ? "0" + hex : hex
        }
        return "\(unknown) (first bytes \(digits.joined(separator: " ")))"
    }
}

extension RawSpan {
    /// One byte; `index` must be inside.
    subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < byteCount, "byte \(index) of \(byteCount)")
        return unsafe unsafeLoad(fromByteOffset: index, as: UInt8.self)
    }

    /// Whether the Latin-1 `signature` stands at `offset`.
    func begins(_ signature: String, at offset: Int = 0) -> Bool {
        let scalars = signature.unicodeScalars
        guard offset >= 0, offset <= byteCount - scalars.count else { return false }
        return zip(offset..., scalars).allSatisfy { UInt32(self[$0]) == $1.value }
    }

    /// Whether the first four bytes are a frame header of MPEG audio, layers I to III. (In AAC the layer bits are zero.)
    var beginsMPEGFrame: Bool {
        guard byteCount >= 4, self[0] == 0xFF, self[1] & 0xE0 == 0xE0 else { return false }
        let version = self[1] >> 3 & 3
        let layer = self[1] >> 1 & 3
        let bitRate = self[2] >> 4
        let rate = self[2] >> 2 & 3
        return version != 1 && layer != 0 && bitRate != 15 && rate != 3
    }

    /// An unsigned integer of `count` bytes at `offset`, of eight bytes a signed one; nil past the end.
    func integer(at offset: Int, count: Int, bigEndian: Bool) -> Int? {
        guard offset >= 0, offset <= byteCount - count else { return nil }
        var value = 0
        for index in 0..<count { value = value << 8 | Int(self[offset + (bigEndian ? index : count - 1 - index)]) }
        return value
    }
}
