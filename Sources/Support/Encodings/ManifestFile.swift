import Files
package import Foundation
package import JSON

/// Reads a manifest row by row: JSON lines, or a CSV table with a line of column names.
///
///     file → is it something else? → byte order mark → JSON lines │ CSV records → rows with line numbers
///
/// Blank lines are skipped and counted. The caller checks the content of rows.
package struct ManifestFile {
    package struct Row {
        package enum Content {
            /// The line's bytes, not yet parsed.
            case json(Data)
            /// Cells by column; empty cells are left out.
            case cells([String: String])
        }

        /// The line on which the row begins; the first is 1.
        package let line: Int
        package let content: Content

        /// The parsed row. A table's row is an object of texts, in the order of the columns' names.
        ///
        /// - Parameter lists: The columns of a table whose cells may contain JSON, such as lists of clips and of turns.
        /// - Throws: `JSONError`
        package func value(lists: Set<String> = []) throws -> JSONValue {
            switch content {
            case .json(let line): return try JSONValue(parsing: line)
            case .cells(let cells):
                var object = JSONObject()
                for (column, cell) in cells.sorted(by: { $0.key < $1.key }) {
                    let list = lists.contains(column) && (cell.first == "[" || cell.first == "{") ? try? JSONValue(parsing: cell) : nil
                    object[column] = list ?? .string(cell)
                }
                return .object(object)
            }
        }
    }

    private enum Layout { case json, table }

    private let data: Data
    private let layout: Layout
    private let maximumRows: Int

    /// - Parameters:
    ///   - name: what the file is called, where its path does not say it; `.csv` and `.tsv` are tables. A name that says nothing
    ///     leaves it to the first character.
    package init(_ url: URL, name: String? = nil, maximumRows: Int = .max, maximumBytes: Int = .max) throws(ManifestError) {
        let data: Data
        do {
            let size = try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int ?? 0
            if size > maximumBytes { throw ManifestError.tooLarge(bytes: size, limit: maximumBytes) }
            data = try Data(contentsOf: url, options: .mappedIfSafe)
        } catch let error as ManifestError {
            throw error
        } catch {
            throw .unreadable(reason: FileError(reading: url.path, error).reason)
        }
        if let found = OtherFormat.found(in: data) { throw .otherFormat(found) }
        self.data = data.withoutByteOrderMark
        self.maximumRows = maximumRows
        let first = self.data.first { ![9, 10, 13, 32].contains($0) }
        switch (name ?? url.lastPathComponent).split(separator: ".").last?.lowercased() {
        case "csv", "tsv": layout = .table
        case "jsonl", "json", "ndjson": layout = .json
        default:
            let head = self.data.prefix { $0 != 10 && $0 != 13 }
            layout = first == UInt8(ascii: "{") || !head.contains(UInt8(ascii: ",")) ? .json : .table
        }
        if layout == .json, first == UInt8(ascii: "[") {
            throw .otherFormat("it is one JSON array; write an object a line: jq -c '.[]' data.json > data.jsonl")
        }
    }

    /// - Throws: ``ManifestError``, or what `body` throws.
    package func forEachRow(_ body: (Row) throws -> Void) throws {
        var rows = 0
        func take(_ line: Int, _ content: Row.Content) throws {
            rows += 1
            guard rows <= maximumRows else { throw ManifestError.tooManyRows(limit: maximumRows) }
            try body(Row(line: line, content: content))
        }
        switch layout {
        case .json: try forEachLine { try take($0, .json($1)) }
        case .table: try forEachRecord { try take($0, .cells($1)) }
        }
    }

    /// Reads line by line, so that a long manifest is never in memory as parsed JSON.
    private func forEachLine(_ body: (Int, Data) throws -> Void) throws {
        var (rest, number) = (data[...], 0)
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            // Joined files have byte order marks inside, too.
            let line = Data(rest[..<end]).withoutByteOrderMark
            rest = rest[min(end + 1, rest.endIndex)...]
            number += 1
            if !line.allSatisfy({ $0 == 9 || $0 == 13 || $0 == 32 }) { try body(number, line) }
        }
    }

    private func forEachRecord(_ body: (Int, [String: String]) throws -> Void) throws {
        var records = CSVRecords(data, separator: separator)
        guard let header = try records.next() else { return }
        let columns = header.fields.map { $0.trimmingCharacters(in: .whitespaces) }
        // pandas writes its row numbers in a first column without a name.
        if columns.dropFirst().contains("") { throw ManifestError.row(line: header.line, reason: "a column has no name") }
        if let twice = columns.first(where: { name in columns.count { $0 == name } > 1 }) {
            throw ManifestError.row(line: header.line, reason: "the column \(twice) comes twice")
        }
        while let (line, fields) = try records.next() {
            guard fields.count == columns.count else {
                throw ManifestError.row(
                    line: line, reason: "expected \(columns.count) fields as in the line of column names, found \(fields.count)")
            }
            try body(line, Dictionary(uniqueKeysWithValues: zip(columns, fields).filter { !$0.isEmpty && !$1.isEmpty }))
        }
    }

    /// The separator of the column names: a comma; otherwise a semicolon, which spreadsheets write if a comma is the decimal point;
    /// otherwise a tab.
    private var separator: UInt8 {
        let header = data.prefix { $0 != 10 && $0 != 13 }
        return [",", ";", "\t"].map { UInt8(ascii: $0) }.first(where: header.contains) ?? UInt8(ascii: ",")
    }
}
