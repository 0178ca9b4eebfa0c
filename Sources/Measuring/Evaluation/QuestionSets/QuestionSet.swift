import Encodings
import Files
package import Foundation
import Hashing
package import Judging

/// Questions with their answers, typed and spoken: a manifest and a folder of clips.
///
/// Clips are files below `folder`, which the reader has checked, or those of `clips` under their names. `hash` covers every item's fields
/// and the bytes of every clip: two sets with equal hashes ask the same questions.
package struct QuestionSet: Sendable {
    package struct Item: Codable, Sendable, Equatable {
        package var id: String
        package var category: String
        /// The question as it is typed.
        package var text: String
        /// The clip's name: its path below the folder, or its key in ``QuestionSet/clips``; nil if the question is not spoken yet.
        package var audio: String?
        package var answer: String
        /// The lettered choices' texts, A first; empty for other types.
        package var choices: [String]
        package var type: TaskType
        /// The question that several voices may speak; items that share it form a cluster.
        package var source: String
        package var voice: String?
        /// For the type `instructions`: the instructions that the answer must follow.
        package var instructions: [Instruction]?

        package init(
            id: String, category: String, text: String, audio: String? = nil, answer: String, choices: [String] = [], type: TaskType,
            source: String? = nil, voice: String? = nil, instructions: [Instruction]? = nil
        ) {
            self.id = id
            self.category = category
            self.text = text
            self.audio = audio
            self.answer = answer
            self.choices = choices
            self.type = type
            self.source = source ?? id
            self.voice = voice
            self.instructions = instructions
        }
    }

    package let name: String
    package let folder: URL
    package let items: [Item]
    /// The clips that are no files below the folder, by name.
    package let clips: [String: Clip]

    package init(name: String, folder: URL, items: [Item], clips: [String: Clip] = [:]) {
        self.name = name
        self.folder = folder
        self.items = items
        self.clips = clips
    }

    package var categories: [(name: String, count: Int)] {
        Dictionary(grouping: items, by: \.category).map { (name: $0.key, count: $0.value.count) }.sorted { $0.name < $1.name }
    }

    package func clip(_ item: Item) -> Clip? { item.audio.map(clip(named:)) }

    func clip(named name: String) -> Clip { clips[name] ?? .file(folder.appending(path: name)) }

    /// SHA-256 over the items in order: each as JSON with sorted keys, then its clip's own digest. Where the clips lie, and the
    /// manifest's format, do not matter; nor do their names within the set.
    ///
    /// - Parameter check: Called before every item; an error that it throws ends the work.
    package func hash(check: () throws -> Void = {}) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var digest = SHA256()
        for item in items {
            try check()
            var unnamed = item
            unnamed.audio = nil
            digest.update(try encoder.encode(unnamed))
            digest.update("\n")
            if let clip = clip(item) { digest.update(try clip.digest()) }
            digest.update("\n")
        }
        return digest.finish()
    }
}

/// Bad manifests, by file and line.
package enum QuestionSetError: Error, Equatable, CustomStringConvertible {
    case unreadable(file: String, reason: String)
    case empty(file: String)
    case tooManyRows(file: String, limit: Int)
    case tooLarge(file: String, bytes: Int, limit: Int)
    /// A row that breaks the rules of its table.
    case row(file: String, line: Int, reason: String)
    case notAnObject(file: String, line: Int, reason: String)
    case missingColumn(file: String, line: Int, column: String, found: [String])
    case wrongType(file: String, line: Int, column: String, expected: String)
    case instruction(file: String, line: Int, error: InstructionError)
    case reference(file: String, line: Int, answer: String, found: String)
    case duplicate(file: String, line: Int, id: String, first: Int)
    case outside(file: String, line: Int, path: String)
    case symbolicLink(file: String, line: Int, path: String)
    case missingAudio(file: String, line: Int, path: String)

    package var description: String {
        switch self {
        case .unreadable(let file, let reason): "reading \(file) failed: \(reason)"
        case .empty(let file): "\(file) has no rows; a question set needs at least one"
        case .tooManyRows(let file, let limit): "\(file) has more than \(limit) rows, the most that are read; split it into several sets"
        case .tooLarge(let file, let bytes, let limit): "\(file) has \(bytes) bytes, more than the \(limit) that are read; split it into several sets"
        case .row(let file, let line, let reason): "\(file), line \(line): \(reason)"
        case .notAnObject(let file, let line, let reason):
            "\(file), line \(line): expected one JSON object per line, found \(reason)"
        case .missingColumn(let file, let line, let column, let found):
            "\(file), line \(line): expected the column \(column), found \(found.joined(separator: ", "))"
        case .wrongType(let file, let line, let column, let expected):
            "\(file), line \(line): the column \(column) must be \(expected)"
        case .instruction(let file, let line, let error): "\(file), line \(line): \(error); leave the item out"
        case .reference(let file, let line, let answer, let found):
            "\(file), line \(line): the answer \"\(answer)\" names \(found)"
        case .duplicate(let file, let line, let id, let first):
            "\(file), line \(line): the id \(id) is already used on line \(first); ids must differ"
        case .outside(let file, let line, let path):
            "\(file), line \(line): the audio path \(toldPath(path)) leads out of the set's folder; use paths within it"
        case .symbolicLink(let file, let line, let path):
            "\(file), line \(line): the audio path \(toldPath(path)) passes a symbolic link; put the file itself into the set's folder"
        case .missingAudio(let file, let line, let path): "\(file), line \(line): there is no audio file \(toldPath(path))"
        }
    }
}

extension QuestionSetError {
    init(_ error: ManifestError, in file: String) {
        switch error {
        case .unreadable(let reason), .otherFormat(let reason): self = .unreadable(file: file, reason: reason)
        case .tooLarge(let bytes, let limit): self = .tooLarge(file: file, bytes: bytes, limit: limit)
        case .tooManyRows(let limit): self = .tooManyRows(file: file, limit: limit)
        case .row(let line, let reason): self = .row(file: file, line: line, reason: reason)
        }
    }
}
