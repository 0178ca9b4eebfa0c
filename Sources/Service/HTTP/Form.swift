package import Foundation

/// The fields and files of a form: `multipart/form-data` (RFC 7578) or `application/x-www-form-urlencoded`.
///
///     --boundary CRLF headers CRLF CRLF content CRLF --boundary … CRLF --boundary--
///
/// libmicrohttpd's own parser needs a connection; this one works on a body that has arrived, so that tests in memory go
/// the same way. It is strict: what does not follow the grammar is refused.
package struct Form: Sendable {
    package struct File: Sendable {
        /// The name of the form's field.
        package let name: String
        /// As the client gave it: never a path to use.
        package let filename: String
        package let contentType: String?
        package let bytes: Data
    }

    package private(set) var fields = Query()
    package private(set) var files: [File] = []

    /// The value of the first field of a name.
    package subscript(name: String) -> String? { fields[name] }

    /// The first file of a field's name.
    package func file(_ name: String) -> File? { files.first { $0.name == name } }

    /// - Throws: 415 for another media type, 400 for a broken form or more than `partLimit` parts.
    package init(_ request: Request, partLimit: Int = 64) throws(HTTPError) {
        switch request.mediaType {
        case "multipart/form-data":
            guard let boundary = parameter("boundary", of: request.headers["content-type"] ?? ""),
                (1...70).contains(boundary.utf8.count)
            else { throw broken("its Content-Type names no boundary of 1 to 70 characters") }
            if let spooled = request.spooled {
                guard spooled.finish() else { throw HTTPError.busy(503, "The body cannot be read from the disk.", code: "overloaded") }
                try unsafe parse(Span(_unsafeBytes: spooled.bytes), boundary: boundary, partLimit: partLimit) { spooled.data($0) }
            } else {
                try parse(request.body.span, boundary: boundary, partLimit: partLimit) { Data(request.body[$0]) }
            }
        case "application/x-www-form-urlencoded":
            guard let text = String(validating: request.body, as: UTF8.self) else { throw broken("it is not UTF-8") }
            fields = Query(encoded: text)
            if fields.items.count > partLimit { throw broken("it has more than \(partLimit) fields") }
        case let other:
            throw HTTPError(
                415, "A form was expected (multipart/form-data), found \(other.isEmpty ? "no Content-Type" : other).",
                code: "unsupported_media_type")
        }
    }

    /// - Parameter data: a part of the body for good.
    private mutating func parse(
        _ body: Span<UInt8>, boundary: String, partLimit: Int, _ data: (Range<Int>) -> Data
    ) throws(HTTPError) {
        let opening = Array("--\(boundary)".utf8)
        let separator = Finder(Array("\r\n--\(boundary)".utf8))
        let headEnd = Finder(Array("\r\n\r\n".utf8))
        var position = body.has([13, 10], at: 0) ? 2 : 0
        guard body.has(opening, at: position) else { throw broken("it does not start with its boundary") }
        position += opening.count
        var parts = 0
        while true {
            if body.has(Array("--".utf8), at: position) { return }
            guard body.has([13, 10], at: position) else { throw broken("a boundary is followed by neither CRLF nor --") }
            parts += 1
            if parts > partLimit { throw broken("it has more than \(partLimit) parts") }
            // The search starts at the CRLF behind the boundary, so that a part without headers is seen as one.
            guard let head = headEnd.first(in: body, from: position, within: 8 << 10) else {
                throw broken("the headers of part \(parts) do not end within 8 KiB")
            }
            // The CRLF in front of a boundary belongs to it, also where the content is empty.
            guard let end = separator.first(in: body, from: head + 2, within: .max), end >= head + 2 else {
                throw broken("part \(parts) has no end")
            }
            try add(head: body.bytes(min(position + 2, head)..<head), content: data(min(head + 4, end)..<end), part: parts)
            position = end + 2 + opening.count
        }
    }

    private mutating func add(head: [UInt8], content: Data, part: Int) throws(HTTPError) {
        guard let text = String(validating: head, as: UTF8.self) else {
            throw broken("the headers of part \(part) are not UTF-8")
        }
        var headers = Headers()
        for line in text.split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":") else {
                throw broken("part \(part) has a header without a colon")
            }
            headers.add(
                String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }))
        }
        let disposition = headers["content-disposition"] ?? ""
        guard equalIgnoringCase(disposition.prefix { $0 != ";" && $0 != " " }, "form-data"),
            let name = parameter("name", of: disposition)
        else { throw broken("part \(part) has no Content-Disposition of form-data with a name") }
        if let coding = headers["content-transfer-encoding"], !["7bit", "8bit", "binary"].contains(coding.lowercased()) {
            throw broken("part \(part) uses the transfer encoding \(coding), and only binary is taken")
        }
        if let filename = parameter("filename", of: disposition) {
            files.append(
                File(name: name, filename: filename, contentType: headers["content-type"], bytes: content))
        } else {
            guard let value = String(validating: content, as: UTF8.self) else {
                throw broken("the field \(name) is not UTF-8")
            }
            fields.add(name, value)
        }
    }
}

private func broken(_ reason: String) -> HTTPError {
    HTTPError(400, "The form cannot be read: \(reason).", code: "invalid_form")
}

/// The value of `; name=value` or `; name="value"` in a header; in quotes a backslash takes the next character as it is.
private func parameter(_ wanted: String, of header: String) -> String? {
    var rest = Substring(header)
    while let semicolon = rest.firstIndex(of: ";") {
        rest = rest[rest.index(after: semicolon)...].drop { $0 == " " || $0 == "\t" }
        let name = rest.prefix { $0 != "=" && $0 != ";" }
        rest = rest[name.endIndex...]
        guard rest.first == "=" else { continue }
        rest = rest.dropFirst()
        var value = ""
        if rest.first == "\"" {
            rest = rest.dropFirst()
            while let character = rest.popFirst(), character != "\"" {
                // Browsers send no escapes, and some send paths: only a quote and a backslash can be escaped.
                if character == "\\", let next = rest.first, next == "\"" || next == "\\" {
                    value.append(next)
                    rest = rest.dropFirst()
                } else {
                    value.append(character)
                }
            }
        } else {
            value = String(rest.prefix { $0 != ";" && $0 != " " })
            rest = rest[rest.index(rest.startIndex, offsetBy: value.count)...]
        }
        if equalIgnoringCase(name, wanted) { return value }
    }
    return nil
}

/// Horspool's search: after a mismatch the pattern moves on by what its last byte's place in the text allows.
private struct Finder {
    private let pattern: [UInt8]
    private var skip: [Int]

    init(_ pattern: [UInt8]) {
        self.pattern = pattern
        skip = [Int](repeating: pattern.count, count: 256)
        for (i, byte) in pattern.dropLast().enumerated() { skip[Int(byte)] = pattern.count - 1 - i }
    }

    func first(in text: Span<UInt8>, from start: Int, within count: Int) -> Int? {
        let end = count < text.count - start ? start + count : text.count
        var position = start
        while position + pattern.count <= end {
            let last = text[position + pattern.count - 1]
            if last == pattern[pattern.count - 1], text.has(pattern, at: position) {
                return position
            }
            position += skip[Int(last)]
        }
        return nil
    }
}

extension Span<UInt8> {
    fileprivate func has(_ bytes: [UInt8], at position: Int) -> Bool {
        guard position + bytes.count <= count else { return false }
        for (place, byte) in bytes.enumerated() where self[position + place] != byte { return false }
        return true
    }

    fileprivate func bytes(_ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        for place in range { bytes.append(self[place]) }
        return bytes
    }
}
