package import Foundation

/// The media types of clips that are forwarded unchanged.
package enum AudioMediaType {
    /// The media type by the first bytes, independent of a declared name; nil if the container is not decoded.
    package static func of(_ clip: Data) -> String? {
        guard let container = try? unsafe AudioContainer.sniff(clip.span.bytes).container else { return nil }
        return switch container {
        case .wav: "audio/wav"
        case .aiff: "audio/aiff"
        case .flac: "audio/flac"
        case .ogg: "audio/ogg"
        case .mp3: "audio/mpeg"
        case .webm: "audio/webm"
        case .mp4: "audio/mp4"
        case .adts: "audio/aac"
        case .caf: "audio/x-caf"
        case .amr: "audio/amr"
        case .au: "audio/basic"
        case .wave64: "audio/x-w64"
        }
    }
}
