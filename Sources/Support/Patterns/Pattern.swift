import CPCRE2

/// An untrusted regular expression, matched by PCRE2 within limits: no pattern keeps a thread for long or
/// takes much memory.
///
///     source ─ dialect: rewritten for PCRE2, or refused ─ compiled ─ matched in steps that are counted
///
/// A limit that is hit is a ``PatternError``, never "no match". A value may be shared by threads.
@safe package final class Pattern: @unchecked Sendable {
    package let source: String
    private let code: OpaquePointer

    /// - Parameter limits: `.text` also compiles to machine code, for patterns that run over whole texts.
    package init(_ source: String, _ dialect: PatternDialect, limits: PatternLimits = .text) throws(PatternError) {
        self.source = source
        guard source.utf8.count <= limits.bytes else {
            throw PatternError(source, "it has \(source.utf8.count) bytes, more than the \(limits.bytes) allowed")
        }
        let translated = Array(try dialect.translate(source).utf8)
        var errorCode: Int32 = 0
        var errorOffset = 0
        let options = PCRE2_UTF | PCRE2_UCP | UInt32(PCRE2_NEVER_BACKSLASH_C)
        let code = unsafe translated.withUnsafeBufferPointer {
            unsafe pcre2_compile_8($0.baseAddress, $0.count, options, &errorCode, &errorOffset, nil)
        }
        guard let code = unsafe code else {
            throw PatternError(source, "\(Self.message(errorCode)) at byte \(errorOffset) of its PCRE2 form")
        }
        unsafe self.code = code
        // Without a just-in-time compiler for the processor, PCRE2 matches by its interpreter.
        if limits.usesMachineCode { _ = unsafe pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE) }
    }

    deinit { unsafe pcre2_code_free_8(code) }

    /// Bytes of the compiled form.
    package var compiledSize: Int {
        var size = 0
        _ = unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_SIZE), &size)
        return size
    }

    /// Appends the non-empty matches within `bytes[range]`, in absolute offsets. The slice is matched as if it were the
    /// whole text, so look-behinds and anchors do not see past it. `bytes` must be valid UTF-8.
    package func appendMatches(
        in bytes: [UInt8], _ range: Range<Int>, _ matcher: Matcher, to matches: inout [Range<Int>]
    ) throws(PatternError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        let failure: Int32 = unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            let subject = unsafe base + range.lowerBound
            var position = 0
            while position < range.count {
                var status = unsafe pcre2_match_8(
                    code, subject, range.count, position, UInt32(PCRE2_NO_UTF_CHECK), matcher.data, matcher.context)
                if status == PCRE2_ERROR_JIT_STACKLIMIT {
                    // The interpreter keeps its backtracking on the heap, within a limit of its own.
                    status = unsafe pcre2_match_8(
                        code, subject, range.count, position, UInt32(PCRE2_NO_UTF_CHECK) | PCRE2_NO_JIT, matcher.data,
                        matcher.context)
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
        if failure != 0 { throw PatternError(source, "cannot be matched: \(Self.message(failure))") }
    }

    /// Whether the pattern matches at the start of `name` or, by `whole`, all of it, as Python's `re.match` and `re.fullmatch` tell.
    package func matches(_ name: String, whole: Bool, _ budget: PatternBudget) throws(PatternError) -> Bool {
        try unsafe match(name, whole: whole, budget) { _ in true } ?? false
    }

    /// The text of the group `group` in a match at the start of `name`; nil if the pattern does not match.
    package func capture(_ group: String, in name: String, _ budget: PatternBudget) throws(PatternError) -> String? {
        let found: String?? = try unsafe match(name, whole: false, budget) { data in
            var start: UnsafeMutablePointer<UInt8>?
            var count = 0
            guard unsafe pcre2_substring_get_byname_8(data, group, &start, &count) == 0, let start = unsafe start else { return nil }
            defer { unsafe pcre2_substring_free_8(start) }
            return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
        }
        return found ?? nil
    }

    /// Tries with few steps first and then with more, so that a match is charged approximately its cost.
    @unsafe private func match<Result>(
        _ name: String, whole: Bool, _ budget: PatternBudget, _ read: (OpaquePointer) -> Result
    ) throws(PatternError) -> Result? {
        let bytes = Array(name.utf8)
        let options = PCRE2_ANCHORED | (whole ? PCRE2_ENDANCHORED : 0)
        for steps in PatternBudget.attempts {
            try budget.charge(steps: steps, source)
            let context = unsafe pcre2_match_context_create_8(nil)
            let data = unsafe pcre2_match_data_create_from_pattern_8(code, nil)
            defer {
                unsafe pcre2_match_context_free_8(context)
                unsafe pcre2_match_data_free_8(data)
            }
            guard let data = unsafe data else { throw PatternError(source, "there is no memory to match it") }
            unsafe pcre2_set_match_limit_8(context, UInt32(steps))
            unsafe pcre2_set_heap_limit_8(context, 16 << 10)
            let status = unsafe bytes.withUnsafeBufferPointer {
                unsafe pcre2_match_8(code, $0.baseAddress, $0.count, 0, options, data, context)
            }
            switch status {
            case PCRE2_ERROR_NOMATCH: return nil
            case PCRE2_ERROR_MATCHLIMIT: continue
            case ..<0: throw PatternError(source, "cannot be matched with \(name): \(Self.message(status))")
            default: return unsafe read(data)
            }
        }
        throw PatternError(source, "it takes more than \(PatternBudget.attempts.last ?? 0) steps to match it with \(name.prefix(100))")
    }

    private static func message(_ code: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = unsafe buffer.withUnsafeMutableBufferPointer {
            unsafe pcre2_get_error_message_8(code, $0.baseAddress, $0.count)
        }
        return String(decoding: buffer.prefix(max(0, Int(length))), as: UTF8.self)
    }

    /// The buffer and the limits of a match. One thread at a time may use it, with any pattern.
    @safe package final class Matcher {
        fileprivate let data: OpaquePointer
        fileprivate let offsets: UnsafeMutablePointer<Int>
        fileprivate let context: OpaquePointer

        package init() {
            unsafe data = pcre2_match_data_create_8(1, nil)
            unsafe offsets = pcre2_get_ovector_pointer_8(data)
            unsafe context = pcre2_match_context_create_8(nil)
            unsafe pcre2_set_match_limit_8(context, PatternLimits.steps)
            unsafe pcre2_set_depth_limit_8(context, PatternLimits.steps)
            unsafe pcre2_set_heap_limit_8(context, PatternLimits.heapKibibytes)
        }

        deinit {
            unsafe pcre2_match_data_free_8(data)
            unsafe pcre2_match_context_free_8(context)
        }
    }
}

/// The dialect of a regular expression.
package enum PatternDialect: Sendable {
    /// Oniguruma's with Unicode, as in `tokenizer.json`.
    case oniguruma
    /// Python's `re` for `str`, as in peft's configurations.
    case python

    func translate(_ source: String) throws(PatternError) -> String {
        switch self {
        case .oniguruma: try OnigurumaDialect.translate(source)
        case .python: try PythonDialect.translate(source)
        }
    }
}

/// The bounds on a pattern, and the way it is compiled.
package struct PatternLimits: Sendable {
    let bytes: Int
    let usesMachineCode: Bool

    /// For patterns that are matched with texts.
    package static let text = PatternLimits(bytes: 64 << 10, usesMachineCode: true)
    /// For patterns that are matched with names of at most a few hundred characters.
    package static let name = PatternLimits(bytes: 4 << 10, usesMachineCode: false)

    /// Steps of one match with a text: PCRE2's own default, which a long text may need.
    static let steps: UInt32 = 10_000_000
    static let heapKibibytes: UInt32 = 128 << 10
}

/// A pattern that is refused: malformed, in a form that is not supported, or beyond a limit.
package struct PatternError: Error, Equatable, CustomStringConvertible {
    package let source: String
    package let reason: String

    init(_ source: String, _ reason: String) {
        self.source = source
        self.reason = reason
    }

    /// The pattern, shortened, and the reason.
    package var description: String { "the pattern \(source.count > 200 ? source.prefix(200) + "…" : source): \(reason)" }
}
