import Audio
import Foundation

extension QuestionSet {
    /// The clips of spoken items as a page embeds them: `data:` URIs of Ogg Opus, as long as all clips together
    /// take at most `limit` bytes. Beyond that the page has no players, so that it stays one file that browsers can open.
    ///
    /// - Parameter check: Called before every item; an error that it throws ends the reading.
    package func embeddedClips(
        of items: [ItemResult], limit: Int = 24 << 20, check: () throws -> Void = {}
    ) throws -> (ItemResult) -> String? {
        var pages: [String: String] = [:]
        var bytes = 0
        for item in items where [Arm.audio, .shuffledAudio, .transcript].contains(where: { item.arms[$0] != nil }) {
            try check()
            guard let name = item.audio, let data = try? clip(named: name).read(), let clip = Self.opus(data) else {
                continue
            }
            bytes += clip.count
            if bytes > limit { return { _ in nil } }
            pages[item.id] = "data:audio/ogg;base64," + clip.base64EncodedString()
        }
        return { pages[$0.id] }
    }

    /// A sound file as Ogg Opus, which browsers play and which takes a tenth of a WAV file's bytes. A file that is Opus already is unchanged. Nil if it
    /// cannot be decoded; the item then has an error of its own.
    private static func opus(_ file: Data) -> Data? {
        if file.prefix(64).range(of: Data("OpusHead".utf8)) != nil { return file }
        guard let clip = try? AudioDecoder.decode([UInt8](file), limits: AudioLimits(maxSeconds: 600)) else { return nil }
        return (try? SoundFileWriter.bytes(clip.samples, encoding: .opus)).map { Data($0) }
    }
}
