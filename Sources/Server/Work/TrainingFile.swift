import API
import Archives
import Foundation
import HTTP
import Jobs
import Training

/// The pairs of an uploaded training file: JSON lines, or an archive with such a manifest and its clips.
///
///     {"audio": "clips/1.wav", "text": "What is 8 plus 5?", "answer": "13"}       audio: a member, or a path that the operator allows
///     {"audio": {"data": "UklGR…"}, "text": …}    {"audio": {"file_id": "file-…"}, "text": …}
///     {"messages": [{"role": "user", "content": [{"type": "input_audio", …}]}, {"role": "assistant", "content": "13"}]}
///
/// `id` defaults to the line's number; `text` is the question typed, `answer` the right answer, `solution` a whole answer to imitate.
/// In a conversation the last turn is the solution, and the texts of the user's turn are the question typed.
struct TrainingFile {
    let pairs: [TrainingPair]
    /// The system turn that all conversations begin with.
    let system: String?

    /// - Parameter folder: where an archive is unpacked; made here.
    /// - Throws: ``JobFailure`` naming the line.
    init(_ record: FileRecord, clips: Clips, unpackingInto folder: URL) throws {
        let content = clips.store.contents.url(record.sha256)
        let manifest: URL
        var root: URL?
        do {
            if ArchiveReader.isArchive(try Self.head(content)) {
                try? FileManager.default.removeItem(at: folder)
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                let names = try ArchiveReader().unpack(content, into: folder)
                manifest = folder.appending(path: try Self.manifest(among: names))
                root = folder
            } else {
                manifest = content
            }
        } catch let error as ArchiveError {
            throw JobFailure(code: "invalid_training_file", message: error.description)
        }
        var pairs: [TrainingPair] = []
        var systems: Set<String?> = []
        var ids: Set<String> = []
        let bytes = try Data(contentsOf: manifest, options: .mappedIfSafe)
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ [0x20, 0x09, 0x0D].contains($0) }) { continue }
            do {
                let example = try WireDecoder.decode(Example.self, from: Data(line))
                let pair = try example.pair(
                    number: index + 1, clips: clips, folder: root.map { _ in manifest.deletingLastPathComponent() }, root: root)
                guard ids.insert(pair.id).inserted else { throw WireError("the id \"\(pair.id)\" comes twice", code: "invalid_value") }
                pairs.append(pair)
                systems.insert(example.system)
            } catch {
                let reason = HTTPError(refusing: error)?.message ?? "\(error)"
                throw JobFailure(code: "invalid_training_file", message: "\(record.filename), line \(index + 1): \(reason)")
            }
        }
        guard !pairs.isEmpty else {
            throw JobFailure(code: "invalid_training_file", message: "\(record.filename) holds no pairs: expected a JSON object a line.")
        }
        guard systems.count == 1 else {
            throw JobFailure(
                code: "invalid_training_file", message: "\(record.filename): all conversations need the same system turn, found \(systems.count).")
        }
        self.pairs = pairs
        system = systems.first ?? nil
    }

    private static func head(_ file: URL) throws -> Data {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        return try handle.read(upToCount: 512) ?? Data()
    }

    private static func manifest(among names: [String]) throws -> String {
        let lines = names.filter { $0.hasSuffix(".jsonl") }
        let depth = lines.map { $0.count { $0 == "/" } }.min()
        let shallow = lines.filter { $0.count { $0 == "/" } == depth }
        for known in ["manifest.jsonl", "train.jsonl", "questions.jsonl", "metadata.jsonl"] {
            if let name = shallow.first(where: { $0.split(separator: "/").last.map(String.init) == known }) { return name }
        }
        guard shallow.count == 1 else {
            throw JobFailure(
                code: "invalid_training_file",
                message: "The archive has \(shallow.count) manifests; expected one .jsonl file, or one named manifest.jsonl.")
        }
        return shallow[0]
    }

    /// One line. Members of other names are left to whoever wrote them.
    private struct Example: Decodable {
        enum Sound: Decodable {
            case path(String)
            case source(API.AudioSource)

            init(from decoder: any Decoder) throws {
                if let path = try? decoder.singleValueContainer().decode(String.self) {
                    self = .path(path)
                } else {
                    self = .source(try API.AudioSource(from: decoder))
                }
            }
        }

        let id: String?
        let audio: Sound?
        let text: String?
        let answer: String?
        let solution: String?
        let messages: [API.ChatMessage]?

        var system: String? {
            guard let first = messages?.first, first.role == .system || first.role == .developer else { return nil }
            return Self.text(first)
        }

        static func text(_ message: API.ChatMessage) -> String {
            message.content.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined(separator: "\n")
        }

        func pair(number: Int, clips: Clips, folder: URL?, root: URL?) throws -> TrainingPair {
            let id = id ?? "\(number)"
            if let messages { return try conversation(messages, id: id) }
            guard let text, !text.allSatisfy(\.isWhitespace) else {
                throw WireError("text: expected the question typed; found nothing", code: "missing_required_parameter")
            }
            let sound: TrainingPair.Sound? = try audio.map { audio in
                switch audio {
                case .source(let source): return try clips.sound(source)
                case .path(let path):
                    guard let folder, let root else { return .file(try clips.place(path)) }
                    let file = folder.appending(path: path).standardizedFileURL
                    guard file.path.hasPrefix(root.standardizedFileURL.path + "/"),
                        FileManager.default.fileExists(atPath: file.path)
                    else { throw WireError("audio: the archive has no member \"\(path)\"", code: "invalid_value") }
                    return .file(file)
                }
            }
            return TrainingPair(id: id, sound: sound, text: text, answer: answer, solution: solution)
        }

        private func conversation(_ messages: [API.ChatMessage], id: String) throws -> TrainingPair {
            let turns = messages.drop { $0.role == .system || $0.role == .developer }
            guard turns.count == 2, let question = turns.first, question.role == .user, let answer = turns.last,
                answer.role == .assistant
            else {
                throw WireError(
                    "messages: expected one user turn and one assistant turn, after a system turn perhaps", code: "invalid_value")
            }
            var sounds: [TrainingPair.Sound] = []
            for part in question.content {
                switch part {
                case .text: continue
                case .inputAudio(let data, _): sounds.append(.bytes(Array(data)))
                case .audioURL: throw WireError("audio_url: training files hold their clips or name members and files", code: "invalid_value")
                }
            }
            guard sounds.count <= 1 else { throw WireError("messages: expected at most one clip; found \(sounds.count)", code: "invalid_value") }
            let typed = Self.text(question)
            // Whoever imitates needs no typed question, and every method that does says so of the pair.
            return TrainingPair(
                id: id, sound: sounds.first, text: typed.isEmpty ? "(spoken)" : typed, answer: self.answer, solution: Self.text(answer))
        }
    }
}
