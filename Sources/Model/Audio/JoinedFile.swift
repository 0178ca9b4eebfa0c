import CGNU

/// A sound file inside another, found by a header that is too long to occur by chance: files that were joined end to end. What decodes
/// the first stops at its end and says nothing of the rest.
struct JoinedFile {
    let container: AudioContainer
    let offset: Int

    /// The fixed texts of each container's header: one to search, and another that must be at an offset from it.
    private static let headers: [(AudioContainer, text: String, other: String, at: Int, start: Int)] = [
        (.wav, "WAVEfmt ", "RIFF", -8, -8), (.wav, "WAVEfmt ", "RIFX", -8, -8), (.wav, "WAVEds64", "RF64", -8, -8),
        (.wav, "WAVEJUNK", "RIFF", -8, -8), (.wav, "WAVELIST", "RIFF", -8, -8), (.wav, "WAVEbext", "RIFF", -8, -8),
        (.flac, "fLaC\u{0}\u{0}\u{0}\u{22}", "", 0, 0), (.flac, "fLaC\u{80}\u{0}\u{0}\u{22}", "", 0, 0),
        (.aiff, "AIFFCOMM", "FORM", -8, -8), (.aiff, "AIFCFVER", "FORM", -8, -8), (.aiff, "AIFCCOMM", "FORM", -8, -8),
        (.ogg, "OggS\u{0}\u{2}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "", 0, 0),
        (.caf, "caff\u{0}\u{1}\u{0}\u{0}desc", "", 0, 0),
        (.webm, "webmB", "\u{1A}\u{45}\u{DF}\u{A3}", -24, -24), (.amr, "#!AMR\n", "", 0, 0), (.amr, "#!AMR-WB\n", "", 0, 0),
        (.mp4, "ftypM4A ", "", 0, -4), (.mp4, "ftypisom", "", 0, -4), (.mp4, "ftypmp42", "", 0, -4),
        (.mp4, "ftypiso5", "", 0, -4),
        (.wave64, "riff\u{2E}\u{91}\u{CF}\u{11}", "", 0, 0),
    ]

    /// The first one that starts at `start` or after; nil if there is none.
    init?(in bytes: RawSpan, from start: Int) {
        guard start < bytes.byteCount else { return nil }
        var found: (AudioContainer, Int)?
        for (container, text, other, at, first) in Self.headers {
            let signature = text.unicodeScalars.map { UInt8($0.value) }
            var from = start
            while let offset = Self.find(signature, in: bytes, from: from) {
                from = offset + 1
                guard offset + first >= start, other.isEmpty || offset + at >= 0 && bytes.begins(other, at: offset + at) else {
                    continue
                }
                if offset + first < found?.1 ?? .max { found = (container, offset + first) }
                break
            }
        }
        guard let found else { return nil }
        (container, offset) = found
    }

    private static func find(_ text: [UInt8], in bytes: RawSpan, from start: Int) -> Int? {
        guard start < bytes.byteCount else { return nil }
        let offset = unsafe bytes.extracting(start..<bytes.byteCount).withUnsafeBytes { buffer in
            unsafe cord_find(buffer.baseAddress, buffer.count, text, text.count)
        }
        return offset < 0 ? nil : start + offset
    }

    func error(in format: String) -> AudioError {
        .joined(format: format, second: "another \(container.rawValue) file", at: offset, reason: "")
    }
}
