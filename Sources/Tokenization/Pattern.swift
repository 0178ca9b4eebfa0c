import CPCRE2

/// A regular expression in the dialect of `tokenizer.json` files (Oniguruma's, Unicode on), matched by PCRE2.
///
/// The two dialects disagree on a few escapes. ``translate(_:)`` rewrites those; constructs with another meaning in
/// PCRE2 are refused rather than matched differently.
@safe final class Pattern: @unchecked Sendable {
    let source: String
    private let code: OpaquePointer

    init(_ source: String) throws(TokenizerError) {
        self.source = source
        let translated = Array(try Self.translate(source).utf8)
        var errorCode: Int32 = 0
        var errorOffset = 0
        let options = PCRE2_UTF | PCRE2_UCP | UInt32(PCRE2_NEVER_BACKSLASH_C)
        let code = unsafe translated.withUnsafeBufferPointer {
            unsafe pcre2_compile_8($0.baseAddress, $0.count, options, &errorCode, &errorOffset, nil)
        }
        guard let code = unsafe code else {
            throw .pattern(source, reason: "\(Self.message(errorCode)) at byte \(errorOffset) of its PCRE2 form")
        }
        unsafe self.code = code
        // Where the processor has no just-in-time compiler, matching falls back to PCRE2's interpreter by itself.
        _ = unsafe pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
    }

    deinit { unsafe pcre2_code_free_8(code) }

    /// Appends the non-empty matches within `bytes[range]`, in absolute offsets. The slice is matched as if it were the
    /// whole text, so look-behinds and anchors do not see past it. `bytes` must be valid UTF-8.
    func appendMatches(
        in bytes: [UInt8], _ range: Range<Int>, _ matcher: Matcher, to matches: inout [Range<Int>]
    ) throws(TokenizerError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        let failure: Int32 = unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            let subject = unsafe base + range.lowerBound
            var position = 0
            while position < range.count {
                var status = unsafe pcre2_match_8(
                    code, subject, range.count, position, UInt32(PCRE2_NO_UTF_CHECK), matcher.data, nil)
                if status == PCRE2_ERROR_JIT_STACKLIMIT {
                    // The interpreter keeps its backtracking on the heap and has no such limit.
                    status = unsafe pcre2_match_8(
                        code, subject, range.count, position, UInt32(PCRE2_NO_UTF_CHECK) | PCRE2_NO_JIT, matcher.data,
                        nil)
                }
                if status == PCRE2_ERROR_NOMATCH { return 0 }
                if status < 0 { return status }
                let start = unsafe matcher.offsets[0]
                let end = unsafe matcher.offsets[1]
                if end > start && start >= position {
                    matches.append(range.lowerBound + start..<range.lowerBound + end)
                    position = end
                } else {
                    // An empty match: step over one whole character.
                    position = max(end, position) + 1
                    while position < range.count, unsafe subject[position] & 0xC0 == 0x80 { position += 1 }
                }
            }
            return 0
        }
        if failure != 0 { throw .pattern(source, reason: "cannot be matched: \(Self.message(failure))") }
    }

    private static func message(_ code: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = unsafe buffer.withUnsafeMutableBufferPointer {
            unsafe pcre2_get_error_message_8(code, $0.baseAddress, $0.count)
        }
        return String(decoding: buffer.prefix(max(0, Int(length))), as: UTF8.self)
    }

    /// Where a match is written. One thread uses it at a time; any pattern can.
    @safe final class Matcher {
        fileprivate let data: OpaquePointer
        fileprivate let offsets: UnsafeMutablePointer<Int>

        init() {
            unsafe data = pcre2_match_data_create_8(1, nil)
            unsafe offsets = pcre2_get_ovector_pointer_8(data)
        }

        deinit { unsafe pcre2_match_data_free_8(data) }
    }
}

extension Pattern {
    /// Rewrites an Oniguruma pattern for PCRE2.
    ///
    /// `\s` is Unicode's White_Space (PCRE2's adds U+180E), `\w` is Alphabetic, marks, decimal digits, connectors and Latin-1's other digits,
    /// `\h` is a hexadecimal digit, and a script's name means the script itself, not its extensions.
    static func translate(_ source: String) throws(TokenizerError) -> String {
        let characters = Array(source.unicodeScalars)
        var result = String.UnicodeScalarView()
        var inClass = false
        var index = 0
        func add(_ text: String) { result.append(contentsOf: text.unicodeScalars) }
        while index < characters.count {
            let character = characters[index]
            let next = index + 1 < characters.count ? characters[index + 1] : nil
            index += 1
            switch character {
            case "\\":
                guard let next else { throw .pattern(source, reason: "ends in a backslash") }
                index += 1
                switch next {
                case "s": add("\\p{White_Space}")
                case "S": add("\\P{White_Space}")
                case "w": add(inClass ? word : "[\(word)]")
                case "W":
                    if inClass { throw .pattern(source, reason: "\\W inside a class is not supported") }
                    add("[^\(word)]")
                case "h": add(inClass ? "0-9A-Fa-f" : "[0-9A-Fa-f]")
                case "p", "P":
                    guard index < characters.count, characters[index] == "{",
                        let close = characters[index...].firstIndex(of: "}")
                    else {
                        throw .pattern(source, reason: "\\\(next) is not followed by a property in braces")
                    }
                    var name = characters[(index + 1)..<close].map(String.init).joined()
                    var caret = ""
                    if name.hasPrefix("^") { (caret, name) = ("^", String(name.dropFirst())) }
                    let plain = name.count <= 2 || properties.contains(name)
                    add("\\\(next){\(caret)\(plain ? "" : "sc:")\(name)}")
                    index = close + 1
                default:
                    result.append(character)
                    result.append(next)
                }
            case "[" where inClass && next != ":":
                throw .pattern(source, reason: "a class inside a class is not supported")
            case "&" where inClass && next == "&":
                throw .pattern(source, reason: "the intersection of classes is not supported")
            case "[":
                if inClass, let close = (index..<characters.count).first(where: { characters[$0] == "]" }) {
                    for position in (index - 1)...close { result.append(characters[position]) }
                    index = close + 1
                    continue
                }
                inClass = true
                result.append(character)
                if index < characters.count, characters[index] == "^" {
                    result.append("^")
                    index += 1
                }
                if index < characters.count, characters[index] == "]" {
                    add("\\]")
                    index += 1
                }
            case "]":
                inClass = false
                result.append(character)
            default:
                result.append(character)
            }
        }
        return "(*LF)" + String(result)
    }

    private static let word = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\u{B2}\u{B3}\u{B9}\u{BC}-\u{BE}"
    private static let properties: Set<String> = [
        "Any", "Alphabetic", "White_Space", "Uppercase", "Lowercase", "Emoji", "Extended_Pictographic",
    ]
}
