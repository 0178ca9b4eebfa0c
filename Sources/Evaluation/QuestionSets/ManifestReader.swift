import Encodings
package import Foundation
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

    package init(maximumRows: Int = 100_000, maximumBytes: Int = 1 << 30) {
        self.maximumRows = maximumRows
        self.maximumBytes = maximumBytes
    }

    /// - Parameters:
    ///   - format: nil tells it from the first row's columns.
    ///   - type: the task type for formats that do not say; nil guesses from each answer.
    package func read(
        _ manifest: URL, format: ManifestFormat? = nil, name: String? = nil, type: TaskType? = nil
    ) throws -> QuestionSet {
        let file = manifest.lastPathComponent
        let folder = manifest.deletingLastPathComponent()
        var known = format
        var items: [QuestionSet.Item] = []
        var lines: [String: Int] = [:]
        try forEachRow(manifest) { row in
            let format = try known ?? ManifestFormat.telling(row)
            known = format
            let isGuessed = type == nil && row.columns["type"] == nil && row.columns["task"] == nil
            let item = try row.checked(try format.item(row, type: type), isGuessed: isGuessed)
            if let earlier = lines.updateValue(row.line, forKey: item.id) {
                throw QuestionSetError.duplicate(file: file, line: row.line, id: item.id, first: earlier)
            }
            if let audio = item.audio { try check(audio, in: folder, row) }
            items.append(item)
        }
        if items.isEmpty { throw QuestionSetError.empty(file: file) }
        return QuestionSet(name: name ?? folder.lastPathComponent, folder: folder, items: items)
    }

    private func forEachRow(_ manifest: URL, _ body: (ManifestRow) throws -> Void) throws {
        let file = manifest.lastPathComponent
        do {
            try ManifestFile(manifest, maximumRows: maximumRows, maximumBytes: maximumBytes).forEachRow { row in
                try body(try ManifestRow(row, of: file))
            }
        } catch let error as ManifestError {
            throw QuestionSetError(error, in: file)
        }
    }

    /// A clip must be a regular file below the folder, reached through no symbolic link.
    private func check(_ path: String, in folder: URL, _ row: ManifestRow) throws {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.hasPrefix("/"), !path.contains("\\"), !path.contains("\0"), !parts.contains(".."), !path.contains("://") else {
            throw QuestionSetError.outside(file: row.file, line: row.line, path: path)
        }
        var place = folder.path
        var kind: mode_t = 0
        for part in parts where !part.isEmpty && part != "." {
            place += "/" + part
            var status = stat()
            kind = unsafe lstat(place, &status) == 0 ? status.st_mode & S_IFMT : 0
            if kind == S_IFLNK { throw QuestionSetError.symbolicLink(file: row.file, line: row.line, path: path) }
        }
        guard kind == S_IFREG else { throw QuestionSetError.missingAudio(file: row.file, line: row.line, path: path) }
    }
}

/// One line of a manifest.
struct ManifestRow {
    let file: String
    let line: Int
    let columns: [String: Any]

    init(_ row: ManifestFile.Row, of file: String) throws(QuestionSetError) {
        self.file = file
        line = row.line
        switch row.content {
        case .cells(let cells): columns = cells
        case .json(let data):
            guard let value = try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed) else {
                throw .notAnObject(file: file, line: row.line, reason: "text that is no JSON")
            }
            guard let object = value as? [String: Any] else {
                throw .notAnObject(file: file, line: row.line, reason: "another JSON value")
            }
            columns = object
        }
    }

    /// Text or a number as text; nil where the column is absent or null.
    func text(_ column: String) throws -> String? {
        switch columns[column] {
        case nil, is NSNull: return nil
        case let text as String: return text
        case let number as NSNumber: return Self.isBoolean(number) ? (number.boolValue ? "true" : "false") : number.stringValue
        default: throw QuestionSetError.wrongType(file: file, line: line, column: column, expected: "text or a number")
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

    /// The path in the column `file_name`, or in the only one whose name ends so, such as `audio_file_name`.
    func fileName() throws -> String? {
        if let path = try text("file_name") { return path }
        let named = columns.keys.filter { $0.hasSuffix("_file_name") }.sorted()
        if named.count > 1 {
            throw QuestionSetError.wrongType(file: file, line: line, column: named.joined(separator: " and "), expected: "one column with one clip")
        }
        return try named.first.flatMap { try text($0) }
    }

    func texts(_ column: String) throws -> [String]? {
        switch columns[column] {
        case nil, is NSNull: return nil
        case let list as [String]: return list
        // A cell of a table holds a list as JSON.
        case let text as String:
            if let list = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) { return list }
            fallthrough
        default: throw QuestionSetError.wrongType(file: file, line: line, column: column, expected: "a list of texts")
        }
    }
}
