import Encodings
import JSON

extension ManifestFormat {
    /// The clip that a row names: the member `audio` or the format's own, each with any `{data | file_id | path}`, or the `input_audio` part of a
    /// message. Nil where the question is yet to be spoken.
    ///
    /// - Throws: ``QuestionSetError`` also for a row of a published format that has none.
    func clip(_ row: ManifestRow) throws -> ClipReference? {
        switch self {
        case .cord, .voiceBench, .speechMath: return try row.clip("audio", "audio_path")
        case .audioFolder:
            guard let clip = try row.fileNameColumn().map({ try row.clip($0) }) ?? row.clip() else { throw row.missing("file_name") }
            return clip
        case .bigBenchAudio:
            guard let clip = try row.clip("file_name") else { throw row.missing("file_name or audio") }
            return clip
        case .kimiEvalkit:
            guard let clip = try row.clip("audio_path") else { throw row.missing("audio_path") }
            return clip
        case .msSwift: return try messages(row)
        case .vera: return try VERAEpisode(row: row).clip()
        }
    }

    /// The one clip of a conversation: beside its messages, or a part of the last that the user says.
    private func messages(_ row: ManifestRow) throws -> ClipReference? {
        var clips: [ClipReference] = []
        switch row.value("audios") {
        case nil: clips += try row.clip().map { [$0] } ?? []
        case .array(let list)?: for (place, clip) in list.enumerated() { clips.append(try row.clip(clip, at: "audios[\(place)]")) }
        case let one?: clips.append(try row.clip(one, at: "audios"))
        }
        if case .array(let messages)? = row.columns["messages"], let asked = messages.last(where: { $0["role"] == .string("user") }),
            case .array(let parts)? = asked["content"]
        {
            for (place, part) in parts.enumerated() {
                guard case .object(let members) = part, case .string(let type)? = members["type"], type != "text" else { continue }
                guard let name = ["input_audio", "audio_url", "audio"].first(where: { members[$0] != nil }), let clip = members[name] else {
                    // `{"type": "audio"}` stands where the clip beside the messages is heard.
                    if type == "audio" { continue }
                    throw row.wrongType("messages", "messages of texts and input_audio parts; a part is of the type \(type)")
                }
                clips.append(try row.clip(clip, at: "content[\(place)].\(name)"))
            }
        }
        guard clips.count <= 1 else { throw row.wrongType("audios", "at most one clip, beside the messages or in them") }
        return clips.first
    }
}
