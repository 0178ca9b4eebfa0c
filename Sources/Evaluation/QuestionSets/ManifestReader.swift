package import Foundation
package import Judging

/// Reads a question set from a JSON-lines manifest in one of the formats that people have; every failure is a ``QuestionSetError``.
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
        let rows = try self.rows(manifest)
        guard let first = rows.first else { throw QuestionSetError.empty(file: file) }
        let known = try format ?? ManifestFormat.telling(first)
        var items: [QuestionSet.Item] = []
        var lines: [String: Int] = [:]
        for row in rows {
            let item = try known.item(row, type: type)
            if let earlier = lines.updateValue(row.line, forKey: item.id) {
                throw QuestionSetError.duplicate(file: file, line: row.line, id: item.id, first: earlier)
            }
            if let audio = item.audio { try check(audio, in: folder, row) }
            items.append(item)
        }
        return QuestionSet(name: name ?? folder.lastPathComponent, folder: folder, items: items)
    }

    private func rows(_ manifest: URL) throws -> [ManifestRow] {
        let file = manifest.lastPathComponent
        let data: Data
        do {
            let size = try FileManager.default.attributesOfItem(atPath: manifest.path)[.size] as? Int ?? 0
            if size > maximumBytes { throw QuestionSetError.tooLarge(file: file, bytes: size, limit: maximumBytes) }
            data = try Data(contentsOf: manifest)
        } catch let error as QuestionSetError {
            throw error
        } catch {
            throw QuestionSetError.unreadable(file: file, reason: error.localizedDescription)
        }
        var rows: [ManifestRow] = []
        for (place, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ [9, 13, 32].contains($0) }) { continue }
            guard rows.count < maximumRows else { throw QuestionSetError.tooManyRows(file: file, limit: maximumRows) }
            let object: Any
            do {
                object = try JSONSerialization.jsonObject(with: Data(line), options: .fragmentsAllowed)
            } catch {
                throw QuestionSetError.notAnObject(file: file, line: place + 1, reason: "text that is no JSON")
            }
            guard let columns = object as? [String: Any] else {
                throw QuestionSetError.notAnObject(file: file, line: place + 1, reason: "another JSON value")
            }
            rows.append(ManifestRow(file: file, line: place + 1, columns: columns))
        }
        return rows
    }

    /// A clip must be a regular file below the folder, reached through no symbolic link.
    private func check(_ path: String, in folder: URL, _ row: ManifestRow) throws {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.hasPrefix("/"), !path.contains("\\"), !path.contains("\0"), !parts.contains(".."), !path.contains("://") else {
            throw QuestionSetError.outside(file: row.file, line: row.line, path: path)
        }
        var place = folder
        for part in parts where !part.isEmpty && part != "." {
            place.append(path: String(part))
            if (try? FileManager.default.destinationOfSymbolicLink(atPath: place.path)) != nil {
                throw QuestionSetError.symbolicLink(file: row.file, line: row.line, path: path)
            }
        }
        let type = (try? FileManager.default.attributesOfItem(atPath: place.path))?[.type] as? FileAttributeType
        guard type == .typeRegular else { throw QuestionSetError.missingAudio(file: row.file, line: row.line, path: path) }
    }
}

/// One line of a manifest.
struct ManifestRow {
    let file: String
    let line: Int
    let columns: [String: Any]

    /// Text or a number as text; nil where the column is absent or null.
    func text(_ column: String) throws -> String? {
        switch columns[column] {
        case nil, is NSNull: return nil
        case let text as String: return text
        case let number as NSNumber: return number.stringValue
        default: throw QuestionSetError.wrongType(file: file, line: line, column: column, expected: "text or a number")
        }
    }

    /// The first of several names of one column.
    func required(_ names: String...) throws -> String {
        for name in names { if let text = try text(name) { return text } }
        throw QuestionSetError.missingColumn(file: file, line: line, column: names.joined(separator: " or "), found: columns.keys.sorted())
    }

    func texts(_ column: String) throws -> [String]? {
        switch columns[column] {
        case nil, is NSNull: return nil
        case let list as [String]: return list
        default: throw QuestionSetError.wrongType(file: file, line: line, column: column, expected: "a list of texts")
        }
    }
}
