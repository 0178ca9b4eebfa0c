/// Reads JSON (RFC 8259) strictly, byte by byte, and builds only what its caller asks for.
///
/// Headers of weight files come from strangers. JSONSerialization keeps the last of two equal keys, reads `true` as 1 and
/// builds a tree of any size; this scanner refuses the first, distinguishes the second, and leaves
/// the third to its caller.
package struct JSONScanner {
    private let bytes: [UInt8]
    package private(set) var position = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next byte that is not white space, which stays unread.
    package mutating func peek(_ expected: String) throws -> UInt8 {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
        while position < bytes.count, isSpace(bytes[position]) { position += 1 }
        guard position < bytes.count else { throw failure(expected) }
        return bytes[position]
    }

    mutating func expect(_ character: Unicode.Scalar) throws {
        guard try peek("'\(character)'") == UInt8(ascii: character) else { throw failure("'\(character)'") }
        position += 1
    }

    /// Nothing but white space may follow.
    package mutating func end() throws {
        if let byte = try? peek("") { throw failure("the end of the text, not 0x" + String(byte, radix: 16)) }
    }

    /// `{"key": …, …}`: calls `member` with each key, standing before its value, which `member` must read.
    package mutating func members(_ member: (inout JSONScanner, String) throws -> Void) throws {
        try expect("{")
        if try peek("'\"' or '}'") == UInt8(ascii: "}") {
            position += 1
            return
        }
        var keys = Set<String>()
        while true {
            guard try peek("a key") == UInt8(ascii: "\"") else { throw failure("a key") }
            let start = position
            let key = try string()
            guard keys.insert(key).inserted else { throw JSONError.duplicateKey(key, byte: start) }
            try expect(":")
            try member(&self, key)
            if try peek("',' or '}'") == UInt8(ascii: "}") {
                position += 1
                return
            }
            try expect(",")
        }
    }

    /// `[…, …]`: calls `element` before each value, which `element` must read.
    package mutating func elements(_ element: (inout JSONScanner) throws -> Void) throws {
        try expect("[")
        if try peek("a value or ']'") == UInt8(ascii: "]") {
            position += 1
            return
        }
        while true {
            try element(&self)
            if try peek("',' or ']'") == UInt8(ascii: "]") {
                position += 1
                return
            }
            try expect(",")
        }
    }

    package mutating func string() throws -> String {
        try expect("\"")
        var text: [UInt8] = []
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw JSONError.syntax(byte: start, expected: "UTF-8", found: "other bytes in a string")
                }
                position += 1
                return string
            case UInt8(ascii: "\\"):
                position += 1
                text.append(contentsOf: try escape())
            case 0..<0x20: throw failure("an escaped control character")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw failure("'\"'")
    }

    /// `\n`, `\u00e9` or a pair of `\u` surrogates, after the backslash, as UTF-8.
    private mutating func escape() throws -> [UInt8] {
        guard position < bytes.count else { throw failure("an escape") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var code = try fourHexDigits()
            if (0xD800..<0xDC00).contains(code) {
                guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                    bytes[position + 1] == UInt8(ascii: "u")
                else { throw failure("the second half of a surrogate pair") }
                position += 2
                let low = try fourHexDigits()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("the second half of a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("a Unicode scalar") }
            return Array(String(Character(scalar)).utf8)
        default:
            position -= 1
            throw failure("an escape")
        }
    }

    private mutating func fourHexDigits() throws -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw failure("four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    /// `-12` as an integer where it fits; `1.5`, `2e3` and integers beyond 64 bits as a real number.
    package mutating func number() throws -> JSONValue {
        _ = try peek("a number")
        let start = position
        var real = false
        // Python writes these words, which are not JSON.
        for word in ["NaN", "Infinity", "-Infinity"] where bytes[position...].starts(with: word.utf8) {
            throw JSONError.notFinite(path: "", byte: start, found: word)
        }
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "0"), isDigit(at: position + 1) {
            throw failure("a number without leading zeros")
        }
        try digits()
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            real = true
            position += 1
            try digits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            real = true
            position += 1
            if position < bytes.count, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[position]) {
                position += 1
            }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if !real, let integer = Int(text) { return .integer(integer) }
        guard let value = Double(text), value.isFinite else {
            throw JSONError.notFinite(path: "", byte: start, found: String(text.prefix(60)))
        }
        return .real(value)
    }

    private func isDigit(at index: Int) -> Bool { index < bytes.count && (0x30...0x39).contains(bytes[index]) }

    private mutating func digits() throws {
        guard isDigit(at: position) else { throw failure("a digit") }
        while isDigit(at: position) { position += 1 }
    }

    mutating func literal(_ word: String) throws {
        _ = try peek(word)
        let text = Array(word.utf8)
        guard bytes[position...].starts(with: text) else { throw failure("a value such as \(word)") }
        position += text.count
    }

    package func failure(_ expected: String) -> JSONError {
        guard position < bytes.count else {
            return .syntax(byte: position, expected: expected, found: "the end of the text")
        }
        let found = String(decoding: bytes[position..<min(bytes.count, position + 16)], as: UTF8.self)
        return .syntax(byte: position, expected: expected, found: "'\(found)'")
    }
}
