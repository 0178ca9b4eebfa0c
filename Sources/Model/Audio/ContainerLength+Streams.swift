/// The containers that browsers and phones record, checked from the first byte to the last. A file that is cut off, joined or unexplained has
/// an error of its own and never reaches a decoder.
extension ContainerLength {
    /// MP4, M4A, 3GP, QuickTime (ISO/IEC 14496-12): boxes of a size and a type. Size 1: the size follows in 64 bits; 0: to the end.
    static func checkBoxes(_ bytes: RawSpan) throws(AudioError) {
        var offset = 0
        var movies = 0
        while offset < bytes.byteCount {
            guard bytes.isChunkName(at: offset + 4), var size = bytes.integer(at: offset, count: 4, bigEndian: true) else {
                return try checkRest(bytes, from: offset, format: .mp4)
            }
            if size == 1 {
                guard let wide = bytes.integer(at: offset + 8, count: 8, bigEndian: true) else {
                    throw .truncated(promised: offset + 16, found: bytes.byteCount, unit: "bytes")
                }
                size = wide
            }
            if offset > 0, bytes.begins("ftyp", at: offset + 4) { throw joined(.mp4, at: offset) }
            if bytes.begins("moov", at: offset + 4) {
                movies += 1
                if movies > 1 { throw joined(.mp4, at: offset) }
            }
            if size == 0 { return }
            guard size >= 8 else { return try checkRest(bytes, from: offset, format: .mp4) }
            offset = try end(offset, size, bytes)
        }
    }

    /// WebM and Matroska (RFC 8794, 9559): elements of an id and a size, where segments and clusters may not know theirs.
    static func checkElements(_ bytes: RawSpan) throws(AudioError) {
        let (header, segment, cluster) = (0x1A45_DFA3, 0x1853_8067, 0x1F43_B675)
        var offset = 0
        while offset < bytes.byteCount {
            guard let id = bytes.variableInteger(at: offset, longest: 4, keepsMarker: true) else {
                if bytes[offset] >= 0x10 { throw .truncated(promised: offset + 4, found: bytes.byteCount, unit: "bytes") }
                return try checkRest(bytes, from: offset, format: .webm)
            }
            guard let size = bytes.variableInteger(at: offset + id.length, longest: 8, keepsMarker: false) else {
                if offset + id.length + 8 > bytes.byteCount {
                    throw .truncated(promised: offset + 12, found: bytes.byteCount, unit: "bytes")
                }
                return try checkRest(bytes, from: offset, format: .webm)
            }
            let content = offset + id.length + size.length
            if id.value == header, offset > 0 { throw joined(.webm, at: offset) }
            let isUnknown = size.value == 1 << (7 * size.length) - 1
            if id.value == segment || id.value == cluster {
                if !isUnknown { _ = try end(content, size.value, bytes) }
                offset = content
            } else {
                if isUnknown { return try checkRest(bytes, from: offset, format: .webm) }
                offset = try end(content, size.value, bytes)
            }
        }
    }

    /// Core Audio Format: chunks of a type and a 64-bit size; sound of size −1 reaches to the end.
    static func checkCAF(_ bytes: RawSpan) throws(AudioError) {
        var offset = 8
        while offset < bytes.byteCount {
            if bytes.begins("caff", at: offset) { throw joined(.caf, at: offset) }
            guard bytes.isChunkName(at: offset) else { return try checkRest(bytes, from: offset, format: .caf) }
            guard let size = bytes.integer(at: offset + 4, count: 8, bigEndian: true) else {
                throw .truncated(promised: offset + 12, found: bytes.byteCount, unit: "bytes")
            }
            if bytes.begins("data", at: offset), size == -1 {
                if let second = JoinedFile(in: bytes, from: offset) { throw second.error(in: AudioContainer.caf.rawValue) }
                return
            }
            offset = try end(offset + 12, size, bytes)
        }
    }

    /// AAC in ADTS frames (ISO/IEC 13818-7), each as long as its header says; tags may stand anywhere.
    static func checkADTS(_ bytes: RawSpan) throws(AudioError) {
        var offset = 0
        var kind: (UInt8, UInt8)?
        while offset < bytes.byteCount {
            if let tag = MPEGFrames.tag(bytes, at: offset) {
                offset = tag
                continue
            }
            guard bytes[offset] == 0xFF, offset + 1 >= bytes.byteCount || bytes[offset + 1] & 0xF6 == 0xF0 else {
                return try checkRest(bytes, from: offset, format: .adts)
            }
            guard offset + 7 <= bytes.byteCount else {
                throw .truncated(promised: offset + 7, found: bytes.byteCount, unit: "bytes")
            }
            let size = Int(bytes[offset + 3] & 3) << 11 | Int(bytes[offset + 4]) << 3 | Int(bytes[offset + 5] >> 5)
            guard size >= 7 else { return try checkRest(bytes, from: offset, format: .adts) }
            // Profile and rate, and with another byte the number of channels.
            let found = (bytes[offset + 2] & 0xFD, bytes[offset + 3] & 0xC0)
            if let kind, kind != found { throw joined(.adts, at: offset, reason: "at another rate or with other channels") }
            kind = found
            offset = try end(offset, size, bytes)
        }
    }

