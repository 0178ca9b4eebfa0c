/// A clip as the server decoded it.
package struct HeardAudio: Codable, Equatable, Sendable {
    package var seconds: Double
    /// The file's own rate, before resampling.
    package var sampleRate: Int
    package var channels: Int
    package var audioTokens: Int
    /// The digest of the bytes as sent, in hexadecimal.
    package var sha256: String
    /// The detected format, as in `wav/pcm_16`.
    package var format: String?

    package init(seconds: Double, sampleRate: Int, channels: Int, audioTokens: Int, sha256: String, format: String? = nil) {
        (self.seconds, self.sampleRate, self.channels, self.audioTokens) = (seconds, sampleRate, channels, audioTokens)
        (self.sha256, self.format) = (sha256, format)
    }
}
