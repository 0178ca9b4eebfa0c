import Audio

/// Something that speaks a text: an external command or a remote endpoint.
package protocol Synthesizer: Sendable {
    /// Everything but the text and the voice that decides how the audio sounds; part of the cache's key.
    var fingerprint: String { get }

    /// The bytes of a sound file. Throws ``SpeechError``, or `CancellationError`.
    func speak(_ text: String, voice: Voice) async throws -> [UInt8]
}

/// Why a text could not be spoken.
package enum SpeechError: Error, Sendable, Equatable, CustomStringConvertible {
    case commandMissing(command: String)
    case commandFailed(command: String, status: Int32, message: String)
    case commandTimedOut(command: String, seconds: Double)
    case noAudio(source: String, text: String, reason: String)
    case unspeakable(text: String, reason: String)
    case fileSystem(path: String, reason: String)

    package var description: String {
        switch self {
        case .commandMissing(let command):
            "cannot speak: the command '\(command)' is not installed or not on PATH; "
                + "\(command == "espeak-ng" ? "install it ('apt-get install espeak-ng')" : "install it") "
                + "or configure another command or an endpoint"
        case .commandFailed(let command, let status, let message):
            "'\(command)' failed with status \(status): \(message.isEmpty ? "no message" : message)"
        case .commandTimedOut(let command, let seconds):
            "'\(command)' did not finish within \(seconds) s and was stopped; raise the timeout or check the command"
        case .noAudio(let source, let text, let reason):
            "\(source) gave no usable audio for '\(text.prefix(80))': \(reason)"
        case .unspeakable(let text, let reason): "cannot speak '\(text.prefix(80))': \(reason)"
        case .fileSystem(let path, let reason): "cannot write \(path): \(reason)"
        }
    }
}