    /// AMR (RFC 4867): frames as long as the table says for their type, after one line.
    static func checkAMR(_ bytes: RawSpan) throws(AudioError) {
        let isWide = bytes.begins("#!AMR-WB\n")
        guard isWide || bytes.begins("#!AMR\n") else {
            throw .undecodable(format: AudioContainer.amr.rawValue, reason: "its first line is neither #!AMR nor #!AMR-WB")
        }
        let sizes =
            isWide
            ? [17, 23, 32, 36, 40, 46, 50, 58, 60, 5, -1, -1, -1, -1, 0, 0]
            : [12, 13, 15, 17, 19, 20, 26, 31, 5, -1, -1, -1, -1, -1, -1, 0]
        var offset = isWide ? 9 : 6
        while offset < bytes.byteCount {
            if bytes.begins("#!AMR", at: offset) { throw joined(.amr, at: offset) }
            let size = sizes[Int(bytes[offset] >> 3 & 15)]
            guard bytes[offset] & 0x83 == 0, size >= 0 else { return try checkRest(bytes, from: offset, format: .amr) }
            offset = try end(offset, 1 + size, bytes)
        }
    }

    /// AU: where the sound starts and how long it is; all ones, or zero before sound, where the writer did not know.
    static func checkAU(_ bytes: RawSpan) throws(AudioError) {
        guard let start = bytes.integer(at: 4, count: 4, bigEndian: true),
            let size = bytes.integer(at: 8, count: 4, bigEndian: true)
        else {
            throw .truncated(promised: 24, found: bytes.byteCount, unit: "bytes")
        }
        // Programs that write to a pipe leave all ones there, or nothing.
        if size == 0xFFFF_FFFF || size == 0 && start < bytes.byteCount && !bytes.isPadding(from: start) { return }
        let end = try end(start, size, bytes)
        if end < bytes.byteCount { try checkRest(bytes, from: end, format: .au) }
    }

    /// Wave64: chunks of a GUID, whose first bytes are the name of RIFF, and a 64-bit size that counts both; they start at multiples of 8.
    static func checkWave64(_ bytes: RawSpan) throws(AudioError) {
        var offset = 40
        while offset < bytes.byteCount {
            if offset + 24 > bytes.byteCount || !bytes.isChunkName(at: offset) {
                return try checkRest(bytes, from: offset, format: .wave64)
            }
            if bytes.begins("riff", at: offset) { throw joined(.wave64, at: offset) }
            guard let size = bytes.integer(at: offset + 16, count: 8, bigEndian: false), size >= 24 else {
                throw .undecodable(
                    format: AudioContainer.wave64.rawValue, reason: "its chunk at byte \(offset) does not state its size")
            }
            let end = try end(offset, size, bytes)
            offset = end + (8 - end % 8) % 8
        }
    }

    /// `offset` + `size` where that lies in the file.
    private static func end(_ offset: Int, _ size: Int, _ bytes: RawSpan) throws(AudioError) -> Int {
        let (end, overflows) = offset.addingReportingOverflow(size)
        guard size >= 0, !overflows, end <= bytes.byteCount else {
            throw .truncated(promised: size < 0 || overflows ? .max : end, found: bytes.byteCount, unit: "bytes")
        }
        return end
    }

    /// Bytes after the structure must be zeros or a tag.
    private static func checkRest(_ bytes: RawSpan, from offset: Int, format: AudioContainer) throws(AudioError) {
        if let second = JoinedFile(in: bytes, from: offset) { throw second.error(in: format.rawValue) }
        guard offset > 0, bytes.isPadding(from: offset) else {
            throw .unexplained(format: format.rawValue, bytes: bytes.byteCount - offset, at: offset)
        }
    }

    private static func joined(_ container: AudioContainer, at offset: Int, reason: String = "") -> AudioError {
        .joined(format: container.rawValue, second: "another one", at: offset, reason: reason)
    }
}

extension RawSpan {
    /// A number of EBML: the zeros before the first set bit say how many bytes follow.
    fileprivate func variableInteger(at offset: Int, longest: Int, keepsMarker: Bool) -> (value: Int, length: Int)? {
        guard offset < byteCount else { return nil }
        let length = self[offset].leadingZeroBitCount + 1
        guard length <= longest, let value = integer(at: offset, count: length, bigEndian: true) else { return nil }
        return (keepsMarker ? value : value & (1 << (7 * length) - 1), length)
    }
}
