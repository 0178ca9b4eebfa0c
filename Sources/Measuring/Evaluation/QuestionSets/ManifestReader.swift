package import Encodings
import Files
package import Foundation
import JSON
package import Judging

/// Reads a question set from a manifest, JSON lines or CSV, in one of the formats that people have; every failure is a
/// ``QuestionSetError``.
///
///     folder/manifest.jsonl → rows with line numbers → QuestionSet.Item per row (ManifestFormat) → checked paths
///
/// Nothing is skipped: the first bad row ends the reading, with its line.
package struct ManifestReader: Sendable {
    package var maximumRows = 100_000
    package var maximumBytes = 1 << 30
    /// Where the bytes of a clip are; nil for a path below the manifest's folder, which the reader checks itself. A `RowError` is told with its line.
    package typealias Finder = (ClipReference) throws -> QuestionSet.Clip?

    package init(maximumRows: Int = 100_000, maximumBytes: Int = 1 << 30) {
        self.maximumRows = maximumRows
        self.maximumBytes = maximumBytes
    }

    /// Without a server: clips in rows stay in memory, and there are no uploads.
    package static func found(_ reference: ClipReference) throws -> QuestionSet.Clip? {
        switch reference {
        case .path: nil
        case .bytes(let bytes): .bytes(bytes)
        case .file(let id): throw RowError("the clip \(id) is an upload of a server; name a file")
        }
    }

    /// - Parameters:
    ///   - shown: what errors call the manifest; its file's name where nil.
    ///   - format: The format; if nil, it is detected from the first row's columns.
    ///   - type: the task type for formats that do not say; nil guesses from each answer.
    ///   - find: finds clips.
    package func read(
        _ manifest: URL, called shown: String? = nil, format: ManifestFormat? = nil, name: String? = nil, type: TaskType? = nil,
        find: Finder = ManifestReader.found
    ) throws -> QuestionSet {
        let file = shown ?? manifest.lastPathComponent
        let folder = manifest.deletingLastPathComponent()
        var known = format
        var items: [QuestionSet.Item] = []
        var lines: [String: Int] = [:]
        var clips: [String: QuestionSet.Clip] = [:]
        try forEachRow(manifest, called: file) { row in
            let format = try known ?? ManifestFormat.telling(row)
            known = format
            let isGuessed = type == nil && row.columns["type"] == nil && row.columns["task"] == nil
            var item = try row.checked(try format.item(row, type: type), isGuessed: isGuessed)
            if let earlier = lines.updateValue(row.line, forKey: item.id) {
                throw QuestionSetError.duplicate(file: file, line: row.line, id: item.id, first: earlier)
            }
            if let clip = try format.clip(row) {
                // Its digest, if the bytes are in the row.
                let name = clip.name
                item.audio = name
                if let place = try row.reading({ try find(clip) }) { clips[name] = place } else { try check(name, in: folder, row) }
            }
            items.append(item)
        }
        if items.isEmpty { throw QuestionSetError.empty(file: file) }
        return QuestionSet(name: name ?? folder.lastPathComponent, folder: folder, items: items, clips: clips)
    }

    private func forEachRow(_ manifest: URL, called file: String, _ body: (ManifestRow) throws -> Void) throws {
        do {
            try ManifestFile(manifest, name: file, maximumRows: maximumRows, maximumBytes: maximumBytes).forEachRow { row in
                try body(try ManifestRow(row, of: file))
            }
        } catch let error as ManifestError {
            throw QuestionSetError(error, in: file)
        }
    }

    private func check(_ path: String, in folder: URL, _ row: ManifestRow) throws {
        do { _ = try AllowedFolder(folder).member(path) } catch {
            throw switch error {
            case .outside, .zeroByte: QuestionSetError.outside(file: row.file, line: row.line, path: path)
            case .link: QuestionSetError.symbolicLink(file: row.file, line: row.line, path: path)
            case .absent: QuestionSetError.missingAudio(file: row.file, line: row.line, path: path)
            }
        }
    }
}

/// One line of a manifest.
struct ManifestRow {
    let file: String
    let line: Int
    let columns: JSONObject

    init(_ row: ManifestFile.Row, of file: String) throws(QuestionSetError) {
        self.file = file
        line = row.line
        let value: JSONValue
        do { value = try row.value(lists: ["messages", "audios", "audio"]) } catch JSONError.duplicateKey(let key, _) {
            throw .row(file: file, line: row.line, reason: "the member \"\(key)\" stands there twice")
        } catch {
            throw .notAnObject(file: file, line: row.line, reason: "text that is no JSON")
        }
        guard case .object(let object) = value else { throw .notAnObject(file: file, line: row.line, reason: "another JSON value") }
        columns = object
    }

    /// The value of a column; nil if it is absent or null.
    func value(_ column: String) -> JSONValue? { columns[column].flatMap { $0 == .null ? nil : $0 } }

    /// Text, a number or a truth value as text; nil if the column is absent or null.
    func text(_ column: String) throws -> String? {
        guard let value = value(column) else { return nil }
        switch value {
        case .string(let text): return text
        case .integer, .real, .boolean: return value.text
        case .null, .array, .object: throw wrongType(column, "text or a number")
        }
    }

    /// The first of several names of one column.
    func required(_ names: String...) throws -> String {
        for name in names { if let text = try text(name) { return text } }
        throw missing(names.joined(separator: " or "))
    }

    func missing(_ column: String) -> QuestionSetError {
        .missingColumn(file: file, line: line, column: column, found: columns.keys.sorted())
    }

    func wrongType(_ column: String, _ expected: String) -> QuestionSetError {
        .wrongType(file: file, line: line, column: column, expected: expected)
    }

    /// The clip in the first of several columns that has one, or in `audio`, which every format has beside its own; nil without one.
    func clip(_ names: String...) throws -> ClipReference? {
        guard let name = (names + ["audio"]).first(where: { value($0) != nil }), let value = value(name) else { return nil }
        return try clip(value, at: name)
    }

    func clip(_ value: JSONValue, at place: String) throws -> ClipReference { try reading { try ClipReference(value, at: place) } }

    /// What reads a part of the row, its errors told with the row's line.
    func reading<Part>(_ part: () throws -> Part) throws -> Part {
        do { return try part() } catch let error as RowError {
            throw QuestionSetError.row(file: file, line: line, reason: error.description)
        }
    }

    /// The column `file_name`, or the only one whose name ends so, such as `audio_file_name`.
    func fileNameColumn() throws -> String? {
        if value("file_name") != nil { return "file_name" }
        let named = columns.keys.filter { $0.hasSuffix("_file_name") && value($0) != nil }.sorted()
        if named.count > 1 { throw wrongType(named.joined(separator: " and "), "one column with one clip") }
        return named.first
    }

    /// A list of texts; a cell of a table holds one as JSON.
    func texts(_ column: String) throws -> [String]? {
        guard let value = value(column) else { return nil }
        let list: JSONValue? = if case .string(let text) = value { try? JSONValue(parsing: text) } else { value }
        guard let texts = try? list?.strings("") else { throw wrongType(column, "a list of texts") }
        return texts
    }
}
