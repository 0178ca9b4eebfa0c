package import Foundation

/// One pass over the bytes of a JSON document before any parser that recurses or allocates sees them.
///
///     bytes → depth ≤ 64, values ≤ 32,768, numbers ≤ 512 bytes, valid UTF-8, paired surrogates, closed strings, no key twice → JSONDecoder
///
/// It refuses what could exhaust a recursive parser or keep it busy, what a lenient parser would repair silently, and what another program could
/// read differently: of a duplicate key some take the first value, some the last. It does not check the grammar; the parser behind it does.
package enum JSONGuard {
    /// A parser takes about a microsecond per value, whatever happens to it afterwards.
    package static let maxValues = 32_768
    /// The largest number that a double holds has 309 digits before its point.
    private static let maxWord = 512

    /// - Parameters:
    ///   - maxDepth: the deepest nesting of arrays and objects that passes.
    ///   - maxValues: the most commas, colons and opening brackets together, a bound on the values a parser allocates.
    /// - Throws: `WireError` that names the byte offset and what stands there.
    package static func check(_ data: Data, maxDepth: Int = 64, maxValues: Int = maxValues) throws(WireError) {
        try check(data.span, maxDepth: maxDepth, maxValues: maxValues)
    }

    package static func check(
        _ bytes: Span<UInt8>, maxDepth: Int = 64, maxValues: Int = maxValues
    ) throws(WireError) {
        var depth = 0
        var values = 0
        // The keys of each open object; nil for an array.
        var open: [Set<[UInt8]>?] = []
        var isKeyNext = false
        var index = 0
        // The start of the current number or word.
        var word = 0
        while index < bytes.count {
            var isWord = false
            switch bytes[index] {
            case UInt8(ascii: "\""):
                let start = index
                index = try endOfString(bytes, openedAt: index)
                if isKeyNext {
                    let key = key(bytes, start + 1..<index)
                    if open[open.count - 1]?.insert(key).inserted == false {
                        let name = String(decoding: key.prefix(80), as: UTF8.self)
                        throw invalid("the key \"\(name)\" twice in one object, at byte \(start)", code: "duplicate_key")
                    }
                    isKeyNext = false
                }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                values += 1
                isKeyNext = bytes[index] == UInt8(ascii: "{")
                open.append(isKeyNext ? [] : nil)
                if depth > maxDepth {
                    throw invalid("nested deeper than \(maxDepth) levels at byte \(index)", code: "json_too_deep")
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth < 0 { throw invalid("a closing bracket at byte \(index) closes nothing") }
                open.removeLast()
                isKeyNext = false
            case UInt8(ascii: ","):
                values += 1
                isKeyNext = open.last.map { $0 != nil } ?? false
            case UInt8(ascii: ":"):
                values += 1
            case 0x80...:
                throw invalid("a byte outside ASCII at byte \(index), where only strings may have one")
            case 0x20, 0x09, 0x0A, 0x0D:
                break
            default:
                isWord = true
                if index - word >= maxWord { throw invalid("more than \(maxWord) bytes of one number at byte \(word)") }
            }
            if values > maxValues {
                throw invalid("more than \(maxValues) values", code: "json_too_large")
            }
            index += 1
            if !isWord { word = index }
        }
        if depth != 0 { throw invalid("it ends with \(depth) unclosed arrays or objects") }
    }

    /// The bytes of a key, with escapes resolved.
    private static func key(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        let written = range.map { bytes[$0] }
        guard written.contains(UInt8(ascii: "\\")) else { return written }
        let quote = [UInt8(ascii: "\"")]
        return (try? JSONDecoder().decode(String.self, from: Data(quote + written + quote))).map { Array($0.utf8) } ?? written
    }

    /// The index of the quotation mark that closes the string opened at `start`.
    private static func endOfString(_ bytes: Span<UInt8>, openedAt start: Int) throws(WireError) -> Int {
        var index = start + 1
        while index < bytes.count {
            // Most of a long string, such as a base64 clip, passes eight bytes at a time.
            while index + 8 <= bytes.count, isPlain(unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)) {
                index += 8
            }
            if index == bytes.count { break }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                return index
            case UInt8(ascii: "\\"):
                index = try afterEscape(bytes, at: index)
            case 0..<0x20:
                throw invalid("an unescaped control character at byte \(index)")
            case 0x80...:
                index += try lengthOfScalar(bytes, at: index)
            default:
                index += 1
            }
        }
        throw invalid("the string opened at byte \(start) is not closed")
    }

    /// Whether none of eight bytes ends a string, begins an escape, is a control character or lies outside ASCII.
    private static func isPlain(_ eight: UInt64) -> Bool {
        let (ones, highs) = (0x0101_0101_0101_0101 as UInt64, 0x8080_8080_8080_8080 as UInt64)
        // A zero byte borrows from its high bit (Mycroft). Bytes above it may be reported falsely; they are then examined one by one.
        func hasZero(_ bytes: UInt64) -> UInt64 { (bytes &- ones) & ~bytes & highs }
        let quote = hasZero(eight ^ (ones &* 0x22))
        let backslash = hasZero(eight ^ (ones &* 0x5C))
        let control = (eight &- ones &* 0x20) & ~eight & highs
        return (quote | backslash | control | eight & highs) == 0
    }

    private static func afterEscape(_ bytes: Span<UInt8>, at index: Int) throws(WireError) -> Int {
        guard index + 1 < bytes.count else { throw invalid("it ends inside an escape") }
        guard bytes[index + 1] == UInt8(ascii: "u") else { return index + 2 }
        let unit = try hexUnit(bytes, at: index)
        switch unit {
        case 0xD800...0xDBFF:
            guard index + 7 < bytes.count, bytes[index + 6] == UInt8(ascii: "\\"),
                bytes[index + 7] == UInt8(ascii: "u"),
                (0xDC00...0xDFFF).contains(try hexUnit(bytes, at: index + 6))
            else { throw invalid("a lone surrogate at byte \(index)", code: "invalid_unicode") }
            return index + 12
        case 0xDC00...0xDFFF:
            throw invalid("a lone surrogate at byte \(index)", code: "invalid_unicode")
        default:
            return index + 6
        }
    }

    private static func hexUnit(_ bytes: Span<UInt8>, at index: Int) throws(WireError) -> UInt32 {
        guard index + 5 < bytes.count else { throw invalid("it ends inside an escape") }
        var unit: UInt32 = 0
        for offset in 2...5 {
            let byte = bytes[index + offset]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw invalid("an escape without four hexadecimal digits at byte \(index)")
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    /// The length in bytes of the UTF-8 scalar at `index`. Overlong forms, surrogates and values above U+10FFFF are refused.
    private static func lengthOfScalar(_ bytes: Span<UInt8>, at index: Int) throws(WireError) -> Int {
        let first = bytes[index]
        let (length, low, high): (Int, UInt8, UInt8) =
            switch first {
            case 0xC2...0xDF: (2, 0x80, 0xBF)
            case 0xE0: (3, 0xA0, 0xBF)
            case 0xED: (3, 0x80, 0x9F)
            case 0xE1...0xEF: (3, 0x80, 0xBF)
            case 0xF0: (4, 0x90, 0xBF)
            case 0xF1...0xF3: (4, 0x80, 0xBF)
            case 0xF4: (4, 0x80, 0x8F)
            default: (0, 0, 0)
            }
        guard length > 0, index + length <= bytes.count, (low...high).contains(bytes[index + 1]) else {
            throw invalid("invalid UTF-8 at byte \(index)", code: "invalid_unicode")
        }
        for offset in 2..<max(length, 2) where !(0x80...0xBF).contains(bytes[index + offset]) {
            throw invalid("invalid UTF-8 at byte \(index)", code: "invalid_unicode")
        }
        return length
    }

    private static func invalid(_ found: String, code: String = "invalid_json") -> WireError {
        WireError("Expected a JSON body; found \(found).", code: code)
    }
}
