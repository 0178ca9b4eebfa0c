/// The reason why a submitted clip was refused. ``kind`` decides the HTTP status; ``description`` is for the client.
package enum AudioError: Error, Sendable, Equatable {
    /// No bytes at all.
    case empty
    /// The first bytes belong to something else; `looksLike` names it.
    case notAudio(looksLike: String)
    /// An accepted container that the decoder cannot read.
    case undecodable(format: String, reason: String)
    case unsupportedSampleRate(Int)
    /// The header declares zero channels.
    case noChannels(format: String)
    /// A readable file without a single sample.
    case noSamples(format: String)
    /// The container promises more than the file has. `unit` is `frames` (samples per channel) or `bytes`.
    case truncated(promised: Int, found: Int, unit: String)
    /// A sample is NaN, infinite or absurdly large (above ``AudioDecoder/largestMagnitude``).
    case invalidSample(frame: Int, value: String)
    /// The clip is too long. If the header does not state the length, decoding stopped at the limit, and the clip may be longer.
    case tooLong(atLeastSeconds: Double, limitSeconds: Double)
    /// Samples over all channels, as stored, that would take too long to decode. As with seconds, there may be more of them.
    case tooManySamples(atLeast: Int, sampleRate: Int, channels: Int, limit: Int)
    /// The clip does not fit the model's window.
    case longerThanWindow(seconds: Double, windowSeconds: Double)
    /// One clip alone takes more than the context.
    case longerThanContext(seconds: Double, contextSeconds: Double, tokens: Int)
    /// Too little sound to make one audio embedding.
    case tooShort(seconds: Double)
    /// Another stream follows the first, at a byte of the file, and is not its continuation.
    case joined(format: String, second: String, at: Int, reason: String)
    /// The file has bytes that do not belong to the container's structure.
    case unexplained(format: String, bytes: Int, at: Int)
    /// The program that decodes this format cannot be started: the installation's fault, not the clip's.
    case decoderUnavailable(format: String, reason: String)
    /// The request for the clip was cancelled.
    case cancelled

    package enum Kind: Sendable {
        /// HTTP 400.
        case malformed
        /// HTTP 413.
        case tooLarge
        /// HTTP 415.
        case undecodable
    }

    package var kind: Kind {
        switch self {
        case .empty, .noChannels, .noSamples, .truncated, .invalidSample, .tooShort, .joined, .unexplained, .cancelled: .malformed
        case .tooLong, .tooManySamples, .longerThanWindow, .longerThanContext: .tooLarge
        case .notAudio, .undecodable, .unsupportedSampleRate, .decoderUnavailable: .undecodable
        }
    }

    /// A stable name for programs.
    package var code: String {
        switch self {
        case .empty: "audio_empty"
        case .notAudio: "audio_not_recognized"
        case .undecodable: "audio_undecodable"
        case .unsupportedSampleRate: "audio_sample_rate"
        case .noChannels: "audio_no_channels"
        case .noSamples: "audio_no_samples"
        case .truncated: "audio_truncated"
        case .invalidSample: "audio_invalid_sample"
        case .tooLong: "audio_too_long"
        case .tooManySamples: "audio_too_many_samples"
        case .longerThanWindow: "audio_longer_than_window"
        case .longerThanContext: "audio_longer_than_context"
        case .tooShort: "audio_too_short"
        case .joined: "audio_joined"
        case .unexplained: "audio_unexplained_bytes"
        case .decoderUnavailable: "audio_decoder_unavailable"
        case .cancelled: "cancelled"
        }
    }

    static let accepted = """
        accepted are WAV, FLAC, Ogg (Vorbis, Opus, FLAC, Speex), MP3, AIFF, WebM, MP4, M4A, 3GP, AAC, CAF, AMR, AU and Wave64
        """
}

extension AudioError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty:
            "The audio is empty (0 bytes); \(Self.accepted)."
        case .notAudio(let looksLike):
            "The bytes are not audio that can be decoded: they look like \(looksLike); \(Self.accepted)."
        case .undecodable(let format, let reason):
            "The audio looks like \(format) but cannot be decoded: \(reason); \(Self.accepted)."
        case .unsupportedSampleRate(let rate):
            """
            The audio declares a sample rate of \(rate) Hz; accepted are \(AudioDecoder.sampleRates.lowerBound) to \
            \(AudioDecoder.sampleRates.upperBound) Hz.
            """
        case .noChannels(let format):
            "The \(format) header declares 0 channels; at least 1 is needed."
        case .noSamples(let format):
            "The \(format) file holds no samples; at least 1 is needed."
        case .truncated(let promised, let found, let unit):
            """
            The audio is truncated: its header promises \(promised) \(unit), found \(found); send the whole file, or one \
            whose header states the true length.
            """
        case .invalidSample(let frame, let value):
            """
            Sample \(frame) of the audio is \(value); samples must be finite numbers (full scale is ±1, at most \
            ±\(AudioDecoder.largestMagnitude)).
            """
        case .tooLong(let seconds, let limit):
            "The audio is too long: at least \(Self.seconds(seconds)) s; the limit is \(Self.seconds(limit)) s."
        case .tooManySamples(let samples, let rate, let channels, let limit):
            """
            The audio holds at least \(samples) samples in \(channels) channel\(channels == 1 ? "" : "s") at \(rate) Hz; at most \(limit) \
            are decoded. Send one channel at 16000 Hz, which is what is heard.
            """
        case .longerThanWindow(let seconds, let window):
            """
            The audio lasts \(Self.seconds(seconds)) s, but the model hears at most \(Self.seconds(window)) s at once; \
            send a shorter clip or several clips.
            """
        case .longerThanContext(let seconds, let context, let tokens):
            """
            The audio lasts at least \(Self.seconds(seconds)) s, but a prompt of \(tokens) tokens, the most that fits here, holds \
            \(Self.seconds(context)) s of sound; send a shorter clip.
            """
        case .tooShort(let seconds):
            "The audio lasts \(Self.seconds(seconds)) s, too little to hear anything; send at least 0.05 s."
        case .joined(let format, let second, let offset, let reason):
            """
            The \(format) file holds more than one stream: \(second) begins at byte \(offset)\(reason.isEmpty ? "" : ", " + reason); send \
            each as a clip of its own.
            """
        case .unexplained(let format, let count, let offset):
            """
            The \(format) header accounts for \(offset) bytes, but \(count) more follow that are no part of it; send a file whose header \
            states the true length.
            """
        case .decoderUnavailable(let format, let reason):
            "\(format) is decoded by a program of its own, which this server cannot start: \(reason)."
        case .cancelled:
            "Decoding the audio was cancelled."
        }
    }

    /// Rounded up to a millisecond, so that a length just above a limit never reads as the limit.
    private static func seconds(_ value: Double) -> String {
        let milliseconds = (value * 1000).rounded(.up)
        return milliseconds.truncatingRemainder(dividingBy: 1000) == 0
            ? String(Int(milliseconds / 1000)) : String(milliseconds / 1000)
    }
}
