import Foundation

extension QuestionSet {
    /// Where a page finds the clip of each item that was asked by ear: within the page, as `data:` URIs, while all clips together take
    /// at most `limit` bytes; without a player beyond that, so that the page stays one file that opens.
    ///
    /// - Parameter check: called before every item; what it throws ends the reading.
    package func embeddedClips(
        of items: [ItemResult], limit: Int = 24 << 20, check: () throws -> Void = {}
    ) throws -> (ItemResult) -> String? {
        var pages: [String: String] = [:]
        var bytes = 0
        for item in items where [Arm.audio, .shuffledAudio, .transcript].contains(where: { item.arms[$0] != nil }) {
            try check()
            guard let path = item.audio, let type = Self.mediaType(path), let data = try? Data(contentsOf: folder.appending(path: path))
            else { continue }
            bytes += data.count
            if bytes > limit { return { _ in nil } }
            pages[item.id] = "data:\(type);base64," + data.base64EncodedString()
        }
        return { pages[$0.id] }
    }

    private static func mediaType(_ path: String) -> String? {
        switch (path as NSString).pathExtension.lowercased() {
        case "wav": "audio/wav"
        case "flac": "audio/flac"
        case "ogg", "opus": "audio/ogg"
        case "mp3": "audio/mpeg"
        default: nil
        }
    }
}
