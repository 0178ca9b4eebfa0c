import Hashing

/// One clip in the form of the models' input, and the properties of the submitted file.
///
///     bytes → decode → mean of the channels → resample → samples, float32 mono at 16 kHz
package struct AudioClip: Sendable, Equatable {
    /// The rate of every clip's ``samples``, in Hz.
    package static let sampleRate = 16_000

    /// Mono samples at ``sampleRate``; full scale is ±1.
    package let samples: [Float]

    /// The submitted file.
    package let source: AudioSource

    /// Length of ``samples`` in seconds.
    package var seconds: Double { Double(samples.count) / Double(Self.sampleRate) }

    package init(samples: [Float], source: AudioSource) {
        self.samples = samples
        self.source = source
    }

    /// Creates a clip of 16 kHz mono samples. Its hash is that of the samples' bytes in memory.
    package init(samples: [Float]) {
        let digest = unsafe SHA256.hex(samples.span.bytes)
        self.init(
            samples: samples,
            source: AudioSource(
                sampleRate: Self.sampleRate, channels: 1, format: "samples",
                seconds: Double(samples.count) / Double(Self.sampleRate), sha256: digest))
    }
}

/// The properties of the submitted audio before it was mixed and resampled.
package struct AudioSource: Sendable, Equatable {
    /// Hz.
    package let sampleRate: Int
    package let channels: Int
    /// Container and encoding, such as `WAV (Signed 16 bit PCM)`.
    package let format: String
    package let seconds: Double
    /// SHA-256 of the submitted bytes, 64 lower-case hexadecimal digits.
    package let sha256: String

    /// Samples over all channels that were decoded, before mixing and resampling.
    package var sampleCount: Int { Int((seconds * Double(sampleRate)).rounded()) * channels }

    package init(sampleRate: Int, channels: Int, format: String, seconds: Double, sha256: String) {
        self.sampleRate = sampleRate
        self.channels = channels
        self.format = format
        self.seconds = seconds
        self.sha256 = sha256
    }
}
