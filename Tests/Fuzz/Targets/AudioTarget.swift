import Audio
import Foundation

extension FuzzTarget {
    /// Containers and their codecs, as uploads and `input_audio` bring them. Under libFuzzer there is no `cord-decode`: what is tried of
    /// the containers that it decodes is their structure.
    static let audio = FuzzTarget(
        name: "audio",
        seeds: {
            try files("audio/clips", ["wav", "flac", "ogg", "opus", "mp3", "aiff"])
                + files(
                    "audio/containers",
                    [
                        "wav", "flac", "ogg", "oga", "mp3", "mp2", "aiff", "webm", "mka", "mp4", "m4a", "mov", "3gp", "aac", "caf", "amr",
                        "au", "w64",
                    ], upTo: 12 << 10)
        },
        run: { data in
            let limits = AudioLimits(maxSeconds: 20)
            guard let clip = try? AudioDecoder.decode([UInt8](data), limits: limits) else { return }
            precondition(clip.samples.allSatisfy(\.isFinite), "a sample is not finite")
            precondition(clip.samples.count <= 16_000 * 21, "\(clip.samples.count) samples of at most 20 s")
        })
}
