package import Foundation
package import JSON

/// How a row names a clip: the one reader of clips in training rows and question rows. Whoever reads the rows finds what paths and uploads name.
package enum ClipReference: Sendable, Equatable {
    case path(String)
    case bytes(Data)
    /// An upload's id.
    case file(id: String)

    /// Members that hold clips, in the names of this program, Hugging Face, ms-swift, LLaMA-Factory and NeMo.
    package static let members = [
        "audio", "audios", "audio_path", "audio_paths", "audio_url", "audio_urls", "audio_file", "audio_filepath", "file_name", "wav", "sound",
        "speech", "clip",
    ]

    /// The clips beside a row's text.
    package static func clips(of row: inout RowMembers, columns: [String]) throws(RowError) -> [ClipReference] {
        var found: (name: String, clips: [ClipReference])?
        for name in members + columns.filter({ $0.hasSuffix("_file_name") }).sorted() {
            guard let value = row.value(name) else { continue }
            var clips: [ClipReference] = []
            if case .array(let list) = value {
                for (index, value) in list.enumerated() { clips.append(try ClipReference(value, at: "\(name)[\(index)]")) }
            } else {
                clips = [try ClipReference(value, at: name)]
            }
            if clips.isEmpty { continue }
            if let found, found.clips != clips { throw RowError("\(name): names other clips than \(found.name); keep one of them") }
            found = found ?? (name, clips)
        }
        return found?.clips ?? []
    }

    /// A path or data URL, or an object with `path`, `url`, `file_id`, or with base64 in `data` or `bytes`, as in `input_audio`.
    package init(_ value: JSONValue, at place: String) throws(RowError) {
        if case .string(let text) = value {
            self = try ClipReference(text, at: place)
            return
        }
        var members = try RowMembers(value, at: place)
        if members.has("array") {
            throw RowError("\(place).array: samples are not read from numbers; write the clip to a file and name its path")
        }
        let encoded = try members.text("data", "bytes")
        let named = try members.text("path", "file", "audio_path")
        let address = try members.text("url", "audio_url")
        let upload = try members.text("file_id")
        members.ignore(["format", "sampling_rate", "array"])
        try members.end()
        // Hugging Face stores the file's name beside its bytes.
        switch (encoded, address, upload) {
        case (let text?, nil, nil): self = .bytes(try Self.decoded(text, at: place))
        case (nil, let text?, nil) where named == nil: self = try ClipReference(text, at: place)
        case (nil, nil, let id?) where named == nil: self = .file(id: id)
        case (nil, nil, nil):
            guard let named else { throw RowError("\(place): expected `path`, `data`, `url` or `file_id`, found none of them") }
            self = try ClipReference(named, at: place)
        default: throw RowError("\(place): expected one of `path`, `data`, `url` and `file_id`, found several")
        }
    }

    private init(_ text: String, at place: String) throws(RowError) {
        if DataURL.begins(text) {
            self = .bytes(try Self.decoded(text, at: place))
        } else if text.isEmpty {
            throw RowError("\(place): expected a clip, found an empty text")
        } else if text.contains("://") {
            throw RowError("\(place): nothing is fetched; name a file, or put the clip into the row (found \(text.prefix(60)))")
        } else {
            self = .path(text)
        }
    }

    private static func decoded(_ text: String, at place: String) throws(RowError) -> Data {
        do throws(DataURLError) {
            if DataURL.begins(text) { return try DataURL(text).bytes }
        } catch {
            throw RowError("\(place): \(error)")
        }
        guard let bytes = Base64Text.bytes(text) else { throw RowError("\(place): expected base64, found other characters") }
        return bytes
    }
}
