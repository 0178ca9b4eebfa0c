/// The containers that are decoded, recognised by their first bytes; a declared name or type plays no part.
enum AudioContainer: String {
    case wav = "WAV"
    case aiff = "AIFF"
    case flac = "FLAC"
    case ogg = "Ogg"
    case mp3 = "MP3"

    /// Throws ``AudioError/notAudio(looksLike:)`` when the bytes begin like anything else.
    init(sniffing bytes: RawSpan) throws(AudioError) {
        if bytes.begins("RIFF") || bytes.begins("RIFX") || bytes.begins("RF64"), bytes.begins("WAVE", at: 8) {
            self = .wav
        } else if bytes.begins("FORM"), bytes.begins("AIFF", at: 8) || bytes.begins("AIFC", at: 8) {
            self = .aiff
        } else if bytes.begins("fLaC") {
            self = .flac
        } else if bytes.begins("OggS") {
            self = .ogg
        } else if bytes.begins("ID3") || bytes.beginsMPEGFrame {
            self = .mp3
        } else {
            throw .notAudio(looksLike: Self.appearance(of: bytes))
        }
    }

    /// What unaccepted bytes look like, for the error's reader.
    private static func appearance(of bytes: RawSpan) -> String {
        let signatures: [(String, Int, String)] = [
            ("\u{89}PNG", 0, "a PNG image"), ("\u{FF}\u{D8}\u{FF}", 0, "a JPEG image"), ("GIF8", 0, "a GIF image"),
            ("WEBP", 8, "a WebP image"), ("%PDF", 0, "a PDF document"), ("PK\u{03}\u{04}", 0, "a ZIP archive"),
            ("\u{1F}\u{8B}", 0, "gzip data"), ("ftyp", 4, "MP4 or M4A (AAC)"),
            ("\u{1A}\u{45}\u{DF}\u{A3}", 0, "WebM or Matroska"), ("#!AMR", 0, "AMR speech"),
            ("caff", 0, "Core Audio (CAF)"),
            (".snd", 0, "Sun audio (AU)"), ("AVI ", 8, "an AVI video"), ("RIFF", 0, "a RIFF file that is not WAV"),
            ("\u{30}\u{26}\u{B2}\u{75}", 0, "Windows Media (ASF)"), ("\u{7F}ELF", 0, "an ELF program"),
            ("UklGR", 0, "WAV in base64 (decode it first)"), ("data:", 0, "a data: URL (decode it first)"),
        ]
        for (signature, offset, name) in signatures where bytes.begins(signature, at: offset) { return name }
        if bytes.byteCount >= 2, bytes[0] == 0xFF, bytes[1] & 0xF6 == 0xF0 { return "AAC (ADTS)" }

        let start = (0..<min(bytes.byteCount, 512)).map { bytes[$0] }
        if start.allSatisfy({ $0 == 0 }) { return "zero bytes" }
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
        return "nothing known (first bytes \(digits.joined(separator: " ")))"
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
        guard offset + scalars.count <= byteCount else { return false }
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

    /// An unsigned integer of `count` bytes at `offset`, or nil past the end.
    func integer(at offset: Int, count: Int, bigEndian: Bool) -> Int? {
        guard offset >= 0, offset + count <= byteCount else { return nil }
        let bytes = (offset..<offset + count).map { Int(self[$0]) }
        return (bigEndian ? bytes : bytes.reversed()).reduce(0) { $0 << 8 | $1 }
    }
}
