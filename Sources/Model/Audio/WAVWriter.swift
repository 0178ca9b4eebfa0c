/// Mono or interleaved samples to the bytes of a WAV file (RIFF, little-endian).
package enum WAVWriter {
    package enum Encoding: Sendable {
        /// Signed 16 bits: round(x · 32768), limited to the range.
        case pcm16
        /// IEEE 754 binary32, unchanged.
        case float32
    }

    /// `samples` [frames, channels] interleaved, finite, full scale ±1. The data must stay under 4 GiB, as RIFF demands.
    package static func bytes(
        _ samples: [Float], sampleRate: Int = AudioClip.sampleRate, channels: Int = 1, encoding: Encoding = .pcm16
    ) -> [UInt8] {
        precondition(channels > 0 && samples.count % channels == 0, "\(samples.count) samples in \(channels) channels")
        let (tag, width): (UInt16, Int) =
            switch encoding {
            case .pcm16: (1, 2)
            case .float32: (3, 4)
            }
        let size = samples.count * width
        precondition(size < Int(UInt32.max) - 64, "a WAV file cannot hold \(size) bytes of samples")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(44 + size)

        func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
        func append(_ value: some FixedWidthInteger) {
            for shift in stride(from: 0, to: value.bitWidth, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            }
        }
        append("RIFF")
        append(UInt32(36 + size))
        append("WAVEfmt ")
        append(UInt32(16))
        append(tag)
        append(UInt16(channels))
        append(UInt32(sampleRate))
        append(UInt32(sampleRate * channels * width))
        append(UInt16(channels * width))
        append(UInt16(8 * width))
        append("data")
        append(UInt32(size))
        switch encoding {
        case .pcm16:
            for sample in samples { append(Int16(max(-32768, min(32767, (sample * 32768).rounded())))) }
        case .float32:
            for sample in samples { append(sample.bitPattern) }
        }
        return bytes
    }
}
