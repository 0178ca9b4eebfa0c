import Foundation

/// The records of a CSV text (RFC 4180), one after another.
///
///     record = field *("," field) (CRLF / LF / CR)      field = text without , " and line ends / '"' *(any / '""') '"'
///
/// Text that does not follow the grammar is refused, with its line. Blank lines are skipped.
struct CSVRecords {
    let separator: UInt8
    private let bytes: Data
    private var position: Data.Index
    /// The line of the next byte.
    private var line = 1

    init(_ bytes: Data, separator: UInt8) {
        self.bytes = bytes
        self.separator = separator
        position = bytes.startIndex
    }

    private static let quote = UInt8(ascii: "\"")
    private var byte: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    /// The next record with the line that it begins on; nil at the end.
    mutating func next() throws(ManifestError) -> (line: Int, fields: [String])? {
        while byte != nil {
            let start = line
            var fields: [String] = []
            var isEnd = false
            while !isEnd {
                fields.append(try byte == Self.quote ? quoted() : plain())
                if byte == separator { position += 1 } else { isEnd = true }
            }
            endLine()
            if fields != [""] { return (start, fields) }
        }
        return nil
    }

    private mutating func plain() throws(ManifestError) -> String {
        let start = position
        while let byte, byte != separator, byte != 10, byte != 13 {
            if byte == Self.quote {
                throw .row(
                    line: line,
                    reason: "a quotation mark inside a field that does not begin with one; put the field in quotation marks and write the mark twice")
            }
            position += 1
        }
        return try text(bytes[start..<position])
    }

    private mutating func quoted() throws(ManifestError) -> String {
        let start = line
        var field: [UInt8] = []
        position += 1
        while let byte {
            position += 1
            guard byte == Self.quote else {
                // A CR counts with the LF behind it, or alone.
                if byte == 10 || (byte == 13 && self.byte != 10) { line += 1 }
                field.append(byte)
                continue
            }
            if self.byte == Self.quote {
                position += 1
                field.append(byte)
                continue
            }
            guard self.byte == nil || self.byte == separator || self.byte == 10 || self.byte == 13 else {
                throw .row(line: line, reason: "text behind a field's closing quotation mark; a mark inside a field is written twice")
            }
            return try text(field)
        }
        throw .row(line: start, reason: "a quotation mark opens a field that none closes")
    }

    private mutating func endLine() {
        guard let byte else { return }
        position += 1
        if byte == 13, self.byte == 10 { position += 1 }
        line += 1
    }

    private func text(_ bytes: some Collection<UInt8>) throws(ManifestError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .row(line: line, reason: "bytes that are no UTF-8; save the table as UTF-8")
        }
        return text
    }
}
